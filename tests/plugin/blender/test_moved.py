"""A project that is moved keeps its placed takes; those that are lost are named and found again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.plugin.blender.blenders import Blender
from tests.plugin.blender.conftest import take
from tests.plugin.blender.numbered import layer_number_in, layer_picture, number_in, read_pictures, write_pictures

COUNT = 12
START = 10
_CLIP = [f"clip_{number:04d}.png" for number in range(COUNT)]


def write_take(folder: Path, identity: str, number: int) -> dict:
    """A finished take as the backend leaves it, its pictures numbered from `number` on; as the protocol names it."""
    prefix = f"layer-{identity}."
    pattern = prefix + "{:06d}.png"
    write_pictures(folder / "layer", COUNT, pattern, 0, make=lambda index: layer_picture(number + index))
    record = {"id": identity, "layer": f"layer/{prefix}%06d.png", "first_number": 0, "frame_count": COUNT}
    (folder / "take.json").write_text(json.dumps(record))
    message = take(identity, folder / "layer", COUNT, write=False)
    message["sequence"]["prefix"] = prefix
    return message


@pytest.fixture
def project(blender: Blender, tmp_path: Path) -> Path:
    """cut.blend with a clip and two takes of two jobs above it, in its own folder."""
    folder = tmp_path / "project"
    write_pictures(folder / "footage", COUNT, "clip_{:04d}.png", 0)
    results = folder / "cut dynvfx"
    takes = [
        write_take(results / "001-whale" / "takes" / "01", "aaaa", 100),
        write_take(results / "002-rain" / "takes" / "01", "bbbb", 150),
    ]
    blender.call("scenes.add_pictures", str(folder / "footage"), _CLIP, "clip", 1, START)
    blender.call("agent_calls.save", str(folder / "cut.blend"))
    blender.call("agent_calls.place", "clip", takes, 0)
    blender.call("agent_calls.save", str(folder / "cut.blend"))
    return folder


def opened(blender: Blender, path: Path) -> None:
    blender.call("scenes.open_file", str(path))
    blender.call("agent_calls.start")


def layer_shown(blender: Blender, folder: Path, name: str) -> int:
    """The number of the layer picture that the timeline's first frame shows when only `name` is visible."""
    for each in ("Take aaaa", "Take bbbb"):
        blender.call("scenes.set_strip", each, mute=each != name)
    shutil.rmtree(folder / "shown", ignore_errors=True)
    return layer_number_in(read_pictures(blender.call("scenes.render", str(folder / "shown"), START, 1))[0])


def test_a_moved_project_has_its_takes(blender: Blender, project: Path, tmp_path: Path) -> None:
    assert all(each.startswith("//") for each in blender.call("agent_calls.paths", "Take aaaa", "Take bbbb"))
    blender.call("scenes.fresh")
    moved = project.rename(tmp_path / "archive 2026 ü")
    opened(blender, moved / "cut.blend")
    assert blender.call("agent_calls.missing") == []
    assert layer_shown(blender, tmp_path, "Take aaaa") == 100
    assert layer_shown(blender, tmp_path, "Take bbbb") == 150


def test_saved_elsewhere_the_takes_are_still_found(blender: Blender, project: Path, tmp_path: Path) -> None:
    (tmp_path / "other" / "deep").mkdir(parents=True)
    blender.call("agent_calls.save", str(tmp_path / "other" / "deep" / "copy.blend"))
    opened(blender, tmp_path / "other" / "deep" / "copy.blend")
    assert blender.call("agent_calls.missing") == []
    assert layer_shown(blender, tmp_path, "Take bbbb") == 150


@pytest.mark.parametrize("where", ["below the project", "in a named folder"])
def test_lost_takes_are_named_and_relinked(blender: Blender, project: Path, tmp_path: Path, where: str) -> None:
    # The results were moved alone and sorted anew; a stranger's record and a broken one lie about.
    home = project / "takes of March" if where == "below the project" else tmp_path / "disk 2"
    for number, job in enumerate(("002-rain", "001-whale")):
        shutil.copytree(project / "cut dynvfx" / job / "takes" / "01", home / str(number))
    write_take(home / "3", "cccc", 200)
    (home / "broken").mkdir()
    (home / "broken" / "take.json").write_text('{"id": "aaaa", "layer": "layer/none.%06d.png"}')
    shutil.rmtree(project / "cut dynvfx")
    opened(blender, project / "cut.blend")
    assert sorted(blender.call("agent_calls.missing")) == ["Take aaaa", "Take bbbb"]
    blender.call("agent_calls.users_step")
    if where == "in a named folder":
        found, lost = blender.call("agent_calls.relink")
        assert found == [] and sorted(lost) == ["Take aaaa", "Take bbbb"]
    found, lost = blender.call("agent_calls.relink", str(home) if where == "in a named folder" else "")
    assert sorted(found) == ["Take aaaa", "Take bbbb"] and lost == []
    assert layer_shown(blender, tmp_path, "Take aaaa") == 100
    assert layer_shown(blender, tmp_path, "Take bbbb") == 150
    assert all(each.startswith("//") for each in blender.call("agent_calls.paths", "Take aaaa", "Take bbbb"))


