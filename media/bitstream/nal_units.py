"""The units that H.264 and HEVC streams consist of (ITU-T H.264, annex B; ISO/IEC 14496-15)."""

from __future__ import annotations

from collections.abc import Iterator


def length_size(codec: str, extradata: bytes | None) -> int:
    """Bytes of the lengths that stand in place of start codes, 0 where start codes do.

    extradata: the container's own header of the stream, an avcC or hvcC box where there are lengths
    """
    header = extradata or b""
    place = 21 if codec == "hevc" else 4
    return (header[place] & 3) + 1 if header[:1] == b"\x01" and len(header) > place + 2 else 0


def units(data: bytes, length_size: int) -> Iterator[bytes]:
    """The units in a packet, or in its beginning: the last one may be cut off."""
    if length_size:
        at = 0
        while at + length_size < len(data):
            length = int.from_bytes(data[at : at + length_size], "big")
            unit, at = data[at + length_size : at + length_size + length], at + length_size + length
            if unit:
                yield unit
        return
    for unit in data.split(b"\0\0\1")[1:]:
        if unit:
            yield unit


def is_whole(packet: bytes, length_size: int) -> bool:
    """Whether the lengths of the units in a packet add up to it; zeros may stand behind them."""
    end = 0 if length_size else len(packet)
    while end < len(packet):
        length = int.from_bytes(packet[end : end + length_size], "big")
        if not length:
            return not any(packet[end:])
        end += length_size + length
    return end == len(packet)


def unescaped(data: bytes) -> bytes:
    """A unit's payload without the bytes that keep it from looking like a start code."""
    return data.replace(b"\0\0\3", b"\0\0")
