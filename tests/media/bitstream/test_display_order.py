"""The order in which pictures are shown, read from headers alone, or by decoding where these do not say it."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from media.bitstream import display_order
from media.bitstream.display_order import display_ranks
from tests.cases import clips
from tests.cases.clips import encode
from tests.cases.field_coded import write_movie


def true_ranks(path: Path) -> list[int]:
    """By the times of a file that has them."""
    with av.open(str(path)) as container:
        times = [packet.pts for packet in container.demux(container.streams.video[0]) if packet.size]
    return [sorted(time or 0 for time in times).index(time or 0) for time in times]


CODECS = {
    "h264": (clips.REORDERED, "a.mp4"),
    "h264-ts": (clips.REORDERED, "a.ts"),
    "open": (clips.OPEN_GOP, "a.mov"),
    "no-b": ((*clips.H264, "-bf", 0), "a.mkv"),
    "hevc": (clips.HEVC_REORDERED, "a.mp4"),
    "hevc-ts": (clips.HEVC_REORDERED, "a.ts"),
    "mpeg2": (clips.MPEG2, "a.ts"),
    "mpeg4": (clips.MPEG4, "a.mp4"),
}


@pytest.mark.parametrize("codec", CODECS)
def test_headers_say_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str) -> None:
    options, name = CODECS[codec]
    movie = encode(tmp_path / name, 50, *options)
    with monkeypatch.context() as patch:
        patch.delattr(display_order, "_ranks_by_decoding")
        assert display_ranks(str(movie), ignore_edits=True) == (true_ranks(movie), frozenset())


@pytest.mark.parametrize("codec", ["h264", "hevc", "open"])
def test_decoding_says_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codec: str) -> None:
    options, name = CODECS[codec]
    movie = encode(tmp_path / name, 50, *options)

    def refuse(*_: object) -> list[int]:
        raise display_order._NotCounted

    monkeypatch.setattr(display_order, "_ranks_by_counts", refuse)
    assert display_ranks(str(movie), ignore_edits=True) == (true_ranks(movie), frozenset())


def test_a_lost_picture_leaves_its_group_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> list[int]:
        raise display_order._NotCounted

    movie = encode(tmp_path / "a.mp4", 40, *clips.REORDERED)
    at, size = clips.places_of(movie)[14]
    monkeypatch.setattr(display_order, "_ranks_by_counts", refuse)
    ranks, guessed = display_ranks(str(clips.overwritten(movie, at, b"\xff" * size)), ignore_edits=True)
    assert sorted(ranks) == list(range(40))
    assert guessed == frozenset(range(12, 24))
    assert [ranks[number] for number in (0, 12, 24, 36)] == [0, 12, 24, 36]


def test_fields_in_packets_of_their_own_count_once(tmp_path: Path) -> None:
    movie = write_movie(tmp_path / "a.ts", [True] * 20, packet_per_field=True)
    assert display_ranks(str(movie), ignore_edits=False)[0] == list(range(20))
