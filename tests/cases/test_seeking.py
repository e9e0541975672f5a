"""Reading from anywhere: what a file cannot do is done in another way, and no read costs more than a few groups."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from media.decoding import decoded_track, movie_decoder, packets
from media.probe import probe
from media.reader import FrameReader
from tests.cases import clips
from tests.cases.clips import check_clip, encode, numbers_of, repacked
from tests.media.clips import number_of, run_tool


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the packets that were sent to a decoder."""
    sent: list[int] = []

    class Counted(decoded_track.DecodedTrack):
        def _send(self, number: int, key: bool) -> None:
            sent.append(number)
            super()._send(number, key)

    monkeypatch.setattr(movie_decoder, "DecodedTrack", Counted)
    return sent


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (clips.REORDERED, "a.mts"),
        (clips.REORDERED, "a.mp4"),
        (clips.REORDERED, "a.mkv"),
        (clips.REORDERED, "a.avi"),
        (clips.REORDERED, "a.h264"),
        (clips.OPEN_GOP, "open.ts"),
        (clips.MPEG2, "mpeg2.ts"),
        (clips.MPEG2, "a.m2v"),
        (clips.MPEG2, "a.mpg"),
        (clips.HEVC_REORDERED, "hevc.ts"),
        (clips.HEVC_REORDERED, "a.hevc"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ts_seek(tmp_path: Path, decoded: list[int], options: tuple, name: str) -> None:
    """A read near the end of a clip of 20 groups decodes about three of them.

    Pictures of program streams begin in the middle of blocks, small ones only here and there at a place to seek.
    """
    most = (7 if name.endswith("mpg") else 3) * 12 + 5
    movie = encode(tmp_path / "source.mp4", 60, *options)
    path = tmp_path / name
    run_tool("-stream_loop", 3, "-i", movie, "-c", "copy", path)
    info = probe(path)
    assert info.frame_count == 240
    for start in (200, 100, 235):
        decoded.clear()
        assert numbers_of(info, start, 5) == [number % 60 for number in range(start, start + 5)]
        assert len(decoded) <= most
    decoded.clear()
    reader = FrameReader(info.path, info.rate)
    assert number_of(reader.frame(150).to_ndarray(format="rgb24")) == 30
    assert len(decoded) <= most
    reader.close()


def test_ts_seek_where_the_clock_wraps(tmp_path: Path, decoded: list[int]) -> None:
    path = encode(tmp_path / "a.ts", 100, *clips.REORDERED, "-output_ts_offset", 2**33 / 90000 - 3)
    info = check_clip(path, range(100), 25)
    decoded.clear()
    assert numbers_of(info, 90, 5) == [90, 91, 92, 93, 94]
    assert len(decoded) <= 3 * 12 + 5


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_ts_seek_is_not_needed_where_each_picture_is_a_key(tmp_path: Path, decoded: list[int], name: str) -> None:
    path = encode(tmp_path / name, 60, *clips.H264, "-g", 1)
    info = check_clip(path, range(60), 25)
    decoded.clear()
    assert numbers_of(info, 50, 2) == [50, 51]
    assert len(decoded) < 20


# Clips that begin in the middle of a group


@pytest.mark.parametrize("second", [0.3, 0.72, 1.0])
@pytest.mark.parametrize("options", [clips.REORDERED, clips.OPEN_GOP], ids=["closed", "open"])
def test_edit_list_inside_a_group(tmp_path: Path, options: tuple, second: float) -> None:
    movie = encode(tmp_path / "a.mp4", 60, *options)
    run_tool("-ss", second, "-i", movie, "-c", "copy", tmp_path / "cut.mp4")
    first = round(second * 25)
    check_clip(tmp_path / "cut.mp4", range(first, 60), 25)


def test_edit_list_that_ends_early(tmp_path: Path) -> None:
    movie = encode(tmp_path / "a.mp4", 60, *clips.REORDERED)
    run_tool("-ss", 0.4, "-i", movie, "-t", 1, "-c", "copy", tmp_path / "cut.mov")
    info = probe(tmp_path / "cut.mov")
    expected = list(range(10, 10 + info.frame_count))
    assert info.frame_count in range(25, 29)
    check_clip(tmp_path / "cut.mov", expected, 25)


@pytest.mark.parametrize("flags", ["frag_keyframe+empty_moov", "frag_every_frame+empty_moov+default_base_moof", "dash"])
def test_fragments(tmp_path: Path, flags: str) -> None:
    check_clip(encode(tmp_path / "a.mp4", 60, *clips.REORDERED, "-movflags", flags), range(60), 25)


# Files that are too large to be read through


@pytest.mark.parametrize(
    ("options", "name", "scanned"),
    [
        (clips.REORDERED, "a.mp4", False),
        (clips.OPEN_GOP, "a.mov", False),
        (clips.PRORES, "a.mov", False),
        (clips.HEVC_REORDERED, "a.mp4", False),
        (clips.REORDERED, "a.mkv", True),
        ((*clips.REORDERED, "-movflags", "frag_keyframe+empty_moov"), "a.mp4", True),
        ((*clips.REORDERED, *clips.without(20, 21)), "a.mp4", True),
    ],
    ids=["mp4", "open", "prores", "hevc", "mkv", "fragments", "drops"],
)
def test_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple, name: str, scanned: bool) -> None:
    monkeypatch.setattr(packets, "_SCAN_LIMIT", 0)
    movie = encode(tmp_path / name, 60, *options)
    dropped = (20, 21) if "-vf" in options else ()
    info = check_clip(movie, clips.held(60, *dropped), 25)
    assert info.packets is not None
    assert bool(info.packets.places) == scanned


def test_large_files_with_wrong_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packets, "_SCAN_LIMIT", 0)

    def in_decoding_order(_: int, packet: av.Packet) -> None:
        packet.pts = packet.dts

    movie = encode(tmp_path / "a.mp4", 60, *clips.REORDERED)
    check_clip(repacked(movie, tmp_path / "b.mp4", in_decoding_order), range(60), 25)


def test_large_files_that_begin_with_an_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packets, "_SCAN_LIMIT", 0)
    movie = encode(tmp_path / "a.mp4", 60, *clips.REORDERED)
    run_tool("-ss", 0.72, "-i", movie, "-c", "copy", tmp_path / "cut.mp4")
    check_clip(tmp_path / "cut.mp4", range(18, 60), 25)


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(25)], ids=["29.97", "25"])
def test_a_broken_seek_is_no_mistake_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: Fraction
) -> None:
    """Where a container cannot be sought, reading begins at its start."""
    info = probe(encode(tmp_path / "a.mkv", 48, *clips.REORDERED, rate=rate))

    def refuse(self: movie_decoder.MovieDecoder, start: int | None) -> bool:
        return False if start is not None else rewind(self, start)

    rewind = movie_decoder.MovieDecoder._rewind
    monkeypatch.setattr(movie_decoder.MovieDecoder, "_rewind", refuse)
    assert numbers_of(info, 40, 4) == [40, 41, 42, 43]
