"""An index of a movie's pictures, in decoding order, made from its packets without decoding."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, pairwise
from statistics import median_low

import av

from media.bitstream.avi_index import groups_of_corrupt, is_avi_cut_off, marked_by_index, shown_last
from media.bitstream.display_order import display_ranks
from media.bitstream.torn_packets import is_ended
from media.decoding.picture_packets import PicturePackets, Role, open_packets
from media.decoding.picture_times import PicturePacket, SettledTimes, settle_times
from media.errors import EmptyMedia
from media.movies import damaged, time_base_of, video_stream

# Reading every packet of a file larger than this takes too long; its index answers when it has a constant step.
_SCAN_LIMIT = 1 << 30
# Packets of a large file that are looked at all the same.
_SAMPLE = 64
# Pictures before which a reordered one may be decoded, at most (ITU-T H.264, A.3.1).
DEEPEST_REORDER = 16


@dataclass(frozen=True)
class PacketIndex:
    """One entry for every packet that makes a picture, in decoding order, in ticks of `time_base` seconds.

    stamps: presentation times, no two alike
    seeks: the container's own times, by which a packet is found again; empty where they do not rise
    keys: numbers of the packets at which decoding can begin
    places: where in the file each packet begins, in bytes, and its length: how one is known again after a seek;
        empty where a large file was not scanned
    last_duration: ticks for which the last picture holds, None where the container does not say it
    jumps: numbers before which the container's times jumped, and were continued without the jump
    guessed: numbers of pictures whose place among the others is not certain
    torn: pictures, counted as they are shown, after which some are lost: what comes next is no hold
    marks_ends: its packets end with a marker, unless they are cut off
    intra: every picture is decoded by itself
    ignore_edits: the edit list is left out
    notes: sentences about what was wrong with the times and what is done about it
    """

    time_base: Fraction
    stamps: tuple[int, ...]
    seeks: tuple[int, ...]
    keys: tuple[int, ...]
    places: tuple[tuple[int, int], ...]
    last_duration: int | None
    jumps: tuple[int, ...]
    guessed: frozenset[int]
    torn: frozenset[int]
    marks_ends: bool
    intra: bool
    ignore_edits: bool
    notes: tuple[str, ...]


def index_packets(path: str) -> PacketIndex:
    """Find every picture's time. Nothing is decoded; edit lists are honoured. Raises a subclass of BadMedia."""
    index = _large_index(path)
    if index is None:
        index, cut_away = _scanned_index(path, ignore_edits=False)
        if index.stamps != index.seeks and 0 < cut_away <= DEEPEST_REORDER:
            # An edit list that was made from wrong times: what it cuts away is only the delay of reordering.
            index, _ = _scanned_index(path, ignore_edits=True)
    if not index.stamps:
        raise EmptyMedia(f"The file {path} has a video track without pictures.", remedy="Choose another clip.")
    return index


def _large_index(path: str) -> PacketIndex | None:
    """A large file's index counts in decoding order: only a constant step says the times."""
    if os.path.getsize(path) <= _SCAN_LIMIT:
        return None
    with open_packets(path) as container:
        stream = video_stream(container, path)
        entries = [entry for entry in stream.index_entries if not entry.is_discard]
        steps = {later.timestamp - earlier.timestamp for earlier, later in pairwise(entries)}
        if "mp4" not in container.format.name or len(steps) != 1 or stream.frames != len(stream.index_entries):
            return None
        sample = list(islice(PicturePackets(container, stream), _SAMPLE))
        times = [packet.pts for packet, _ in sample if packet.pts is not None]
        reorders = bool(stream.codec_context.has_b_frames) and not stream.codec_context.codec.intra_only
        if len(times) < len(sample) or any(role is not Role.PICTURE for _, role in sample):
            return None
        if reorders and times == sorted(times):
            return None
        start, first = stream.start_time or 0, entries[0].timestamp
        stamps = tuple(start + entry.timestamp - first for entry in entries)
        return PacketIndex(
            time_base=time_base_of(stream),
            stamps=stamps,
            seeks=stamps,
            keys=(),
            places=(),
            last_duration=steps.pop(),
            jumps=(),
            guessed=frozenset(),
            torn=frozenset(),
            marks_ends=sum(map(is_ended, (packet for packet, _ in sample))) * 2 > len(sample),
            intra=stream.codec_context.codec.intra_only,
            ignore_edits=False,
            notes=(),
        )


