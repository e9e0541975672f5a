"""The packets of a movie's picture track: which of them make a picture, in decoding order, without decoding."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import av
from av.bitstream import BitStreamFilterContext

from media.errors import EmptyMedia
from media.h264_fields import FieldPairs
from media.movies import damaged, open_media, time_base_of, video_stream
from media.picture_times import PicturePacket, settle_times

# Reading every packet of a file larger than this takes too long; its index answers when it has a constant step.
_SCAN_LIMIT = 1 << 30
# Pictures before which a reordered one may be decoded, at most (ITU-T H.264, A.3.1).
DEEPEST_REORDER = 16


@dataclass(frozen=True)
class PacketIndex:
    """One entry for every packet that makes a picture, in decoding order, in ticks of `time_base` seconds.

    stamps: presentation times, strictly rising once sorted
    by_order: the times do not say which picture is shown when, so the k-th picture that the decoder gives out has the
        k-th of the sorted times
    keys: places of the packets at which decoding can begin
    places: where in the file each packet begins, in bytes, and its length: how one is found again after a seek;
        empty where a large file was not scanned
    last_duration: ticks for which the last picture holds, None where the container does not say it
    jumps: places before which the container's times jumped, and were continued without the jump
    are_stamps_stored: the stamps are the file's own times, and can be sought
    intra: every picture is decoded by itself
    ignore_edits: the edit list is left out
    notes: sentences about what was wrong with the times and what is done about it
    """

    time_base: Fraction
    stamps: tuple[int, ...]
    by_order: bool
    keys: tuple[int, ...]
    places: tuple[tuple[int, int], ...]
    last_duration: int | None
    jumps: tuple[int, ...]
    are_stamps_stored: bool
    intra: bool
    ignore_edits: bool
    notes: tuple[str, ...]


class PicturePackets:
    """Reads on from the container's position: the packets of `stream` that make a picture, and their companions."""

    def __init__(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self._container, self._stream = container, stream
        codec = stream.codec_context.name
        # DivX and XviD put two pictures into one packet and none into the next.
        self._unpack = BitStreamFilterContext("mpeg4_unpack_bframes", stream) if codec == "mpeg4" else None
        self._pairs = FieldPairs(stream.codec_context.extradata) if codec == "h264" else None
        self._hidden = _is_hidden_vp8 if codec == "vp8" else None

    def __iter__(self) -> Iterator[tuple[av.Packet[av.VideoStream], bool]]:
        """(packet, whether it begins a picture). Second fields and hidden reference pictures begin none."""
        for packet in self._container.demux(self._stream):
            if packet.size:
                for whole in self._unpack.filter(packet) if self._unpack else (packet,):
                    yield whole, self._begins_picture(whole)
        for whole in self._unpack.filter(None) if self._unpack else ():
            yield whole, True

    def _begins_picture(self, packet: av.Packet[av.VideoStream]) -> bool:
        if self._pairs is not None:
            return not self._pairs.is_second_field(bytes(memoryview(packet)[: 1 << 14]))
        return self._hidden is None or not self._hidden(packet)


def _is_hidden_vp8(packet: av.Packet[av.VideoStream]) -> bool:
    """VP8's alternate reference pictures are decoded and not shown (RFC 6386, 9.1)."""
    return not memoryview(packet)[0] >> 4 & 1


def open_packets(path: str, ignore_edits: bool = False) -> av.container.InputContainer:
    """The container, its edit list honoured unless `ignore_edits`. Raises a subclass of BadMedia."""
    return open_media(path, {"ignore_editlist": "1"} if ignore_edits else None)


def index_packets(path: str) -> PacketIndex:
    """Find every picture's time. Nothing is decoded; edit lists are honoured. Raises a subclass of BadMedia."""
    with open_packets(path) as container:
        stream = video_stream(container, path)
        index = _from_large_index(container, stream, path)
        if index is None:
            packets = _scan(container, stream, path)
            index = _index_of(packets, container, stream)
            cut = sum(packet.cut_away for packet in packets)
            if index.by_order and 0 < cut <= DEEPEST_REORDER:
                # An edit list that was made from wrong times: what it cuts away is only the delay of reordering.
                return _without_edits(path)
    return _not_empty(index, path)


def _without_edits(path: str) -> PacketIndex:
    with open_packets(path, ignore_edits=True) as container:
        stream = video_stream(container, path)
        packets = _scan(container, stream, path)
        return _not_empty(replace(_index_of(packets, container, stream), ignore_edits=True), path)


def _not_empty(index: PacketIndex, path: str) -> PacketIndex:
    if not index.stamps:
        raise EmptyMedia(f"The file {path} has a video track without pictures.", remedy="Choose another clip.")
    return index


def _from_large_index(container: av.container.InputContainer, stream: av.VideoStream, path: str) -> PacketIndex | None:
    """A large file's index counts in decoding order: only a constant step says the times."""
    if os.path.getsize(path) <= _SCAN_LIMIT or "mp4" not in container.format.name:
        return None
    entries = [entry for entry in stream.index_entries if not entry.is_discard]
    steps = {later.timestamp - earlier.timestamp for earlier, later in zip(entries, entries[1:], strict=False)}
    if len(steps) != 1:
        return None
    start, first = stream.start_time or 0, entries[0].timestamp
    return PacketIndex(
        time_base=time_base_of(stream),
        stamps=tuple(start + entry.timestamp - first for entry in entries),
        by_order=False,
        keys=(),
        places=(),
        last_duration=steps.pop(),
        jumps=(),
        are_stamps_stored=True,
        intra=stream.codec_context.codec.intra_only,
        ignore_edits=False,
        notes=(),
    )


def _scan(container: av.container.InputContainer, stream: av.VideoStream, path: str) -> list[PicturePacket]:
    found = []
    try:
        for packet, begins in PicturePackets(container, stream):
            if begins:
                place = (-1 if packet.pos is None else packet.pos, packet.size)
                found.append(
                    PicturePacket(
                        packet.pts, packet.dts, packet.duration, packet.is_keyframe, place, bool(packet.is_discard)
                    )
                )
    except av.error.FFmpegError as error:
        raise damaged(path, str(error)) from error
    return found


def _index_of(
    packets: list[PicturePacket], container: av.container.InputContainer, stream: av.VideoStream
) -> PacketIndex:
    codec = stream.codec_context
    shown = [packet for packet in packets if not packet.cut_away]
    settled = settle_times(
        shown,
        time_base_of(stream),
        container=container.format.name,
        reorders=bool(codec.has_b_frames) and not codec.codec.intra_only,
        nominal=stream.guessed_rate,
    )
    return PacketIndex(
        time_base=time_base_of(stream),
        stamps=settled.stamps,
        by_order=settled.by_order,
        keys=tuple(place for place, packet in enumerate(shown) if packet.key),
        places=tuple(packet.place for packet in shown),
        last_duration=shown[-1].duration if shown else None,
        jumps=settled.jumps,
        are_stamps_stored=settled.are_stored,
        intra=codec.codec.intra_only,
        ignore_edits=False,
        notes=settled.notes,
    )
