"""Clips whose times are wrong, coarse, missing or uneven: every picture once, in its place, at the right rate."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest

from media.probe import probe
from tests.cases import clips, field_coded
from tests.cases.clips import check_clip, encode, held, numbers, packets_of, repacked, with_packets, without
from tests.media.clips import run_tool

NTSC = Fraction(1000, 1001)
HOLDS_UNSURE = "those around a hold may stand a few frames too early or too late"


def copied(source: Path, name: str, *options: str) -> Path:
    run_tool("-i", source, "-c", "copy", *options, source.with_name(name))
    return source.with_name(name)


def in_decoding_order(_: int, packet) -> None:
    packet.pts = packet.dts


# Times of decoding in place of times of presentation


@pytest.mark.parametrize("rate", [24, 30 * NTSC], ids=["24", "29.97"])
def test_avi_bframes_h264(tmp_path: Path, rate: Fraction) -> None:
    movie = encode(tmp_path / "a.mp4", 48, *clips.REORDERED, rate=rate)
    check_clip(copied(movie, "a.avi"), range(48), rate)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_avi_bframes_pts_is_dts(tmp_path: Path, name: str) -> None:
    movie = encode(tmp_path / "source.mp4", 40, *clips.REORDERED, rate=24)
    check_clip(repacked(movie, tmp_path / name, in_decoding_order), range(40), 24)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (clips.OPEN_GOP, "open.avi"),
        (clips.OPEN_GOP, "open.mov"),
        (clips.MPEG2, "mpeg2.avi"),
        (clips.MPEG4, "xvid.avi"),
        (clips.MPEG4, "mpeg4.mp4"),
        (clips.HEVC_REORDERED, "hevc.mp4"),
    ],
    ids=["open-avi", "open-mov", "mpeg2", "xvid", "mpeg4", "hevc"],
)
def test_avi_bframes_of_other_codecs(tmp_path: Path, options: tuple, name: str) -> None:
    movie = encode(tmp_path / "source.mp4", 40, *options)
    avi = name.endswith("avi")
    path = copied(movie, name) if avi else repacked(movie, tmp_path / name, in_decoding_order)
    check_clip(path, range(40), 25)


@pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
def test_avi_bframes_xvid_packed(tmp_path: Path, name: str) -> None:
    movie = encode(tmp_path / "xvid.avi", 48, *clips.MPEG4)
    packets, keys = clips.packed_bitstream(packets_of(movie))
    check_clip(with_packets(movie, tmp_path / name, packets, keys), range(48), 25)


@pytest.mark.parametrize("name", ["a.avi", "a.mkv"])
def test_avi_bframes_with_pictures_that_are_not_coded(tmp_path: Path, name: str) -> None:
    """A VOP that is not coded shows the picture before it again; it moves nothing behind it."""
    movie = encode(tmp_path / "xvid.avi", 40, *clips.MPEG4)
    packets, keys = packets_of(movie), clips.keys_of(movie)
    expected = list(range(40))
    for place in (37, 25, 4):
        shown = clips.mpeg4_order(packets).index(place)
        packets.insert(place, clips.NOT_CODED)
        keys = [key + (key >= place) for key in keys]
        shown = clips.mpeg4_order(packets).index(place)
        expected.insert(shown, expected[shown - 1])
    check_clip(with_packets(movie, tmp_path / name, packets, keys), expected, 25)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (clips.REORDERED, "a.h264"),
        (clips.OPEN_GOP, "a.264"),
        (clips.HEVC_REORDERED, "a.hevc"),
        (clips.MPEG2, "a.m2v"),
        (clips.MPEG4, "a.m4v"),
    ],
    ids=["h264", "open", "hevc", "m2v", "m4v"],
)
def test_avi_bframes_raw_streams(tmp_path: Path, options: tuple, name: str) -> None:
    movie = encode(tmp_path / "source.mkv", 40, *options)
    check_clip(copied(movie, name), range(40), 25)


@pytest.mark.parametrize("options", [clips.REORDERED, clips.MPEG4, clips.MPEG2], ids=["h264", "mpeg4", "mpeg2"])
def test_avi_bframes_and_dropped_pictures(tmp_path: Path, options: tuple) -> None:
    """Every picture, in order, with the holds at most a few frames from where they were, and a note of that."""
    dropped = (10, 30, 31)
    movie = encode(tmp_path / "source.mp4", 48, *without(*dropped), *options)
    path = copied(movie, "drop.avi")
    shown = numbers(path)
    assert sorted(set(shown)) == [number for number in range(48) if number not in dropped]
    assert shown == sorted(shown)
    true = held(48, *dropped)
    assert abs(len(shown) - 48) <= 1
    assert max(abs(a - b) for a, b in zip(shown, true, strict=False)) <= 2
    info = probe(path)
    assert info.rate == 25
    assert any(HOLDS_UNSURE in note for note in info.notes)


def test_vp8_hidden_reference_pictures_are_not_counted(tmp_path: Path) -> None:
    options = ("-c:v", "libvpx", "-crf", 6, "-b:v", "2M", "-auto-alt-ref", 1, "-lag-in-frames", 16, "-g", 30)
    movie = encode(tmp_path / "a.webm", 40, *options)
    check_clip(movie, range(40), 25)
    check_clip(copied(movie, "a.mkv"), range(40), 25)


# Ticks as long as frames


@pytest.mark.parametrize("rate", [25, 30, 30 * NTSC], ids=["25", "30", "29.97"])
def test_coarse_ticks_in_avi(tmp_path: Path, rate: Fraction) -> None:
    dropped = (10, 30, 31, 50)
    movie = encode(tmp_path / "drop.avi", 58, *without(*dropped), *clips.MJPEG, rate=rate)
    assert probe(movie).variable_rate
    check_clip(movie, held(58, *dropped), rate)


@pytest.mark.parametrize("timescale", [30, 15360])
def test_coarse_ticks_in_mp4(tmp_path: Path, timescale: int) -> None:
    dropped = (10, 30, 31, 50)
    options = (*without(*dropped), *clips.H264, "-video_track_timescale", timescale)
    check_clip(encode(tmp_path / "drop.mp4", 58, *options, rate=30), held(58, *dropped), 30)


def test_coarse_ticks_in_gif(tmp_path: Path) -> None:
    dropped = (5, 20, 21)
    movie = encode(tmp_path / "drop.gif", 40, *without(*dropped), rate=20)
    check_clip(movie, held(40, *dropped), 20)


@pytest.mark.parametrize("rate", [24 * NTSC, 30 * NTSC, 60 * NTSC, 120], ids=["23.976", "29.97", "59.94", "120"])
def test_coarse_ticks_of_a_millisecond(tmp_path: Path, rate: Fraction) -> None:
    check_clip(encode(tmp_path / "a.mkv", 50, *clips.H264, rate=rate), range(50), rate)
    dropped = (9, 22, 23)
    movie = encode(tmp_path / "drop.mkv", 50, *without(*dropped), *clips.H264, rate=rate)
    check_clip(movie, held(50, *dropped), rate)


# A clock that is not even


@pytest.mark.parametrize("milliseconds", [1, 3])
@pytest.mark.parametrize("rate", [24, 25, 30, 50, 60 * NTSC, 60], ids=["24", "25", "30", "50", "59.94", "60"])
def test_coarse_ticks_with_jitter(tmp_path: Path, rate: Fraction, milliseconds: int) -> None:
    chance = random.Random(1)
    movie = encode(tmp_path / "even.mp4", 60, *clips.H264, "-bf", 0, rate=rate, size=(64, 32))
    late = [0, *(chance.randint(-90 * milliseconds, 90 * milliseconds) for _ in range(58)), 0]

    def unevenly(number: int, packet) -> None:
        packet.pts = packet.dts = round(number * 90000 / rate) + late[number]
        packet.time_base = Fraction(1, 90000)

    check_clip(repacked(movie, tmp_path / "a.mp4", unevenly, video_track_timescale="90000"), range(60), rate)


@pytest.mark.parametrize("rate", [30, 60], ids=["30", "60"])
def test_coarse_ticks_with_jitter_and_dropped_pictures(tmp_path: Path, rate: int) -> None:
    chance = random.Random(2)
    dropped = (11, 12, 40)
    movie = encode(tmp_path / "even.mp4", 60, *without(*dropped), *clips.H264, "-bf", 0, rate=rate, size=(64, 32))

    def unevenly(number: int, packet) -> None:
        exact = packet.pts * packet.time_base
        packet.pts = packet.dts = round(exact * 90000) + (chance.randint(-180, 180) if number else 0)
        packet.time_base = Fraction(1, 90000)

    path = repacked(movie, tmp_path / "a.mp4", unevenly, video_track_timescale="90000")
    info = check_clip(path, held(60, *dropped))
    assert info.rate in (rate, rate * NTSC)  # a second of such a clip does not say which


# Pictures in fields


ALL = [True] * 40
MIXED = [place % 5 < 3 for place in range(40)]


@pytest.mark.parametrize("in_fields", [ALL, MIXED], ids=["fields", "mixed"])
@pytest.mark.parametrize("packet_per_field", [True, False], ids=["apart", "together"])
@pytest.mark.parametrize("name", ["a.ts", "a.m2ts", "a.mp4", "a.mkv"])
def test_paff_avchd(tmp_path: Path, name: str, packet_per_field: bool, in_fields: list[bool]) -> None:
    movie = field_coded.write_movie(tmp_path / name, in_fields, packet_per_field=packet_per_field)
    info = check_clip(movie, range(40), 25)
    assert (info.field_order, info.variable_rate) == ("tff", False)


@pytest.mark.parametrize("in_fields", [ALL, MIXED, [False] * 40], ids=["fields", "mixed", "frames"])
def test_paff_avchd_raw(tmp_path: Path, in_fields: list[bool]) -> None:
    check_clip(field_coded.write_movie(tmp_path / "a.264", in_fields, packet_per_field=True), range(40), 25)


def test_paff_avchd_that_turns_to_fields(tmp_path: Path) -> None:
    in_fields = [place >= 20 for place in range(40)]
    check_clip(field_coded.write_movie(tmp_path / "a.ts", in_fields, packet_per_field=True), range(40), 25)


def test_mpeg2_in_fields_and_with_soft_telecine(tmp_path: Path) -> None:
    movie = encode(tmp_path / "a.ts", 40, *clips.MPEG2, "-flags", "+ilme+ildct", rate=30 * NTSC, size=(96, 64))
    check_clip(movie, range(40), 30 * NTSC)


# Times that begin anew, jump, or end with a long hold


@pytest.mark.parametrize("gap", [0, 5000, -1], ids=["anew", "hours", "overlap"])
@pytest.mark.parametrize("options", [clips.REORDERED, clips.MPEG2], ids=["h264", "mpeg2"])
def test_last_hold_and_joined_recordings(tmp_path: Path, options: tuple, gap: int) -> None:
    first = encode(tmp_path / "1.ts", 30, *options, "-output_ts_offset", 10)
    second = encode(tmp_path / "2.ts", 30, *options, "-output_ts_offset", 10 + gap, first=30)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    info = check_clip(joined, range(60), 25)
    assert any("jump" in note for note in info.notes)


def test_last_hold_and_times_that_wrap(tmp_path: Path) -> None:
    """The clock of a transport stream begins anew after 26.5 hours."""
    movie = encode(tmp_path / "a.ts", 50, *clips.REORDERED, "-output_ts_offset", 2**33 / 90000 - 2.4)
    assert not probe(movie).variable_rate
    check_clip(movie, range(50), 25)


@pytest.mark.parametrize("frames", [50, 1000, 270_000], ids=["2s", "40s", "3h"])
def test_last_hold(tmp_path: Path, frames: int) -> None:
    """Believed for seconds, as the whole clip is; not for longer, and then it is said."""
    movie = encode(tmp_path / "a.mp4", 30, *clips.H264, "-bf", 0)
    path = copied(movie, "hold.mp4", "-bsf:v", f"setts=duration='if(eq(N,29),{512 * frames},512)'")
    info = probe(path)
    if frames > 250:
        assert info.frame_count == 30
        assert any("last picture" in note for note in info.notes)
        check_clip(path, range(30), 25)
        return
    check_clip(path, [*range(29), *[29] * frames], 25)
    assert numbers(path, 40, 10) == [29] * 10


def test_last_hold_of_a_gif(tmp_path: Path) -> None:
    movie = encode(tmp_path / "hold.gif", 30, "-final_delay", 200)
    info = probe(movie)
    assert numbers(movie, info.frame_count - 10, 10) == [29] * 10
    check_clip(movie, [*range(29), *[29] * (info.frame_count - 29)], 25)