def _scanned_index(path: str, ignore_edits: bool) -> tuple[PacketIndex, int]:
    """(index, number of pictures that an edit list cuts away)."""
    with open_packets(path, ignore_edits) as container:
        stream = video_stream(container, path)
        try:
            codec, is_avi = stream.codec_context, container.format.name == "avi"
            reorders = bool(codec.has_b_frames) and not codec.codec.intra_only
            source = PicturePackets(container, stream)
            scanned = [(_picture_packet(packet, role, source.lost_before), role) for packet, role in source]
            packets = [packet for packet, role in scanned if role is not Role.MORE]
            if is_avi:
                entries = [(entry.pos, entry.size, entry.timestamp) for entry in stream.index_entries]
                packets = marked_by_index(packets, (packet.place[0] for packet, _ in scanned), entries)
            shown = [packet for packet in packets if not packet.cut_away]
            settled = settle_times(
                shown,
                time_base_of(stream),
                container=container.format.name,
                reorders=reorders,
                nominal=stream.guessed_rate,
                ranks=lambda: display_ranks(path, ignore_edits),
            )
        except av.error.FFmpegError as error:
            raise damaged(path, str(error)) from error
        if is_avi and not codec.codec.intra_only:
            tail = shown_last(settled.stamps) if is_avi_cut_off(path) else frozenset()
            settled = replace(settled, guessed=settled.guessed | groups_of_corrupt(shown) | tail)
        index = _index_of(shown, settled, time_base_of(stream), codec.codec.intra_only)
        return replace(index, ignore_edits=ignore_edits), len(packets) - len(shown)


def _picture_packet(packet: av.Packet[av.VideoStream], role: Role, lost_before: bool) -> PicturePacket:
    return PicturePacket(
        packet.pts,
        packet.dts,
        packet.duration,
        packet.is_keyframe,
        (-1 if packet.pos is None else packet.pos, packet.size),
        cut_away=bool(packet.is_discard),
        corrupt=bool(packet.is_corrupt) or lost_before,
        repeats=role is Role.REPEAT,
        ended=is_ended(packet),
    )


def _index_of(packets: list[PicturePacket], settled: SettledTimes, time_base: Fraction, intra: bool) -> PacketIndex:
    """The index of the packets, without those that only repeat a picture."""
    chosen = [number for number, packet in enumerate(packets) if not packet.repeats]
    numbers = {old: new for new, old in enumerate(chosen)}
    pictures = [packets[old] for old in chosen]
    stamps = tuple(settled.stamps[old] for old in chosen)
    seeks = [packet.pts if packet.pts is not None else packet.dts for packet in pictures]
    last = max(range(len(stamps)), key=stamps.__getitem__, default=None)
    return PacketIndex(
        time_base=time_base,
        stamps=stamps,
        seeks=() if settled.jumps or None in seeks else tuple(seek for seek in seeks if seek is not None),
        keys=tuple(number for number, packet in enumerate(pictures) if packet.key),
        places=tuple(packet.place for packet in pictures),
        last_duration=None if last is None else pictures[last].duration,
        jumps=tuple(numbers[old] for old in settled.jumps if old in numbers),
        guessed=frozenset(numbers[old] for old in settled.guessed if old in numbers),
        torn=_torn(pictures, stamps),
        marks_ends=sum(packet.ended for packet in pictures) * 2 > len(pictures),
        intra=intra,
        ignore_edits=False,
        notes=settled.notes,
    )


def _torn(packets: list[PicturePacket], stamps: tuple[int, ...]) -> frozenset[int]:
    """Gaps where pictures are lost: beside packets that lost bytes, and at the end of a file that was cut off."""
    order = sorted(range(len(stamps)), key=stamps.__getitem__)
    step = median_low([stamps[later] - stamps[earlier] for earlier, later in pairwise(order)] or [1])
    corrupt = [number for number, packet in enumerate(packets) if packet.corrupt]
    cut_off = len(packets) - DEEPEST_REORDER if _ends_in_a_group(packets[-DEEPEST_REORDER:], step) else len(packets)
    return frozenset(
        place
        for place, (earlier, later) in enumerate(pairwise(order))
        if 2 * (stamps[later] - stamps[earlier]) > 3 * step
        and (
            any(min(earlier, later) - DEEPEST_REORDER <= each <= max(earlier, later) + 1 for each in corrupt)
            or later >= cut_off
        )
    )


def _ends_in_a_group(last: list[PicturePacket], step: int) -> bool:
    """Whether the last pictures were decoded one after another: a gap among them is shown before one that is lost."""
    times = [packet.dts for packet in last if packet.dts is not None]
    return len(times) == len(last) and all(2 * (later - earlier) <= 3 * step for earlier, later in pairwise(times))
