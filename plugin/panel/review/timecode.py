"""Frame numbers as people read them."""

from __future__ import annotations

from fractions import Fraction

import opentimelineio as otio


def timecode(frame: int, rate: Fraction, drop: bool | None = None) -> str:
    """Timecode of a frame counted from 00:00:00:00; at rates that have no timecode the bare number.

    `drop` forces drop-frame counting or forbids it; None means drop-frame at 29.97 and 59.94, as editors do.
    """
    try:
        return otio.opentime.to_timecode(otio.opentime.RationalTime(frame, float(rate)), float(rate), drop)
    except ValueError:
        return str(frame)


def frame_of(text: str, rate: Fraction) -> int | None:
    """The frame that a typed timecode or plain number means, None when it is neither.

    `;` before the frames means drop-frame; missing fields in front are 0, so that "12:10" is twelve seconds and ten.
    """
    text = text.strip()
    if text.isdecimal():
        return int(text)
    drop = ";" in text or text.count(".") == 1 and ":" in text
    fields = text.replace(";", ":").replace(".", ":").split(":")
    if not 1 < len(fields) <= 4 or not all(field.isdecimal() for field in fields):
        return None
    whole = ":".join([*["00"] * (4 - len(fields)), *(field.zfill(2) for field in fields)])
    if drop:
        whole = whole[::-1].replace(":", ";", 1)[::-1]
    try:
        return round(otio.opentime.from_timecode(whole, float(rate)).value)
    except ValueError:
        return None
