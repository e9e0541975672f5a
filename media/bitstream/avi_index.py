"""Packets of an AVI file that its index lists and that cannot be found any more: their chunks are damaged."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from media.decoding.picture_times import PicturePacket

# An entry of the index is the place of a chunk's header, and a packet begins behind it.
_HEADER = 8


def marked_by_index(
    packets: Sequence[PicturePacket], positions: Iterable[int], entries: Iterable[tuple[int, int, int]]
) -> list[PicturePacket]:
    """The packets with the times of the index, and those marked corrupt before which others are lost.

    ffmpeg counts the chunks that it finds: without this a lost one would move all behind it.

    positions: of all packets of the track
    entries: (place, size, time) of the index
    """
    found = set(positions)
    times = {place + _HEADER: time for place, size, time in entries if size > 0}
    lost = sorted(times.keys() - found)
    if len(found - times.keys()) > len(lost):
        return list(packets)  # this is no index of the whole file
    marked, before = [], 0
    for packet in packets:
        at = packet.place[0]
        missing = [place for place in lost if before < place < at]
        time = times.get(at, times[missing[0]] if missing else None)
        if time is None:
            return [replace(packet, corrupt=True) for packet in packets]
        corrupt = packet.corrupt or bool(missing) or at not in times
        marked.append(replace(packet, pts=time, dts=time, corrupt=corrupt))
        before = at
    return marked


def is_avi_cut_off(path: str) -> bool:
    """Whether the file is shorter than its own header says."""
    with open(path, "rb") as file:
        header = file.read(8)
    return 8 + int.from_bytes(header[4:8], "little") > os.path.getsize(path)


def shown_last(stamps: Sequence[int]) -> frozenset[int]:
    """Numbers of the pictures that one which was decoded behind the last may be shown before."""
    order = sorted(range(len(stamps)), key=stamps.__getitem__)
    late = max((number - place for place, number in enumerate(order)), default=0)
    return frozenset(order[len(order) - late :])


def groups_of_corrupt(packets: Sequence[PicturePacket]) -> frozenset[int]:
    """Numbers of the pictures from the last key picture before a corrupt packet to the next one."""
    doubtful: set[int] = set()
    start, corrupt = 0, False
    for number, packet in enumerate([*packets, None]):
        if packet is None or packet.key:
            if corrupt or (packet is not None and packet.corrupt):
                doubtful.update(range(start, number))
            start, corrupt = number, False
        elif packet.corrupt:
            corrupt = True
    return frozenset(doubtful)
