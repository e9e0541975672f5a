"""Scenes that are linked from other files, and have the names of this file's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.blender.blenders import Blender
from tests.plugin.blender.conftest import Media, take


@pytest.fixture
def library(blender: Blender, media: Media, tmp_path: Path) -> Path:
    """Another file, used with DynVFX before, with a scene of the same name and in it a clip of the same name."""
    path = tmp_path / "a library.blend"
    blender.call("scenes.add_movie", str(media.prores), trim=(6, 10))
    blender.call("agent_calls.export_uid", "clip", str(tmp_path))
    blender.call("agent_calls.save", str(path))
    return path


def begin(blender: Blender, media: Media, library: Path, first: str) -> dict:
    """This file: its own clip, and the library's scene linked before or after the scene got its name."""
    blender.call("scenes.fresh", name="A" if first == "linked first" else "Scene")
    blender.call("agent_calls.start")
    blender.call("scenes.link_scene", str(library), "Scene")
    blender.call("scenes.rename_scene", "Scene")
    return blender.call("scenes.add_movie", str(media.h264), trim=(6, 10))


@pytest.mark.parametrize("first", ["linked first", "own first"])
def test_the_own_scene_gets_the_take(
    blender: Blender, media: Media, layers: Path, library: Path, tmp_path: Path, first: str
) -> None:
    clip = begin(blender, media, library, first)
    assert blender.call("scenes.names_of_scenes") == [["Scene", ""], ["Scene", str(library)]]
    linked = blender.call("agent_calls.uids_in", "Scene", str(library))
    own = blender.call("agent_calls.uid", "clip")
    assert own not in linked and len(linked) == 1
    placed = blender.call("agent_calls.place", "clip", [take("a", layers, clip["count"], write=False)])
    assert placed["track_number"] == 2
    assert blender.call("scenes.strips_of_scene", "Scene", "") == ["Take a", "clip"]
    assert blender.call("scenes.strips_of_scene", "Scene", str(library)) == ["clip"]
    assert [each["uid"] for each in blender.call("agent_calls.placements")] == [own]
    # After a restart the identity is still the own scene's, and this file is not taken for the library.
    blender.call("agent_calls.save", str(tmp_path / "this.blend"))
    blender.call("scenes.open_file", str(tmp_path / "this.blend"))
    blender.call("agent_calls.start")
    assert blender.call("agent_calls.find_with_library", own) == ["clip", ""]
    assert [each["uid"] for each in blender.call("agent_calls.placements")] == [own]
    blender.call("scenes.open_file", str(library))
    blender.call("agent_calls.start")
    assert blender.call("agent_calls.uid", "clip") != own


def test_a_linked_scene_is_no_place_for_takes(
    blender: Blender, media: Media, layers: Path, library: Path, tmp_path: Path
) -> None:
    begin(blender, media, library, "own first")
    (uid,) = blender.call("agent_calls.uids_in", "Scene", str(library))
    refused = blender.call("agent_calls.export_by_uid", uid, str(tmp_path))
    assert refused["problem"] == "not_supported" and str(library) in refused["why"]
    refused = blender.call("agent_calls.place_by_uid", uid, [take("a", layers, 24, write=False)])
    assert refused["problem"] == "not_supported" and "Open that file" in refused["remedy"]
    assert blender.call("scenes.strips_of_scene", "Scene", str(library)) == ["clip"]


def test_a_render_is_of_the_own_scene(blender: Blender, media: Media, library: Path, tmp_path: Path) -> None:
    from tests.plugin.blender.test_export import numbers_of

    begin(blender, media, library, "linked first")
    blender.call("scenes.set_strip", "clip", use_reverse_frames=True, frame_offset_end=26)
    reply = blender.call("agent_calls.export", "clip", str(tmp_path))
    assert numbers_of(tmp_path, reply) == [33 - number for number in range(8)]
