"""Packets of an AVI file that its index lists and that cannot be found any more: their chunks are damaged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from media.picture_times import PicturePacket

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
    if not lost or not found <= times.keys():
        return list(packets)
    marked, before = [], 0
    for packet in packets:
        at = packet.place[0]
        corrupt = any(before < place < at for place in lost)
        marked.append(replace(packet, pts=times[at], dts=times[at], corrupt=packet.corrupt or corrupt))
        before = at
    return marked


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
