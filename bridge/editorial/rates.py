"""Frame rates and frame positions as exact rationals; timelines spell them as floats in many ways."""

from __future__ import annotations

from fractions import Fraction

import opentimelineio as otio

from contract.errors import BadTimeline

# Positions nearer than this to a whole frame are that frame: files spell 24000/1001 as 23.976, 23.98 or 23.976024.
_FRAME_TOLERANCE = Fraction(1, 1000)


def snap_rate(rate: float) -> Fraction:
    """Exact rate in frames a second for one spelled as a float: 23.976 and 23.98 are 24000/1001, 25.0 is 25.

    Raises BadTimeline when the rate is zero, negative or not a number. Audio's sample rates pass as well.
    """
    if not 0.01 < rate < 10_000_000:
        raise BadTimeline(
            f"The timeline holds a frame rate of {rate}.",
            "A frame rate must be a positive number.",
            "Export the timeline again with a valid frame rate.",
        )
    whole = round(rate)
    if whole and abs(rate - whole) < 0.001:
        return Fraction(whole)
    ntsc = Fraction(round(rate * 1.001) * 1000, 1001)
    if rate > 10 and abs(rate - ntsc) < 0.006:
        return ntsc
    return Fraction(rate).limit_denominator(1001)


def seconds(time: otio.opentime.RationalTime) -> Fraction:
    """Exact seconds of a time, its rate snapped first."""
    return _number(time.value) / snap_rate(time.rate)


def frames_at(time: otio.opentime.RationalTime, rate: Fraction) -> Fraction:
    """Position of a time in frames of `rate`; whole when it lies within a thousandth of a frame."""
    return to_frame(seconds(time) * rate)


def to_frame(position: Fraction) -> Fraction:
    """`position` in frames, snapped to a whole frame when it lies within a thousandth of one."""
    whole = Fraction(round(position))
    return whole if abs(position - whole) < _FRAME_TOLERANCE else position


def as_time(frames: int | Fraction, rate: Fraction) -> otio.opentime.RationalTime:
    """A time of `frames` at the exact rate, as it is written into timelines."""
    return otio.opentime.RationalTime(float(frames), float(rate))


def timecode(frames: int, rate: Fraction) -> str:
    """Timecode of a frame number (drop frame at 29.97 and 59.94); the bare number at rates without timecode."""
    try:
        return otio.opentime.to_timecode(otio.opentime.RationalTime(frames, float(rate)))
    except ValueError:
        return f"frame {frames}"


def _number(value: float) -> Fraction:
    """A frame value without float noise."""
    if not abs(value) < 1e12:
        raise BadTimeline(
            f"The timeline holds a time of {value} frames.",
            "No timeline is that long.",
            "Export the timeline again from your editor.",
        )
    return Fraction(round(value * 1_000_000), 1_000_000)
