"""Times of a timeline as exact rationals; OpenTimelineIO keeps values and rates as floats."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import opentimelineio as otio

from contract.errors import BadTimeline
from contract.rates import snap_rate

# Positions nearer than this to a whole frame are that frame: files spell 24000/1001 as 23.976, 23.98 or 23.976024.
_FRAME_TOLERANCE = Fraction(1, 1000)
# What is left of a whole number after a program has multiplied and divided it with floats, and written six decimals.
_NOISE = 2e-6


def exact_rate(rate: float) -> Fraction:
    """The exact rate that a timeline's rate stands for (see `snap_rate`). Raises BadTimeline."""
    try:
        return snap_rate(rate)
    except ValueError as error:
        raise BadTimeline(
            f"The timeline holds a frame rate of {rate}.",
            "A frame rate must be a positive number.",
            "Export the timeline again with a valid frame rate.",
        ) from error


def is_frame_rate(rate: float | Fraction) -> bool:
    """Whether a rate may count frames: 1 (seconds), 1000 (milliseconds) and sample rates of sound are clocks."""
    return 1 < rate <= 400


def is_usable_time(time: otio.opentime.RationalTime) -> bool:
    """Whether a time is a number at a positive rate; files also hold infinities, and what is no number."""
    return math.isfinite(time.value) and math.isfinite(time.rate) and time.rate > 0


def seconds(time: otio.opentime.RationalTime) -> Fraction:
    """Exact seconds of a time, its rate snapped first. Raises BadTimeline."""
    rate = exact_rate(time.rate)
    return _count(time, rate, rate, ()) / rate


def frames_at(time: otio.opentime.RationalTime, rate: Fraction, spelled: Iterable[float] = ()) -> Fraction:
    """Position of a time in frames of `rate`; whole when it lies within a thousandth of a frame.

    `spelled`: how the file writes `rate`. A program that takes 23.976 and 24000/1001 for two rates converts between
    them: 864020 becomes 864020.864. A fraction that such a conversion has left is taken back. Raises BadTimeline.
    """
    return to_frame(_count(time, exact_rate(time.rate), rate, spelled))


def to_frame(position: Fraction) -> Fraction:
    """`position` in frames, snapped to a whole frame when it lies within a thousandth of one."""
    whole = Fraction(round(position))
    return whole if abs(position - whole) < _FRAME_TOLERANCE else position


def as_time(frames: int | Fraction, rate: Fraction) -> otio.opentime.RationalTime:
    """A time of `frames` at the exact rate, as it is written into timelines."""
    return otio.opentime.RationalTime(float(frames), float(rate))


def _count(time: otio.opentime.RationalTime, own: Fraction, rate: Fraction, spelled: Iterable[float]) -> Fraction:
    """A time in frames of `rate`; `own` is the time's own exact rate."""
    exact = _exact_value(time.value) / own * rate
    off = abs(time.value - round(time.value))
    if off < 1e-7:
        return exact
    for spelling in {*spelled, float(rate), round(float(rate), 2), round(float(rate), 3)}:
        raw = time.value / time.rate * spelling
        if spelling != time.rate and abs(raw - round(raw)) < min(_NOISE, off / 10):
            return Fraction(round(raw))
    return exact


def _exact_value(value: float) -> Fraction:
    """A frame value without float noise. Raises BadTimeline when it is no number, or larger than any timeline."""
    if not abs(value) < 1e12:
        raise BadTimeline(
            f"The timeline holds a time of {value} frames.",
            "That is no number." if math.isnan(value) else "No timeline is that long.",
            "Export the timeline again from your editor.",
        )
    return Fraction(round(value * 1_000_000), 1_000_000)
