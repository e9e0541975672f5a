"""A placed take is seen: above whatever takes the clip in, with the clip's opacity and blend mode, in real renders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.plugin.blender.blenders import Blender
from tests.plugin.blender.conftest import Media, take
from tests.plugin.blender.numbered import (
    HEIGHT,
    WIDTH,
    clip_picture,
    layer_number_in,
    layer_picture,
    read_pictures,
    write_pictures,
)

COUNT = 24
FRAME = 20
"""A frame of the timeline; that of clip and take is NUMBER."""
NUMBER = 4


@pytest.fixture
def clip(blender: Blender, media: Media) -> dict:
    found = blender.call("scenes.add_movie", str(media.h264), trim=(6, 10))
    assert FRAME - found["start"] == NUMBER and found["count"] == COUNT
    return found


def takes(layers: Path, *names: str, **facts: object) -> list[dict]:
    return [{**take(name, layers, COUNT, write=False), **facts} for name in names]


def shown(blender: Blender, folder: Path) -> np.ndarray:
    """The timeline's frame, as Blender renders it: [96, 160, 3]."""
    return read_pictures(blender.call("scenes.render", str(folder), FRAME, 1))[0]


def test_above_every_effect_of_two(blender: Blender, clip: dict, media: Media, layers: Path, tmp_path: Path) -> None:
    blender.call("scenes.add_movie", str(media.prores), "other", 2, 10)
    kinds = blender.call("scenes.effects_of_two")
    assert len(kinds) > 7
    for kind in kinds:
        blender.call("scenes.add_effect", kind, "effect", 3, "clip", "other")
        placed = blender.call("agent_calls.place", "clip", takes(layers, "a"))
        assert placed["track_number"] == 4, kind
        assert placed["note"] == (
            '"effect" takes the clip in: the take is above it, on Channel 4, and not changed by it.'
        )
        assert layer_number_in(shown(blender, tmp_path / kind)) == NUMBER, kind
        for name in ("Take a", "effect"):
            blender.call("scenes.remove", name)


def test_above_a_chain_and_as_the_second_input(
    blender: Blender, clip: dict, media: Media, layers: Path, tmp_path: Path
) -> None:
    for name, channel in (("other", 2), ("third", 4)):
        blender.call("scenes.add_movie", str(media.prores), name, channel, 10)
    blender.call("scenes.add_effect", "CROSS", "cross", 3, "other", "clip")
    blender.call("scenes.add_effect", "GAUSSIAN_BLUR", "blur", 6, "cross")
    blender.call("scenes.add_effect", "ADD", "add", 9, "third", "blur")
    # Strips that take in nothing of the clip are not climbed.
    blender.call("scenes.add_movie", str(media.prores), "elsewhere", 12, 200)
    placed = blender.call("agent_calls.place", "clip", takes(layers, "a", "b"))
    assert placed["track_number"] == 10 and placed["note"].startswith('"add" takes the clip in')
    assert layer_number_in(shown(blender, tmp_path / "seen")) == NUMBER


def test_an_effect_that_came_later(blender: Blender, clip: dict, media: Media, layers: Path, tmp_path: Path) -> None:
    """Placing again lifts the take above it, and so does choosing another take."""
    assert blender.call("agent_calls.place", "clip", takes(layers, "a"))["track_number"] == 2
    blender.call("scenes.add_movie", str(media.prores), "other", 3, 10)
    blender.call("scenes.add_effect", "ALPHA_OVER", "over", 4, "other", "clip")
    assert layer_number_in(shown(blender, tmp_path / "hidden")) != NUMBER
    assert blender.call("agent_calls.out_of_place", "clip") == {"a": 'Hidden by "over"'}
    assert blender.call("agent_calls.swap", "clip", takes(layers, "a")[0])["track_number"] == 5
    assert layer_number_in(shown(blender, tmp_path / "seen")) == NUMBER
    assert blender.call("agent_calls.out_of_place", "clip") == {}


def test_an_effect_over_other_frames_is_no_obstacle(blender: Blender, clip: dict, media: Media, layers: Path) -> None:
    blender.call("scenes.add_movie", str(media.prores), "next", 2, clip["start"] + 20)
    blender.call("scenes.add_effect", "CROSS", "cross", 3, "next", "clip")
    part = takes(layers, "a", frame_count=10, part=[2, 10])
    part[0]["sequence"]["count"] = 10
    assert blender.call("agent_calls.place", "clip", part)["track_number"] == 2


