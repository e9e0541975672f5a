"""Size, rate, length, colour, timecode and sound of clips."""

from __future__ import annotations

from fractions import Fraction

import pytest

from contract.rates import snap_rate
from media.errors import MissingMedia, NotMedia
from media.orientation import Orientation
from media.probe import probe
from media.read import read_frames
from tests.media.clips import make_movie, make_sequence, run_tool

NTSC = Fraction(1000, 1001)
RATES = [24 * NTSC, Fraction(24), Fraction(25), 30 * NTSC, Fraction(30), Fraction(50), 60 * NTSC]


@pytest.mark.parametrize("rate", RATES, ids=[f"{float(rate):.3f}" for rate in RATES])
def test_rate_and_count_are_exact(tmp_path, rate):
    info = probe(make_movie(tmp_path / "a.mov", 20, rate))
    assert (info.rate, info.frame_count, info.variable_rate) == (rate, 20, False)


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "a.mp4"])
def test_containers_that_round_time_keep_the_rate(tmp_path, name):
    info = probe(make_movie(tmp_path / name, 40, 24 * NTSC))
    assert (info.rate, info.frame_count, info.variable_rate) == (24 * NTSC, 40, False)


def test_variable_rate_is_laid_on_its_most_common_step(tmp_path):
    durations = [2 if number % 7 == 6 else 1 for number in range(21)]
    info = probe(make_movie(tmp_path / "vfr.mp4", 21, 24, durations=durations))
    assert (info.rate, info.variable_rate) == (Fraction(24), True)
    assert info.frame_count in (23, 24)  # the last picture's own hold is not stored by every container


def test_edit_list_counts_only_what_is_shown(tmp_path):
    whole = make_movie(tmp_path / "whole.mp4", 48, 24)
    run_tool("-ss", 0.75, "-i", whole, "-c", "copy", tmp_path / "cut.mp4")
    info = probe(tmp_path / "cut.mp4")
    assert info.frame_count == 48 - 18


def test_rotation_stands_the_picture_upright(tmp_path):
    run_tool("-display_rotation", 90, "-i", make_movie(tmp_path / "a.mp4", 3), "-c", "copy", tmp_path / "phone.mp4")
    info = probe(tmp_path / "phone.mp4")
    assert (info.orientation, info.width, info.height) == (Orientation(1), 72, 128)
    assert (info.coded_width, info.coded_height, info.upright_width) == (128, 72, 72)


def test_anamorphic_pixels_become_square(tmp_path):
    info = probe(make_movie(tmp_path / "a.mp4", 3, 25, (180, 144), aspect=Fraction(16, 11)))
    assert (info.pixel_aspect, info.coded_width, info.width, info.height) == (Fraction(16, 11), 180, 262, 144)


def test_ten_bits_and_tags(tmp_path):
    movie = make_movie(tmp_path / "a.mov", 2, 24, codec="prores_ks", pix_fmt="yuv422p10le", tags=(9, 1, 9, 1))
    info = probe(movie)
    assert (info.bit_depth, info.pix_fmt, info.codec) == (10, "yuv422p10le", "prores")
    assert info.colour.options()["colorspace"] == 9
    assert not info.hdr


def test_hdr_is_named_and_explained(tmp_path):
    info = probe(make_movie(tmp_path / "a.mp4", 2, 24, pix_fmt="yuv420p10le", tags=(9, 16, 9, 1)))
    assert info.hdr
    assert "without tone mapping" in info.notes[0]


def test_start_timecode_counts_frames(tmp_path):
    movie = make_movie(tmp_path / "a.mov", 2, 24)
    run_tool("-i", movie, "-c", "copy", "-timecode", "01:00:00:05", tmp_path / "tc.mov")
    assert probe(tmp_path / "tc.mov").start_timecode == 86405
    assert probe(movie).start_timecode is None


def test_sound_is_noticed(tmp_path):
    assert probe(make_movie(tmp_path / "a.mov", 4, sound="aac")).audio_codec == "aac"
    assert not probe(make_movie(tmp_path / "b.mov", 4)).has_audio


@pytest.mark.parametrize("count", [1, 2])
def test_shortest_clips(tmp_path, count):
    info = probe(make_movie(tmp_path / "a.mov", count, 30 * NTSC))
    assert (info.frame_count, info.rate) == (count, 30 * NTSC)


@pytest.mark.parametrize("given", ["shot.%04d.png", "shot.####.png", "shot.[1001-1005].png", ""])
def test_image_sequences_by_pattern_and_folder(tmp_path, given):
    make_sequence(tmp_path / "seq")
    info = probe(tmp_path / "seq" / given, Fraction(25))
    assert (info.kind, info.frame_count, info.rate, info.bit_depth) == ("sequence", 5, Fraction(25), 8)
    assert info.path == str(tmp_path / "seq" / "shot.%04d.png")


def test_part_of_a_sequence_and_a_still(tmp_path):
    make_sequence(tmp_path)
    assert probe(tmp_path / "shot.[1002-1003].png").frame_count == 2
    assert probe(tmp_path / "shot.1002.png").frame_count == 1


@pytest.mark.parametrize("rate", [*RATES, Fraction(15), Fraction(120), Fraction(25, 2)])
def test_snapping_keeps_true_rates_and_repairs_rounded_ones(rate):
    assert snap_rate(rate) == rate
    assert snap_rate(Fraction(round(float(rate), 5)).limit_denominator(10**7)) == rate


def test_files_that_are_no_media_are_named(tmp_path):
    (tmp_path / "a.mov").write_text("no movie")
    with pytest.raises(NotMedia, match="cannot be opened"):
        probe(tmp_path / "a.mov")
    with pytest.raises(MissingMedia, match="does not exist"):
        probe(tmp_path / "b.mov")


def test_plain_facts_of_a_movie(tmp_path):
    info = probe(make_movie(tmp_path / "a.mov", 12, 25, (64, 48)))
    assert (info.width, info.height, info.rate, info.frame_count) == (64, 48, 25, 12)
    assert not info.hdr and not info.variable_rate and not info.has_audio and info.start_timecode is None


def test_a_picture_without_a_number_stands_for_itself(tmp_path):
    make_sequence(tmp_path / "seq", count=1)
    picture = next((tmp_path / "seq").iterdir()).rename(tmp_path / "plate.png")
    info = probe(picture)
    assert (info.frame_count, info.width, info.path) == (1, 128, str(picture))
    assert next(read_frames(info, 0, 1)).rgb().shape == (72, 128, 3)
