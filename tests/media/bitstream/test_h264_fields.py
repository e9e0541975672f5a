"""Which packets of H.264 begin a picture, and before which one is missing."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from media.bitstream.h264_fields import FieldPairs
from tests.cases import clips
from tests.cases.field_coded import coded_pictures, write_movie


def begins(packets: list[bytes], extradata: bytes | None = None) -> list[bool]:
    pairs = FieldPairs(extradata)
    return [pairs.begins_picture(packet, whole=True) for packet in packets]


def test_second_fields_begin_no_picture() -> None:
    pictures = coded_pictures([True, True, False, True, False])
    assert [len(units) for units in pictures] == [2, 2, 1, 2, 1]
    packets = [unit for units in pictures for unit in units]
    assert begins(packets) == [True, False, True, False, True, True, False, True]


def test_two_fields_in_a_packet_are_one_picture() -> None:
    packets = [b"".join(units) for units in coded_pictures([True] * 14)]
    assert begins(packets) == [True] * 14


def test_a_first_field_that_stays_alone_does_not_take_the_next_picture_s() -> None:
    pictures = coded_pictures([True, True, True])
    assert begins([*pictures[0], pictures[1][0], *pictures[2]]) == [True, False, True, True, False]


def test_headers_of_the_container(tmp_path: Path) -> None:
    """avcC with lengths in place of start codes."""
    movie = write_movie(tmp_path / "a.mp4", [True] * 6, packet_per_field=True)
    with av.open(str(movie)) as container:
        extradata = container.streams.video[0].codec_context.extradata
    assert begins(clips.packets_of(movie), extradata) == [True, False] * 6


def test_packets_without_slices_are_no_pictures() -> None:
    pictures = coded_pictures([False, False])
    packets = [pictures[0][0], b"\0\0\0\1\x09\x10", b"\0\0\1\x0c\xff\xff\x80", pictures[1][0]]
    assert begins(packets) == [True, False, False, True]
    assert FieldPairs(None).begins_picture(b"\0\0\0\1\x09\x10", whole=False)


@pytest.mark.parametrize(
    ("options", "lost"),
    [(clips.REORDERED, 13), (clips.H264, 5), (clips.OPEN_GOP, 14)],
    ids=["bframes", "pframes", "open"],
)
def test_missing_reference_pictures_are_noticed(tmp_path: Path, options: tuple, lost: int) -> None:
    packets = clips.packets_of(clips.encode(tmp_path / "a.h264", 40, *options))
    assert _lost_before(packets) == []
    found = _lost_before(packets[:lost] + packets[lost + 1 :])
    assert found in ([lost], [])
    assert found or options is clips.OPEN_GOP  # to a picture between others nothing refers


def _lost_before(packets: list[bytes]) -> list[int]:
    pairs, found = FieldPairs(None), []
    for number, packet in enumerate(packets):
        pairs.begins_picture(packet, whole=True)
        if pairs.lost_before:
            found.append(number)
    return found