def test_a_multicam_that_shows_the_clip(blender: Blender, clip: dict, layers: Path, tmp_path: Path) -> None:
    blender.call("scenes.add_effect_alone", "cams", 5, clip["start"], COUNT, "MULTICAM")
    blender.call("scenes.set_strip", "cams", multicam_source=2)
    assert blender.call("agent_calls.place", "clip", takes(layers, "a"))["track_number"] == 6
    assert layer_number_in(shown(blender, tmp_path / "seen")) == NUMBER


def test_a_multicam_that_shows_another_channel(blender: Blender, clip: dict, layers: Path, tmp_path: Path) -> None:
    blender.call("scenes.set_strip", "clip", channel=3)
    blender.call("scenes.add_effect_alone", "cams", 5, clip["start"] + 10, COUNT, "MULTICAM")
    blender.call("scenes.set_strip", "cams", multicam_source=1)
    refused = blender.call("agent_calls.export", "clip", str(tmp_path))
    assert refused["problem"] == "not_supported" and "Cut the clip" in refused["remedy"]
    blender.call("scenes.cut", "clip", clip["start"] + 10, False)
    assert blender.call("agent_calls.export", "clip", str(tmp_path)) == {"otio": "clip.otio", "clip": "1"}


def test_a_strip_that_replaces_everything_is_named(blender: Blender, clip: dict, media: Media, layers: Path) -> None:
    blender.call("scenes.add_movie", str(media.prores), "insert", 6, clip["start"])
    blender.call("scenes.set_strip", "insert", blend_type="REPLACE")
    placed = blender.call("agent_calls.place", "clip", takes(layers, "a"))
    assert placed["note"] == '"insert" is above it and replaces what is below.'


def composed(number: int) -> np.ndarray:
    """The take's picture over the clip's, as a file of its own."""
    layer = layer_picture(number).astype(float)
    alpha = layer[..., 3:] / 255
    return np.rint(layer[..., :3] * alpha + clip_picture(number) * (1 - alpha)).astype(np.uint8)


@pytest.mark.parametrize("keyed", [False, True], ids=["constant", "keyed"])
def test_opacity_and_blend_mode_act_once(
    blender: Blender, media: Media, layers: Path, tmp_path: Path, keyed: bool
) -> None:
    """A clip with a take looks as a clip that has the take in its file, over black and over another strip."""
    write_pictures(tmp_path / "plain", COUNT, "clip_{:04d}.png", 0)
    write_pictures(tmp_path / "with take", COUNT, "clip_{:04d}.png", 0, make=composed)
    names = [f"clip_{number:04d}.png" for number in range(COUNT)]
    for mode in ("ALPHA_OVER", "REPLACE", "CROSS", "ADD", "MULTIPLY", "SCREEN", "DIFFERENCE", "ALPHA_UNDER"):
        pictures = {}
        for folder in ("plain", "with take"):
            blender.call("scenes.clear")
            blender.call("scenes.add_effect_alone", "below", 1, 10, 40)
            blender.call("scenes.set_strip", "below", color=[0.2, 0.5, 0.3], mute=mode == "SCREEN")
            blender.call("scenes.add_pictures", str(tmp_path / folder), names, "clip", 2, FRAME - NUMBER)
            blender.call("scenes.set_strip", "clip", blend_type=mode, blend_alpha=0.55)
            if keyed:
                points = [(FRAME - NUMBER, 0.1), (FRAME + NUMBER, 0.9)]
                blender.call("scenes.key", "clip", "blend_alpha", points)
            if folder == "plain":
                blender.call("agent_calls.start")
                placed = blender.call("agent_calls.place", "clip", takes(layers, "a", "b"), 1)
                assert (placed["track_number"], placed["take"]) == (3, "b")
            pictures[folder] = shown(blender, tmp_path / mode / folder)
        assert np.abs(pictures["plain"].astype(int) - pictures["with take"]).max() <= 2, mode
        assert pictures["plain"].shape == (HEIGHT, WIDTH, 3)


