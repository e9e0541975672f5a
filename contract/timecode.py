"""Timecode of frame numbers and back: SMPTE ST 12-1, drop frame included, at any whole or NTSC rate."""

from __future__ import annotations

import re
from fractions import Fraction

from contract.rates import is_ntsc

_TIMECODE = re.compile(r"(\d+):(\d\d):(\d\d)([:;.])(\d{2,3})")


def timecode(frame: int, rate: Fraction, drop: bool | None = None) -> str:
    """Timecode of a frame number that counts from 00:00:00:00, e.g. "01:00:00;02".

    `drop` asks for drop-frame counting or forbids it; None means drop frame at 29.97 and 59.94, as editors do. Rates
    that are neither whole nor NTSC, and negative numbers, have no timecode: "frame 5". Hours begin again after 23.
    """
    if frame < 0 or not _has_timecode(rate):
        return f"frame {frame}"
    base = round(rate)
    drop = base % 30 == 0 and (is_ntsc(rate) if drop is None else drop)
    if drop:
        frame = _with_dropped_numbers(frame, base)
    seconds, frames = divmod(frame, base)
    hours, rest = divmod(seconds, 3600)
    return f"{hours % 24:02d}:{rest // 60:02d}:{rest % 60:02d}{';' if drop else ':'}{frames:02d}"


def frame_of_timecode(text: str, rate: Fraction) -> int | None:
    """Frame number since 00:00:00:00 of a timecode; None when it is none, or has frames that the rate does not have.

    `;` or `.` before the frames means drop frame, which only rates of 30 and its multiples have.
    """
    match = _TIMECODE.fullmatch(text.strip())
    base = round(rate)
    if match is None or not _has_timecode(rate):
        return None
    hours, minutes, seconds, frames = (int(match[group]) for group in (1, 2, 3, 5))
    if minutes > 59 or seconds > 59 or frames >= base:
        return None
    total = ((hours * 60 + minutes) * 60 + seconds) * base + frames
    if is_drop_frame(text) and base % 30 == 0:
        passed = hours * 60 + minutes
        total -= base // 15 * (passed - passed // 10)
    return total


def recounted(frame: int, rate: Fraction, other: Fraction, drop: bool | None = None) -> int | None:
    """The number that frame's timecode has at another rate: 86400 at 24 is 01:00:00:00, which is 90000 at 25.

    `drop` as in `timecode`. None when there is no such timecode at the other rate.
    """
    return frame_of_timecode(timecode(frame, rate, drop), other)


def is_drop_frame(text: str) -> bool:
    """Whether a timecode is written as drop frame."""
    match = _TIMECODE.fullmatch(text.strip())
    return match is not None and match[4] != ":"


def _has_timecode(rate: Fraction) -> bool:
    return rate >= 1 and (rate.denominator == 1 or is_ntsc(rate))


def _with_dropped_numbers(frame: int, base: int) -> int:
    """The number in the count without drops: each minute but every tenth skips its first numbers (2 at 29.97)."""
    skip = base // 15
    tens, rest = divmod(frame, base * 600 - 9 * skip)
    return frame + 9 * skip * tens + (skip * ((rest - skip) // (base * 60 - skip)) if rest >= skip else 0)
