"""The model's grid: no distortion, right frames, exact way back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from backend.delivery.conform import Conform, frame_places
from dynvfx.geometry import Geometry
from media.errors import BadRange
from media.probe import probe
from tests.media.clips import make_movie, number_of, run_tool


def circle(number: int, width: int, height: int) -> np.ndarray:
    """A white disc on black, round in stored pixels."""
    rows, columns = np.mgrid[:height, :width]
    inside = (rows - height / 2 + 0.5) ** 2 + (columns - width / 2 + 0.5) ** 2 < (height / 3) ** 2
    return np.repeat(np.where(inside, 235, 16).astype(np.uint8)[..., None], 3, 2)


def extent(picture: np.ndarray) -> tuple[int, int]:
    lit = picture[..., 1] > 128
    return int(lit.any(0).sum()), int(lit.any(1).sum())


@pytest.mark.parametrize("grid", [(96, 96), (48, 160), (64, 96), (240, 400)])
def test_a_circle_stays_round(tmp_path, grid):
    info = probe(make_movie(tmp_path / "a.mov", 1, size=(192, 108), picture=circle))
    conform = Conform(info, 0, 1, Geometry(1, *grid, Fraction(8)))
    frames = conform.model_frames()
    assert frames.shape == (1, *grid, 3)
    width, height = extent(conform.crop(frames)[0])  # the mirrored border would show parts of the disc again
    assert abs(width - height) <= 1
    assert height >= 20


def test_anamorphic_and_rotated_pictures_are_seen_as_displayed(tmp_path):
    squeezed = make_movie(tmp_path / "a.mov", 1, size=(96, 108), picture=circle, aspect=Fraction(2))
    frame = Conform(probe(squeezed), 0, 1, Geometry(1, 108, 192, Fraction(8))).model_frames()[0]
    width, height = extent(frame)
    assert abs(width - 2 * height) <= 2
    run_tool("-display_rotation", 90, "-i", squeezed, "-c", "copy", tmp_path / "turned.mov")
    turned = Conform(probe(tmp_path / "turned.mov"), 0, 1, Geometry(1, 192, 108, Fraction(8))).model_frames()[0]
    assert np.abs(turned.astype(int) - np.rot90(frame, 1)).mean() < 1


def test_padding_repeats_the_edge_and_crop_removes_it(tmp_path):
    info = probe(make_movie(tmp_path / "a.mov", 2, size=(128, 72)))
    conform = Conform(info, 0, 2, Geometry(5, 128, 128, Fraction(8)))
    frames = conform.model_frames()
    assert (conform.box.top, conform.box.height, conform.box.width) == (28, 72, 128)
    assert (frames[:, 27] == frames[:, 28]).all()
    assert (frames[:, 0] == frames[:, 55]).all()
    assert (conform.crop(frames) == frames[:, 28:100]).all()


def test_model_frames_are_the_geometry_s_source_positions(tmp_path):
    info = probe(make_movie(tmp_path / "a.mov", 40))
    geometry = Geometry(9, 72, 128, Fraction(8))
    frames = Conform(info, 5, 33, geometry).model_frames()
    assert [number_of(frame) for frame in frames] == [5 + p for p in geometry.source_positions(33)]


def test_shorter_clips_repeat_and_ranges_are_checked(tmp_path):
    info = probe(make_movie(tmp_path / "a.mov", 3))
    frames = Conform(info, 0, 3, Geometry(9, 72, 128, Fraction(8))).model_frames()
    assert [number_of(frame) for frame in frames] == [0, 0, 1, 1, 1, 1, 2, 2, 2]
    with pytest.raises(BadRange):
        Conform(info, 1, 3, Geometry(9, 72, 128, Fraction(8)))


@pytest.mark.parametrize(("frames", "count"), [(17, 49), (49, 17), (1, 1), (1, 4), (5, 1), (9, 9), (2, 30)])
def test_every_frame_knows_its_neighbours(frames, count):
    positions = Geometry(frames, 8, 8, Fraction(8)).source_positions(count)
    places = frame_places(positions, count)
    assert len(places) == count
    for frame, (before, after, time) in enumerate(places):
        if frame in positions:
            assert before == after
            assert (positions[before], time) == (frame, 0.0)
        elif before != after:
            shown = positions[before] + time * (positions[after] - positions[before])
            assert shown == pytest.approx(frame)
            assert 0 < time < 1


def test_a_box_on_the_picture_is_a_box_in_the_models_frame(tmp_path):
    info = probe(make_movie(tmp_path / "a.mov", 1, size=(192, 108), picture=circle))
    conform = Conform(info, 0, 1, Geometry(1, 96, 96, Fraction(8)))  # the picture is 96 x 54 in the middle
    assert conform.model_box((0, 0, 1, 1)) == (0, 21 / 96, 1, 75 / 96)
    assert conform.model_box((0.5, 0.5, 1, 1)) == (0.5, 0.5, 1, 75 / 96)
