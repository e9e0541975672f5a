"""A small writer of interlaced H.264 whose pictures are coded as frames or field by field (ITU-T H.264, 7.3).

Every macroblock is I_PCM, its samples as they are: no encoder at hand codes fields by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.media.clips import numbered

WIDTH, HEIGHT = 64, 64
GROUP = 12
_TICKS = 90000


class _Bits:
    """Bits, most significant first."""

    def __init__(self) -> None:
        self.text = ""

    def fixed(self, value: int, width: int) -> _Bits:
        self.text += format(value, f"0{width}b")
        return self

    def golomb(self, *values: int) -> _Bits:
        """ue(v) of each."""
        for value in values:
            self.fixed(value + 1, 2 * (value + 1).bit_length() - 1)
        return self

    def aligned(self) -> bytes:
        """Bytes, filled up with zeros."""
        text = self.text + "0" * (-len(self.text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big")

    def closed(self) -> bytes:
        """Bytes, behind the stop bit."""
        return self.fixed(1, 1).aligned()


def _unit(kind: int, payload: bytes) -> bytes:
    importance = 0 if kind == 9 else 3 << 5
    return b"\0\0\0\1" + bytes([importance | kind]) + re.sub(rb"\0\0(?=[\0-\3])", lambda _: b"\0\0\3", payload)


def _sequence_header() -> bytes:
    bits = _Bits().fixed(77, 8).fixed(0, 8).fixed(30, 8)
    bits.golomb(0, 4, 0, 4, 1).fixed(0, 1)  # frame_num of 8 bits, order count of 8 bits, one reference
    bits.golomb(WIDTH // 16 - 1, HEIGHT // 32 - 1)
    bits.fixed(0b0010, 4)  # fields, not mixed within a picture; no cropping
    bits.fixed(1, 1).fixed(0, 4).fixed(1, 1).fixed(1, 32).fixed(50, 32).fixed(1, 1).fixed(0, 4)
    return _unit(7, bits.closed())


def _picture_header() -> bytes:
    bits = _Bits().golomb(0, 0).fixed(0, 2).golomb(0, 0, 0).fixed(0, 3).golomb(0, 0, 0).fixed(0b100, 3)
    return _unit(8, bits.closed())


def _slice(place: int, parity: int | None, planes: Sequence[np.ndarray]) -> bytes:
    """One coded field (parity 0 top, 1 bottom), or a frame (None). The second field of a key picture is a P field."""
    number, first = place % GROUP, is_key(place) and parity != 1
    predicted = is_key(place) and parity == 1
    bits = _Bits().golomb(0, 5 if predicted else 7, 0).fixed(number, 8)
    bits.fixed(0, 1) if parity is None else bits.fixed(1, 1).fixed(parity, 1)
    if first:
        bits.golomb(place // GROUP & 1)
    bits.fixed(2 * number + (parity or 0), 8)
    if predicted:
        bits.fixed(0, 2)
    bits.fixed(0, 2 if first else 1).golomb(0, 1)
    rows = planes if parity is None else [plane[parity::2] for plane in planes]
    data = b""
    for top in range(0, len(rows[0]), 16):
        for left in range(0, WIDTH, 16):
            if predicted:
                bits.golomb(0)
            data += bits.golomb(30 if predicted else 25).aligned()
            data += rows[0][top : top + 16, left : left + 16].tobytes()
            for plane in rows[1:]:
                data += plane[top // 2 : top // 2 + 8, left // 2 : left // 2 + 8].tobytes()
            bits = _Bits()
    return _unit(5 if first else 1, data + b"\x80")


def is_key(place: int) -> bool:
    """Whether decoding can begin at the picture with this place."""
    return place % GROUP == 0


def coded_pictures(in_fields: Sequence[bool]) -> list[list[bytes]]:
    """The access units of each picture, in order: two where it is coded in fields, else one."""
    pictures = []
    for place, fields in enumerate(in_fields):
        frame = av.VideoFrame.from_ndarray(numbered(place, WIDTH, HEIGHT), "rgb24").reformat(format="yuv420p")
        planes = [
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width].clip(1)
            for plane in frame.planes
        ]
        units = [_slice(place, parity, planes) for parity in ((0, 1) if fields else (None,))]
        head = _unit(9, b"\x10")
        units[0] = (_sequence_header() + _picture_header() if is_key(place) else b"") + units[0]
        pictures.append([head + unit for unit in units])
    return pictures


def write_movie(path: Path, in_fields: Sequence[bool], *, packet_per_field: bool, rate: int = 25) -> Path:
    """A movie of these pictures; `packet_per_field` gives the second field a packet and a time of its own."""
    pictures = coded_pictures(in_fields)
    raw = path.with_suffix(".264")
    raw.write_bytes(b"".join(unit for units in pictures for unit in units))
    if path == raw:
        return path
    with av.open(str(path), "w") as new, av.open(str(raw), format="h264") as old:
        track = new.add_stream_from_template(old.streams.video[0])
        ticks = rate if path.suffix == ".avi" else _TICKS
        step = ticks // rate
        for place, units in enumerate(pictures):
            for field, data in enumerate(units if packet_per_field else [b"".join(units)]):
                packet = av.Packet(data)
                packet.pts = packet.dts = place * step + field * step // 2
                packet.duration = step // (len(units) if packet_per_field else 1)
                packet.time_base, packet.stream = Fraction(1, ticks), track
                packet.is_keyframe = is_key(place) and not field
                new.mux(packet)
    raw.unlink()
    return path
