"""Parses typed frame numbers and timecodes."""

from __future__ import annotations

from fractions import Fraction

from contract.timecode import frame_of_timecode


def frame_of(text: str, rate: Fraction) -> int | None:
    """The frame number of a typed timecode or number; None when it is neither.

    `;` before the frames means drop-frame; missing fields in front are 0, so that "12:10" is twelve seconds and ten.
    "frame 42" is what `contract.timecode` shows at rates without timecode.
    """
    text = text.strip().removeprefix("frame ")
    if text.isdecimal():
        return int(text)
    drop = ";" in text or text.count(".") == 1 and ":" in text
    fields = text.replace(";", ":").replace(".", ":").split(":")
    if not 1 < len(fields) <= 4 or not all(field.isdecimal() for field in fields):
        return None
    *front, frames = ["00"] * (4 - len(fields)) + [field.zfill(2) for field in fields]
    return frame_of_timecode(":".join(front) + (";" if drop else ":") + frames, rate)
