"""Takes in the timeline: where they are placed, what is visible, what else changed, and how they are found again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.plugin.blender.blenders import Blender
from tests.plugin.blender.conftest import Media, take
from tests.plugin.blender.numbered import (
    GROUND,
    PATCHES,
    layer_number_in,
    layer_picture,
    number_in,
    patches_in,
    read_pictures,
    write_pictures,
)

COUNT = 24


@pytest.fixture
def clip(blender: Blender, media: Media) -> dict:
    return blender.call("scenes.add_movie", str(media.h264), trim=(6, 10))


def takes(layers: Path, *names: str, count: int = COUNT) -> list[dict]:
    return [take(name, layers, count, write=False) for name in names]


def test_a_take_is_seen_frame_for_frame_in_its_colours(
    blender: Blender, clip: dict, layers: Path, tmp_path: Path
) -> None:
    bare = read_pictures(blender.call("scenes.render", str(tmp_path / "bare"), clip["start"], 1))[0]
    ground = bare[30:44].mean((0, 1))
    assert np.abs(ground - GROUND).max() <= 2
    placed = blender.call("agent_calls.place", "clip", takes(layers, "a", "b"), 1)
    assert (placed["record_start"], placed["record_frames"]) == (clip["start"], COUNT)
    assert (placed["take"], placed["track_number"], placed["track_name"], placed["note"]) == ("b", 2, "Channel 2", "")
    assert placed["media_path"] == str(layers / "layer_000000.png")
    pictures = read_pictures(blender.call("scenes.render", str(tmp_path / "frames"), clip["start"], COUNT))
    assert [number_in(each) for each in pictures] == list(range(6, 30))
    assert [layer_number_in(each) for each in pictures] == list(range(COUNT))
    colours = np.array(PATCHES, float)
    expected = colours[:, :3] * colours[:, 3:] / 255 + ground * (1 - colours[:, 3:] / 255)
    assert max(np.abs(patches_in(each) - expected).max() for each in pictures) <= 2


def test_nothing_else_changes_and_undo_restores(blender: Blender, clip: dict, media: Media, layers: Path) -> None:
    blender.call("scenes.add_movie", str(media.prores), "other", 4, 20)
    before = blender.call("scenes.describe")
    blender.call("agent_calls.users_step")
    blender.call("agent_calls.place", "clip", takes(layers, "a", "b"), 0)
    assert blender.call("scenes.describe", skip=["Take a", "Take b"]) == before
    blender.call("agent_calls.swap", "clip", takes(layers, "b")[0])
    assert blender.call("scenes.describe", skip=["Take a", "Take b"]) == before
    assert [each["take"] for each in blender.call("agent_calls.placements")] == ["b"]
    assert blender.call("agent_calls.undo") == ["FINISHED"]
    assert [each["take"] for each in blender.call("agent_calls.placements")] == ["a"]
    assert blender.call("agent_calls.undo") == ["FINISHED"]
    assert blender.call("scenes.describe") == before


def test_the_layer_is_aligned_with_the_clip(
    blender: Blender, clip: dict, media: Media, layers: Path, tmp_path: Path
) -> None:
    look = {
        "transform__offset_x": 12,
        "transform__offset_y": -9,
        "transform__scale_x": 0.75,
        "transform__rotation": 0.3,
    }
    look.update(transform__scale_y=0.75, crop__min_x=8, crop__max_y=6, use_flip_x=True, blend_alpha=0.8)
    blender.call("scenes.set_strip", "clip", **look)
    blender.call("scenes.key", "clip", "transform.offset_x", [(clip["start"], 12), (clip["start"] + 23, -30)])
    blender.call("scenes.key", "clip", "blend_alpha", [(clip["start"], 1.0), (clip["start"] + 23, 0.5)])
    # A layer with the clip's own pictures changes nothing when it is exactly aligned.
    write_pictures(tmp_path / "same", COUNT, "layer_{:06d}.png", 0, make=_red)
    blender.call("agent_calls.place", "clip", [take("same", tmp_path / "same", COUNT, write=False)])
    both = read_pictures(blender.call("scenes.render", str(tmp_path / "both"), clip["start"], COUNT))
    blender.call("scenes.set_strip", "clip", blend_type="ALPHA_OVER", mute=True)
    layer = read_pictures(blender.call("scenes.render", str(tmp_path / "layer"), clip["start"], COUNT))
    blender.call("scenes.set_strip", "clip", mute=False)
    blender.call("scenes.set_strip", "Take same", mute=True)
    bare = read_pictures(blender.call("scenes.render", str(tmp_path / "bare"), clip["start"], COUNT))
    for one, two, three in zip(bare, layer, both, strict=True):
        assert ((one.max(2) > 4) == (two.max(2) > 4)).mean() > 0.995  # the same outline, to the pixel
        assert three[two.max(2) == 0].max(initial=0) <= 4
    outlines = [each.max(2) > 4 for each in bare]
    assert (outlines[0] != outlines[-1]).mean() > 0.05  # it moved, and the layer with it


def _red(number: int) -> np.ndarray:
    picture = np.zeros_like(layer_picture(number))
    picture[:] = (200, 60, 60, 255)
    return picture


def test_a_layer_of_another_size_covers_the_same(blender: Blender, clip: dict, layers: Path, tmp_path: Path) -> None:
    def half(number: int) -> np.ndarray:
        return _red(number)[::2, ::2]

    blender.call("scenes.set_strip", "clip", transform__scale_x=0.5, transform__scale_y=0.5)
    write_pictures(tmp_path / "half", COUNT, "layer_{:06d}.png", 0, make=half)
    blender.call("agent_calls.place", "clip", [take("half", tmp_path / "half", COUNT, write=False)])
    picture = read_pictures(blender.call("scenes.render", str(tmp_path / "frames"), clip["start"], 1))[0]
    covered = (np.abs(picture.astype(int) - (200, 60, 60)).max(2) <= 2).mean()
    assert covered == pytest.approx(0.25, abs=0.02)


def test_the_next_free_channel_is_taken_and_reported(blender: Blender, clip: dict, media: Media, layers: Path) -> None:
    blender.call("scenes.add_movie", str(media.h264), "in the way", 2, clip["start"] + 20)
    blender.call("scenes.set_channel", 3, lock=True)
    blender.call("scenes.add_movie", str(media.h264), "elsewhere", 4, clip["start"] + 24)
    placed = blender.call("agent_calls.place", "clip", takes(layers, "a"))
    assert placed["track_number"] == 4
    assert placed["note"] == (
        "Channel 2, directly above the clip, holds another strip there, so the take is on Channel 4."
    )


def test_no_free_channel_leaves_all_as_it_was(blender: Blender, clip: dict, media: Media, layers: Path) -> None:
    blender.call("scenes.set_strip", "clip", channel=126)
    blender.call("scenes.add_movie", str(media.h264), "last", 128, clip["start"])
    before = blender.call("scenes.describe")
    refused = blender.call("agent_calls.place", "clip", takes(layers, "a", "b"))
    assert refused["problem"] == "no_free_track" and "128" in refused["why"]
    assert blender.call("scenes.describe") == before
    assert blender.call("agent_calls.place", "clip", takes(layers, "a"))["track_number"] == 127


def test_placing_again_keeps_what_is_right_and_moves_what_is_not(blender: Blender, clip: dict, layers: Path) -> None:
    blender.call("agent_calls.place", "clip", takes(layers, "a", "b"), 0)
    blender.call("agent_calls.place", "clip", takes(layers, "a", "b", "c"), 2)
    names = sorted(blender.call("scenes.describe")["scenes"]["Scene"]["strips"])
    assert names == ["Take a", "Take b", "Take c", "clip"]
    # The clip was moved without its takes: placing moves them too.
    blender.call("scenes.move", "clip", 50)
    placed = blender.call("agent_calls.place", "clip", takes(layers, "a", "b", "c"), 0)
    assert placed["record_start"] == clip["start"] + 50
    strips = blender.call("scenes.describe")["scenes"]["Scene"]["strips"]
    assert len(strips) == 4
    assert {each["mute"] for name, each in strips.items() if name.startswith(("Take b", "Take c"))} == {True}


def test_failures_leave_nothing_behind(blender: Blender, clip: dict, layers: Path, tmp_path: Path) -> None:
    before = blender.call("scenes.describe")
    missing = takes(layers, "a")[0]
    missing["sequence"] = dict(missing["sequence"], folder=str(tmp_path))
    assert blender.call("agent_calls.place", "clip", [missing])["problem"] == "take_missing"
    assert blender.call("agent_calls.place", "clip", takes(layers, "a", count=COUNT - 1))["problem"] == "clip_changed"
    # Blender does not show the pictures as requested: verification finds it.
    blender.call("agent_calls.spoil_reading_back")
    try:
        refused = blender.call("agent_calls.place", "clip", takes(layers, "a", "b"))
    finally:
        blender.call("agent_calls.mend_reading_back")
    assert refused["problem"] == "placement_failed" and "The timeline is unchanged" in refused["remedy"]
    assert blender.call("scenes.describe") == before


def test_a_trimmed_clip_is_refused(blender: Blender, clip: dict, layers: Path, tmp_path: Path) -> None:
    blender.call("agent_calls.export", "clip", str(tmp_path))
    blender.call("scenes.set_strip", "clip", frame_offset_start=7, frame_offset_end=9)
    refused = blender.call("agent_calls.place", "clip", takes(layers, "a"))
    assert refused["problem"] == "clip_changed" and refused["remedy"]


def test_clips_are_known_by_more_than_their_name(blender: Blender, clip: dict, media: Media, tmp_path: Path) -> None:
    uid = blender.call("agent_calls.uid", "clip")
    blender.call("scenes.set_strip", "clip", name="renamed")
    assert blender.call("agent_calls.find", uid) == "renamed"
    assert blender.call("agent_calls.uid", "renamed") == uid
    blender.call("scenes.add_movie", str(media.prores), "clip", 3)
    assert blender.call("agent_calls.uid", "clip") != uid
    blender.call("scenes.remove", "renamed")
    gone = blender.call("agent_calls.find", uid)
    assert gone["problem"] == "clip_gone" and "renamed" in gone["what"]


def test_a_clip_that_only_took_the_name_is_another(
    blender: Blender, clip: dict, media: Media, layers: Path, tmp_path: Path
) -> None:
    """The clip of a waiting take is deleted, and another file gets a strip of its name, place and length."""
    uid = blender.call("agent_calls.uid", "clip")
    blender.call("scenes.remove", "clip")
    blender.call("scenes.add_movie", str(media.prores), trim=(6, 10))
    assert blender.call("agent_calls.find", uid)["problem"] == "clip_gone"
    assert blender.call("agent_calls.place_by_uid", uid, takes(layers, "a"))["problem"] == "clip_gone"
    other = blender.call("agent_calls.uid", "clip")
    assert other != uid and blender.call("agent_calls.find", other) == "clip"
    assert blender.call("agent_calls.uid", "clip") == other
    # Undo brings the first one back, at another address.
    blender.call("scenes.remove", "clip")
    blender.call("scenes.add_movie", str(media.h264), trim=(6, 10))
    assert blender.call("agent_calls.find", uid) == "clip"


def test_another_file_does_not_answer(blender: Blender, clip: dict, media: Media, layers: Path, tmp_path: Path) -> None:
    blender.call("agent_calls.place", "clip", takes(layers, "a"))
    uid = blender.call("agent_calls.export_uid", "clip", str(tmp_path))
    blender.call("agent_calls.save", str(tmp_path / "film.blend"))
    assert blender.call("agent_calls.uid", "clip") == uid
    blender.call("scenes.fresh")
    blender.call("agent_calls.start")
    blender.call("scenes.add_movie", str(media.h264), trim=(6, 10))
    assert blender.call("agent_calls.find", uid)["problem"] == "clip_gone"
    # Moved and opened again, it is still the same file, and its takes are found by their tags.
    (tmp_path / "film.blend").rename(tmp_path / "moved.blend")
    blender.call("scenes.open_file", str(tmp_path / "moved.blend"))
    blender.call("agent_calls.start")
    assert blender.call("agent_calls.find", uid) == "clip"
    placed = blender.call("agent_calls.placements")
    assert [(each["uid"], each["take"], each["record_start"]) for each in placed] == [(uid, "a", clip["start"])]


def test_a_take_of_a_faded_clip_inside_a_meta_strip(blender: Blender, media: Media, layers: Path) -> None:
    blender.call("scenes.add_meta", "group", 3, 10, [(str(media.h264), "inside", 1, 10, (6, 10))])
    blender.call("scenes.set_strip", "inside", blend_alpha=0.5)
    placed = blender.call("agent_calls.place_inside", "group", "inside", takes(layers, "a"))
    assert (placed["record_start"], placed["record_frames"], placed["track_number"]) == (16, COUNT, 2)
    assert blender.call("scenes.children", "group") == ["Take a", "Take a mix", "inside"]


def test_takes_inside_a_meta_strip(blender: Blender, media: Media, layers: Path) -> None:
    blender.call("scenes.add_meta", "group", 3, 10, [(str(media.h264), "inside", 1, 10, (6, 10))])
    placed = blender.call("agent_calls.place_inside", "group", "inside", takes(layers, "a"))
    assert (placed["record_start"], placed["record_frames"], placed["track_number"]) == (16, COUNT, 2)
    assert blender.call("scenes.children", "group") == ["Take a", "inside"]


def test_selection_and_stamp(blender: Blender, clip: dict, media: Media, layers: Path) -> None:
    blender.call("scenes.add_movie", str(media.prores), "second", 3, 60)
    blender.call("agent_calls.place", "clip", takes(layers, "a"))
    blender.call("scenes.select", ["Take a", "second"], "second")
    reply = blender.call("agent_calls.timeline")
    names = {each["uid"]: each["name"] for each in reply["clips"]}
    assert sorted(names.values()) == ["clip", "second"]  # takes are no clips
    assert [names[uid] for uid in reply["selected"]] == ["second", "clip"]
    stamps = {each["name"]: each["stamp"] for each in reply["clips"]}
    blender.call("scenes.set_strip", "second", mute=True, transform__offset_x=5)
    blender.call("scenes.set_strip", "clip", frame_offset_end=11)
    now = {each["name"]: each["stamp"] for each in blender.call("agent_calls.timeline")["clips"]}
    assert now["second"] == stamps["second"] and now["clip"] != stamps["clip"]


def test_notes_become_markers_once(blender: Blender, clip: dict) -> None:
    note = {"first": 4, "last": 4, "text": "edge flickers", "category": "matte", "author": "Ana"}
    long = {"first": 0, "last": 9, "text": "ü" * 80, "category": "", "author": ""}
    blender.call("agent_calls.mark", "clip", [note, long])
    markers = blender.call("agent_calls.mark", "clip", [note, long])
    assert markers[1] == [clip["start"] + 4, "clip | matte: edge flickers"]
    assert markers[0][0] == clip["start"] and markers[0][1].endswith("ü (to 9)")
    assert len(markers) == 2
    assert blender.call("agent_calls.mark", "clip", []) == []


def part_of_clip(layers: Path, identity: str, first: int, count: int) -> dict:
    return {**take(identity, layers, count, write=False), "part": [first, count]}


def test_takes_of_parts(blender: Blender, clip: dict, layers: Path, tmp_path: Path) -> None:
    placed = blender.call("agent_calls.place", "clip", [part_of_clip(layers, "a", 5, 8)])
    assert (placed["record_start"], placed["record_frames"]) == (clip["start"] + 5, 8)
    # Another part of the same effect is another place, not an alternative; one that overlaps is.
    placed = blender.call("agent_calls.place", "clip", [part_of_clip(layers, "b", 14, 10)])
    assert placed["also_visible"] == ["a"] and placed["track_number"] == 2
    pictures = read_pictures(blender.call("scenes.render", str(tmp_path / "frames"), clip["start"], COUNT))
    shown = {index: layer_number_in(each) for index, each in enumerate(pictures) if (each[3] > 200).any()}
    numbers = {**{5 + number: number for number in range(8)}, **{14 + number: number for number in range(10)}}
    assert {index: number for index, number in shown.items() if number} == {i: n for i, n in numbers.items() if n}
    placed = blender.call("agent_calls.place", "clip", [part_of_clip(layers, "c", 10, 8)])
    assert placed["also_visible"] == []
    # The clip is moved alone: placing again, the take follows its part of the clip.
    blender.call("scenes.move", "clip", 30)
    placed = blender.call("agent_calls.swap", "clip", part_of_clip(layers, "b", 14, 10))
    assert placed["record_start"] == clip["start"] + 30 + 14
    assert [each["take"] for each in blender.call("agent_calls.placements")] == ["b"]


def test_a_part_beyond_the_clip_is_refused(blender: Blender, clip: dict, layers: Path) -> None:
    before = blender.call("scenes.describe")
    refused = blender.call("agent_calls.place", "clip", [part_of_clip(layers, "a", 20, 5)])
    assert refused["problem"] == "clip_changed" and "from frame 21 of the clip on" in refused["what"]
    assert blender.call("scenes.describe") == before


def test_deleting_a_take_leaves_the_clips_opacity(blender: Blender, clip: dict, layers: Path, tmp_path: Path) -> None:
    """Of two takes of a half transparent clip, the user deletes the upper one, whose strip had the clip's opacity."""
    blender.call("scenes.set_strip", "clip", blend_alpha=0.5)
    first, second = takes(layers, "a", "b")
    second["effect"] = "another"
    blender.call("agent_calls.place", "clip", [first])
    one = read_pictures(blender.call("scenes.render", str(tmp_path / "one"), clip["start"], 1))[0]
    blender.call("agent_calls.place", "clip", [second])
    for name in ("Take b mix", "Take b"):
        blender.call("scenes.remove", name)
    blender.call("agent_calls.mend_mixes")
    left = read_pictures(blender.call("scenes.render", str(tmp_path / "left"), clip["start"], 1))[0]
    assert np.abs(one.astype(int) - left).max() <= 1
