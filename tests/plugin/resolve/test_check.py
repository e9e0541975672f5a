"""The contract check reports the double's behaviour correctly, for every position of its switches."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest

from plugin.cli.main import main
from plugin.cli.resolve_command import connect
from plugin.resolve.check import contract_check as check
from plugin.resolve.check.questions import ASSUMED, HANDLED, QUESTIONS
from plugin.resolve.check.sample_pictures import write_pictures
from plugin.resolve.errors import ResolveProblem
from tests.plugin.resolve.double import Switches, World
from tests.plugin.resolve.films import Film


def seen(world: World) -> dict:
    before = world.snapshot()
    report = check.check(world.resolve, lambda line: None)
    assert world.snapshot() == before
    assert [each.name for each in world.projects.values()] == [before.name]
    assert [each["error"] for each in report["findings"] if each["error"]] == []
    return {each["name"]: each for each in report["findings"]}


def test_the_newest_double_is_as_assumed(film: Film) -> None:
    found = seen(film.world)
    assert {name: each["seen"] for name, each in found.items() if not each["agrees"]} == {}
    assert set(found) == {*ASSUMED, "cleaned_up"} == {*(each.__name__ for each in QUESTIONS), "cleaned_up"}
    assert set(HANDLED) <= set(ASSUMED)


@pytest.mark.parametrize(
    ("switches", "name", "answer"),
    [
        ({"end_frame": "inclusive"}, "end_frame", "inclusive"),
        ({"past_end": "refuses"}, "past_end", "refuses"),
        ({"past_end": "freezes"}, "past_end", "holds the last frame"),
        ({"frame_base": "media"}, "frame_base", "the sequence's first number"),
        ({"add_track": "appends"}, "add_track", "adds on top"),
        ({"new_bin_is_current": False}, "new_bin", "does not become current"),
        ({"sequence_names": "first"}, "sequence_path", "dynvfx check.1001.png"),
        ({"takes": False}, "takes", "no such call"),
        ({"take_keeps_marker": False}, "take_and_marker", "is lost"),
        ({"otio": False}, "otio", "no such export"),
        ({"otio_clip": 1}, "otio_clip", "Clip.1"),
    ],
)
def test_every_switch_is_seen(tmp_path: Path, switches: dict, name: str, answer: str) -> None:
    film = Film(tmp_path, World(switches=replace(Switches(), **switches)))
    if name == "otio":
        report = check.check(film.world.resolve, lambda line: None)
        found = {each["name"]: each for each in report["findings"]}
        assert found["otio_path"]["error"]
    else:
        found = seen(film.world)
    assert found[name]["seen"] == answer
    assert not found[name]["agrees"] and found[name]["handled"]


@pytest.mark.parametrize("alpha", ["refuses", "forgets"])
def test_an_alpha_mode_that_does_not_stick(tmp_path: Path, alpha: str) -> None:
    found = seen(Film(tmp_path, World(switches=Switches(alpha=alpha))).world)
    assert "Premultiplied" in found["alpha_mode"]["seen"]


def test_older_versions_lack_calls(tmp_path: Path) -> None:
    found = seen(Film(tmp_path, World((19, 0, 0))).world)
    assert found["selection"]["seen"] == found["source_end_frame"]["seen"] == "no such call"


def test_an_answer_that_was_not_expected_is_reported_as_different(film: Film) -> None:
    film.world.answers["Timeline.DeleteTrack"] = True
    report = check.check(film.world.resolve, lambda line: None)
    assert "DIFFERENT   delete track: does nothing (assumed: deletes)" in check.text(report)
    assert "does not handle: delete_track" in check.text(report)


def test_a_project_that_cannot_be_saved_is_not_left(film: Film) -> None:
    film.world.answers["ProjectManager.SaveProject"] = False
    with pytest.raises(ResolveProblem, match="did not save"):
        check.check(film.world.resolve, lambda line: None)
    assert len(film.world.projects) == 1


def test_the_free_edition_of_now_is_not_asked() -> None:
    with pytest.raises(ResolveProblem, match="free"):
        check.check(World((21, 1, 0), "free").resolve)


def test_pictures_are_png_with_alpha(tmp_path: Path) -> None:
    from PIL import Image

    paths = write_pictures(str(tmp_path))
    with Image.open(paths[3]) as picture:
        assert (picture.mode, picture.size) == ("RGBA", (64, 36))
        assert (picture.getpixel((0, 0)), picture.getpixel((63, 35))) == ((30, 80, 40, 255), (30, 80, 40, 128))


def test_the_command_saves_a_report(
    film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    module = types.ModuleType("DaVinciResolveScript")
    module.scriptapp = lambda name: film.world.resolve
    monkeypatch.setitem(sys.modules, "DaVinciResolveScript", module)
    assert main(["resolve-check", "--output", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "Everything works as DynVFX assumes." in shown
    written = sorted(tmp_path.glob("dynvfx-resolve-report-*"))
    assert [path.suffix for path in written] == [".json", ".txt"]
    assert json.loads(written[0].read_text())["product"] == "DaVinci Resolve Studio"
    film.world.answers["Timeline.DeleteTrack"] = True
    assert main(["resolve-check", "--json", "--output", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out)["version"] == "21.0.4"


def test_without_resolve_the_command_explains_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "DaVinciResolveScript", None)
    assert connect() is None
    assert main(["resolve-check", "--output", str(tmp_path)]) == 1
    assert "External scripting" in capsys.readouterr().err
    assert main(["resolve-check", "--output", str(tmp_path / "none")]) == 2


def test_the_check_in_the_menu(
    film: Film, assembled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    script = assembled / "Scripts" / "Utility" / "DynVFX_check.py"
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), {"resolve": film.world.resolve})
    for name in [each for each in sys.modules if each.partition(".")[0] == "DynVFX_agent"]:
        del sys.modules[name]
    assert "Everything works as DynVFX assumes." in capsys.readouterr().out
    assert len(list(tmp_path.glob("dynvfx-resolve-report-*.txt"))) == 1