def test_a_take_without_all_its_pictures_stays_lost(blender: Blender, project: Path, tmp_path: Path) -> None:
    home = project / "elsewhere"
    (project / "cut dynvfx").rename(home)
    (home / "002-rain" / "takes" / "01" / "layer" / "layer-bbbb.000003.png").unlink()
    opened(blender, project / "cut.blend")
    assert blender.call("agent_calls.relink") == [["Take aaaa"], ["Take bbbb"]]
    assert blender.call("agent_calls.missing") == ["Take bbbb"]


def test_blenders_own_search_finds_each_takes_own_files(blender: Blender, project: Path, tmp_path: Path) -> None:
    (project / "cut dynvfx").rename(project / "moved")
    opened(blender, project / "cut.blend")
    blender.call("agent_calls.find_missing_files", str(project))
    assert blender.call("agent_calls.missing") == []
    assert layer_shown(blender, tmp_path, "Take aaaa") == 100
    assert layer_shown(blender, tmp_path, "Take bbbb") == 150


def test_a_file_that_was_never_saved_keeps_whole_paths(blender: Blender, tmp_path: Path) -> None:
    write_pictures(tmp_path / "footage", COUNT, "clip_{:04d}.png", 0)
    blender.call("scenes.add_pictures", str(tmp_path / "footage"), _CLIP, "clip", 1, START)
    message = write_take(tmp_path / "takes" / "01", "aaaa", 100)
    placed = blender.call("agent_calls.place", "clip", [message])
    (path,) = blender.call("agent_calls.paths", "Take aaaa")
    assert Path(path) == tmp_path / "takes" / "01" / "layer"
    assert placed["media_path"] == str(tmp_path / "takes" / "01" / "layer" / "layer-aaaa.000000.png")


def test_a_movie_layer_moves_too(blender: Blender, project: Path, tmp_path: Path) -> None:
    from tests.plugin.blender.numbered import write_movie

    folder = project / "cut dynvfx" / "003-fog" / "takes" / "01"
    folder.mkdir(parents=True)
    write_movie(folder / "layer.mov", COUNT, codec="prores_ks")
    (folder / "take.json").write_text(json.dumps({"id": "dddd", "layer": "layer.mov"}))
    message = {**take("dddd", folder, COUNT, write=False), "sequence": None, "path": str(folder / "layer.mov")}
    blender.call("agent_calls.place", "clip", [message])
    blender.call("agent_calls.save", str(project / "cut.blend"))
    assert blender.call("agent_calls.paths", "Take dddd")[0].startswith("//")
    (project / "cut dynvfx" / "003-fog").rename(project / "fog")
    opened(blender, project / "cut.blend")
    assert blender.call("agent_calls.missing") == ["Take dddd"]
    assert blender.call("agent_calls.relink") == [["Take dddd"], []]
    picture = read_pictures(blender.call("scenes.render", str(tmp_path / "fog"), START + 5, 1))[0]
    assert number_in(picture) == 5 and picture.dtype == np.uint8


def test_a_project_that_was_opened_by_a_link(blender: Blender, project: Path, tmp_path: Path) -> None:
    """The file is opened below a link, the takes are named by their real folder, and the project is moved."""
    (tmp_path / "link").symlink_to(project)
    opened(blender, tmp_path / "link" / "cut.blend")
    message = write_take(project / "cut dynvfx" / "003-fog" / "takes" / "01", "dddd", 180)
    blender.call("agent_calls.place", "clip", [message])
    blender.call("agent_calls.save", str(tmp_path / "link" / "cut.blend"))
    blender.call("scenes.fresh")
    project.rename(tmp_path / "moved")
    opened(blender, tmp_path / "moved" / "cut.blend")
    assert blender.call("agent_calls.missing") == []