def test_a_fade_of_a_clip_that_ends_in_a_transition(
    blender: Blender, media: Media, layers: Path, tmp_path: Path
) -> None:
    write_pictures(tmp_path / "plain", COUNT, "clip_{:04d}.png", 0)
    write_pictures(tmp_path / "with take", COUNT, "clip_{:04d}.png", 0, make=composed)
    names = [f"clip_{number:04d}.png" for number in range(COUNT)]
    pictures = {}
    for folder in ("plain", "with take"):
        blender.call("scenes.clear")
        blender.call("scenes.add_pictures", str(tmp_path / folder), names, "clip", 1, FRAME - NUMBER)
        blender.call("scenes.add_movie", str(media.h264), "next", 2, FRAME + 12)
        blender.call("scenes.add_effect", "CROSS", "cross", 3, "next", "clip")
        blender.call("scenes.key", "clip", "blend_alpha", [(FRAME - NUMBER, 0.0), (FRAME + NUMBER, 1.0)])
        if folder == "plain":
            blender.call("agent_calls.start")
            assert blender.call("agent_calls.place", "clip", takes(layers, "a"))["track_number"] == 4
        pictures[folder] = shown(blender, tmp_path / "frames" / folder)
    assert np.abs(pictures["plain"].astype(int) - pictures["with take"]).max() <= 2


def corner(number: int) -> np.ndarray:
    """A layer with one half transparent square at the bottom."""
    picture = np.zeros_like(layer_picture(number))
    picture[-30:-5, 5:60] = (30, 200, 90, 128)
    return picture


@pytest.mark.parametrize(("mode", "opacity"), [("ALPHA_OVER", 1.0), ("ALPHA_OVER", 0.4), ("MULTIPLY", 0.7)])
def test_takes_of_two_effects_are_seen_together(
    blender: Blender, layers: Path, tmp_path: Path, mode: str, opacity: float
) -> None:
    def both(number: int) -> np.ndarray:
        square = corner(number).astype(float)
        alpha = square[..., 3:] / 255
        return np.rint(square[..., :3] * alpha + composed(number) * (1 - alpha)).astype(np.uint8)

    makers = {"neither": clip_picture, "first": composed, "both": both}
    for name, make in makers.items():
        write_pictures(tmp_path / name, COUNT, "clip_{:04d}.png", 0, make=make)
    write_pictures(tmp_path / "square", COUNT, "layer_{:06d}.png", 0, make=corner)
    names = [f"clip_{number:04d}.png" for number in range(COUNT)]
    wanted = {}
    for folder in [*makers, "neither"]:
        blender.call("scenes.clear")
        blender.call("scenes.add_effect_alone", "below", 1, 10, 40)
        blender.call("scenes.set_strip", "below", color=[0.2, 0.5, 0.3])
        blender.call("scenes.add_pictures", str(tmp_path / folder), names, "clip", 2, FRAME - NUMBER)
        blender.call("scenes.set_strip", "clip", blend_type=mode, blend_alpha=opacity)
        wanted[folder] = shown(blender, tmp_path / "wanted" / folder).astype(int)

    def looks(name: str) -> float:
        return np.abs(shown(blender, tmp_path / "now") - wanted[name]).max()

    blender.call("agent_calls.start")
    balloon, second = takes(layers, "a", "b", effect="balloon")
    square = {**take("square", tmp_path / "square", COUNT, write=False), "effect": "square"}
    blender.call("agent_calls.place", "clip", [balloon, second])
    assert looks("first") <= 2
    placed = blender.call("agent_calls.place", "clip", [square, balloon])
    assert (placed["take"], placed["also_visible"]) == ("square", ["a"])
    assert looks("both") <= 2
    # An alternative takes the place of its own effect's take only.
    assert blender.call("agent_calls.swap", "clip", second)["also_visible"] == ["square"]
    assert looks("both") <= 2
    blender.call("agent_calls.hide", "clip", "square")
    assert looks("first") <= 2
    blender.call("agent_calls.show_only", "clip", "")
    assert looks("neither") <= 2
    blender.call("agent_calls.show_only", "clip", "square")
    blender.call("agent_calls.show_only", "clip", "a")
    assert looks("both") <= 2
