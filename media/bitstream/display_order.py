"""In which order the pictures of a movie are shown, from its bitstream: for files whose times do not say it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

import av
from av.bitstream import BitStreamFilterContext

from media.bitstream.idr_packets import IdrPackets
from media.bitstream.mpeg4_vops import is_bidirectional_vop
from media.decoding.picture_packets import PicturePackets, Role, open_packets
from media.movies import video_stream

_HEAD = 1 << 14


class _NotCounted(Exception):
    """The numbers in the slices do not say the order."""


def display_ranks(path: str, ignore_edits: bool) -> tuple[list[int], frozenset[int]]:
    """(rank among the pictures as they are shown, of each in decoding order; numbers of those whose rank is a guess).

    Packets that repeat the picture before them count, packets that complete one do not; what an edit list cuts away is
    left out. Raises av.error.FFmpegError and subclasses of BadMedia.
    """
    with open_packets(path, ignore_edits) as container:
        stream = video_stream(container, path)
        codec, packets = stream.codec_context.name, PicturePackets(container, stream)
        if codec == "mpeg4":
            return _ranks_of_groups(packets, is_bidirectional_vop), frozenset()
        if codec in ("mpeg1video", "mpeg2video"):
            return _ranks_of_groups(packets, _is_bidirectional_picture), frozenset()
        if codec in ("h264", "hevc"):
            try:
                return _ranks_by_counts(packets, stream), frozenset()
            except (av.error.FFmpegError, _NotCounted):
                pass  # a header is damaged, or of a kind that is seldom used
    with open_packets(path, ignore_edits) as container:
        return _ranks_by_decoding(container, video_stream(container, path))


def _ranks_by_counts(packets: PicturePackets, stream: av.VideoStream) -> list[int]:
    """H.264 and HEVC number their pictures for showing, anew from each IDR picture on."""
    begins_anew = IdrPackets(stream.codec_context.name, stream.codec_context.extradata)
    reorder = BitStreamFilterContext("dts2pts", stream)
    shown: list[int] = []
    times: list[int | None] = []
    counted: list[bool] = []

    def close() -> None:
        times.extend(each.pts for each in reorder.filter(None))
        # The one that is shown last gets no time, as there is no later one to take it from.
        due = {math.inf if time is None else time: number for number, time in enumerate(times) if counted[number]}
        if len(times) != len(counted) or len(due) != sum(counted):
            raise _NotCounted
        first, numbers = len(shown), {number: place for place, number in enumerate(sorted(due.values()))}
        shown.extend(first + numbers[due[time]] for time in sorted(due))
        times.clear()
        counted.clear()

    for packet, role in packets:
        if role is not Role.MORE and counted and begins_anew.is_idr(bytes(memoryview(packet)[:_HEAD])):
            close()
            reorder = BitStreamFilterContext("dts2pts", stream)
        packet.dts, packet.pts, packet.duration = len(counted), None, 1
        counted.append(role is not Role.MORE and not packet.is_discard)
        times.extend(each.pts for each in reorder.filter(packet))
    close()
    return _ranks(shown)


def _ranks_of_groups(packets: PicturePackets, is_bidirectional: Callable[[bytes], bool]) -> list[int]:
    """Where a picture is shown either at once, or when the next one of its kind is decoded."""
    shown: list[int] = []
    waiting: int | None = None
    for number, packet in enumerate(_counted(packets)):
        if is_bidirectional(bytes(memoryview(packet)[:_HEAD])):
            shown.append(number)
            continue
        if waiting is not None:
            shown.append(waiting)
        waiting = number
    return _ranks(shown if waiting is None else [*shown, waiting])


def _ranks_by_decoding(
    container: av.container.InputContainer, stream: av.VideoStream
) -> tuple[list[int], frozenset[int]]:
    """By decoding everything. Where a picture is lost, those of its group may have been shown elsewhere."""
    shown: dict[int, None] = {}
    keys = []
    count = 0
    for packet in _counted(PicturePackets(container, stream)):
        if packet.is_keyframe:
            keys.append(count)
        packet.pts, count = count, count + 1
        shown.update(dict.fromkeys(_labels(stream, packet)))
    shown.update(dict.fromkeys(_labels(stream, None)))
    order = list(shown)
    guessed: set[int] = set()
    for lost in (number for number in range(count) if number not in shown):
        order.insert(order.index(lost - 1) + 1 if lost else 0, lost)
        group = bisect_right(keys, lost)
        guessed.update(range(keys[group - 1] if group else 0, keys[group] if group < len(keys) else count))
    return _ranks(order), frozenset(guessed)


def _labels(stream: av.VideoStream, packet: av.Packet[av.VideoStream] | None) -> Iterator[int]:
    try:
        yield from (frame.pts for frame in stream.codec_context.decode(packet) if frame.pts is not None)
    except (av.error.FFmpegError, ValueError):
        return


def _counted(packets: PicturePackets) -> Iterator[av.Packet[av.VideoStream]]:
    return (packet for packet, role in packets if role is not Role.MORE and not packet.is_discard)


def _is_bidirectional_picture(packet: bytes) -> bool:
    """A B picture of MPEG-1 and MPEG-2 (ISO/IEC 13818-2, 6.2.3)."""
    at = packet.find(b"\0\0\1\0")
    return 0 <= at < len(packet) - 5 and packet[at + 5] >> 3 & 7 == 3


def _ranks(shown: Sequence[int]) -> list[int]:
    """The rank of each number, of numbers in the order in which they are shown."""
    ranks = [0] * len(shown)
    for rank, number in enumerate(shown):
        ranks[number] = rank
    return ranks
