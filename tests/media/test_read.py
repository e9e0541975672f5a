"""The right picture for every frame number, with its code values."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from media.errors import BadRange
from media.probe import probe
from media.read import read_frames
from tests.media.clips import make_movie, make_sequence, number_of, numbered, planes, run_tool


def numbers(path, start=0, count=None, rate=None):
    info = probe(path, rate)
    frames = list(read_frames(info, start, count or info.frame_count - start))
    assert [frame.index for frame in frames] == list(range(start, start + len(frames)))
    return [number_of(frame.rgb()) for frame in frames]


@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "a.ts"])
@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50)])
def test_every_picture_and_every_trim_with_b_frames(tmp_path, name, rate):
    path = make_movie(tmp_path / name, 40, rate)
    assert numbers(path) == list(range(40))
    for start in (1, 11, 12, 13, 25, 38):
        assert numbers(path, start, 2) == [start, start + 1]


def test_variable_rate_repeats_by_time(tmp_path):
    durations = [2 if number % 7 == 6 else 1 for number in range(20)]
    path = make_movie(tmp_path / "vfr.mp4", 20, 24, durations=durations)
    expected = [number for number, hold in enumerate(durations) for _ in range(hold)]
    assert numbers(path) == expected
    assert numbers(path, 8, 6) == expected[8:14]


def test_a_given_rate_drops_and_repeats_by_time(tmp_path):
    path = make_movie(tmp_path / "a.mov", 30, 30)
    assert numbers(path, rate=Fraction(15))[:4] == [0, 2, 4, 6]
    assert numbers(path, rate=Fraction(60))[:6] == [0, 0, 1, 1, 2, 2]


def test_edit_list_starts_at_the_shown_picture(tmp_path):
    whole = make_movie(tmp_path / "whole.mp4", 48, 24)
    run_tool("-ss", 0.75, "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    assert numbers(tmp_path / "cut.mp4") == list(range(18, 48))
    assert numbers(tmp_path / "cut.mp4", 5, 3) == [23, 24, 25]


def test_rotation_agrees_with_ffmpeg(tmp_path):
    for turn in (90, 180, 270):
        path = tmp_path / f"phone{turn}.mp4"
        run_tool("-display_rotation", turn, "-i", make_movie(tmp_path / "a.mp4", 2), "-c", "copy", path)
        run_tool("-i", path, "-frames:v", 1, tmp_path / "upright.png")
        ours = next(read_frames(probe(path), 0, 1)).rgb()
        theirs = np.asarray(Image.open(tmp_path / "upright.png").convert("RGB"))
        assert ours.shape == theirs.shape
        assert np.abs(ours.astype(int) - theirs).mean() < 3


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("code_range", [1, 2])
@pytest.mark.parametrize("pix_fmt", ["yuv444p", "yuv422p", "yuv420p10le"])
def test_colours_come_back_through_matrix_and_range(tmp_path, matrix, code_range, pix_fmt):
    tags = (1, 1, matrix, code_range)
    path = make_movie(tmp_path / "a.mov", 1, pix_fmt=pix_fmt, tags=tags, options={"qp": "0", "crf": "0"})
    picture = next(read_frames(probe(path), 0, 1)).rgb()
    scale = 1 if picture.dtype == np.uint8 else 257
    top = picture[: picture.shape[0] // 2 - 2].astype(float) / scale
    assert np.abs(top - numbered(0)[: len(top)]).mean() < 1.5


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p", "gray"])
def test_planes_are_the_decoder_s_own_values(tmp_path, pix_fmt):
    path = make_movie(tmp_path / "a.mov", 3, pix_fmt=pix_fmt, size=(126, 70))
    for ours, theirs in zip(read_frames(probe(path), 0, 3), planes(path), strict=True):
        for mine, original in zip(ours.planes, theirs, strict=True):
            assert mine.tobytes() == original.tobytes()


def test_ten_bit_pictures_have_more_than_eight_bits(tmp_path):
    path = make_movie(tmp_path / "a.mov", 1, codec="prores_ks", pix_fmt="yuv422p10le")
    frame = next(read_frames(probe(path), 0, 1))
    assert frame.planes[0].dtype == np.uint16
    assert frame.planes[0].max() > 255
    assert frame.rgb().dtype == np.uint16


def test_odd_sizes(tmp_path):
    path = make_movie(tmp_path / "a.mkv", 2, size=(127, 71), codec="ffv1")
    frame = next(read_frames(probe(path), 0, 1))
    assert frame.rgb().shape == (71, 127, 3)
    assert frame.planes[1].shape == (36, 64)


def test_sequences_exactly(tmp_path):
    pattern = make_sequence(tmp_path, count=6)
    assert numbers(pattern) == list(range(6))
    assert numbers(pattern, 2, 3) == [2, 3, 4]
    assert (next(read_frames(probe(pattern), 1, 1)).rgb() == numbered(1)).all()


def test_sixteen_bit_pictures(tmp_path):
    movie = make_movie(tmp_path / "a.mov", 2, pix_fmt="yuv444p10le", options={"crf": "0"})
    run_tool("-i", movie, "-pix_fmt", "rgb48be", tmp_path / "deep.%03d.png")
    info = probe(tmp_path / "deep.%03d.png")
    assert (info.bit_depth, info.working_format) == (16, "rgb48le")
    assert numbers(tmp_path / "deep.%03d.png") == [0, 1]


@pytest.mark.parametrize(("start", "count"), [(-1, 2), (0, 0), (3, 3), (9, 1)])
def test_ranges_outside_the_clip_are_refused(tmp_path, start, count):
    info = probe(make_movie(tmp_path / "a.mov", 5))
    with pytest.raises(BadRange, match="frames 0 to 4"):
        read_frames(info, start, count)
