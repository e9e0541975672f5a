"""Presentation times of a movie's pictures on a constant-rate grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from contract.rates import NTSC, snap_rate

_USUAL = (Fraction(24), Fraction(25), Fraction(30), Fraction(48), Fraction(50), Fraction(60), Fraction(120))


def _snap_loosely(rate: Fraction) -> Fraction:
    """Variable-rate clips: the usual rate within half a percent of the most common step."""
    usual = [*_USUAL, *(each * NTSC for each in _USUAL)]
    best = min(usual, key=lambda candidate: abs(candidate - rate))
    return best if abs(best / rate - 1) <= 0.005 else snap_rate(rate)


@dataclass(frozen=True)
class Grid:
    """Where decoded pictures stand on the constant-rate presentation grid.

    `origin` is the first picture's time in stream ticks of `time_base` seconds.
    """

    origin: int
    time_base: Fraction
    rate: Fraction

    def index(self, ticks: int) -> int:
        """Grid index of a picture's timestamp; ticks that a container rounded still land on their frame."""
        return floor((ticks - self.origin) * self.time_base * self.rate + Fraction(1, 2))

    def ticks(self, index: int) -> int:
        """Timestamp of a grid index, rounded down."""
        return self.origin + int(Fraction(index) / self.rate / self.time_base)


@dataclass(frozen=True)
class Timing:
    """What the timestamps of a whole stream say."""

    grid: Grid
    frame_count: int
    variable_rate: bool


def timing_of(
    ticks: Sequence[int],
    last_duration: int | None,
    time_base: Fraction,
    nominal: Fraction | None,
    rate: Fraction | None,
) -> Timing:
    """Lay presentation timestamps on a grid.

    `ticks` may be unsorted (decode order); `nominal` is the container's rate, used for a single picture; `rate`
    overrides the grid's rate. A stream whose steps differ by more than rounding is of variable rate: its grid has
    the most common step, and a picture holds until the next one.
    """
    times = sorted(set(ticks))
    steps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    variable = False
    if not steps:
        found = snap_rate(nominal) if nominal else Fraction(24)
    else:
        mean = Fraction(times[-1] - times[0], len(steps))
        variable = any(abs(step - mean) > max(2, mean / 50) for step in steps)
        if not variable:
            average = 1 / (mean * time_base)
            # A container that rounds to milliseconds cannot tell 23.976 from 23.98 on a short clip; its header can.
            blur = Fraction(1, times[-1] - times[0]) + Fraction(1, 100_000)
            near = nominal is not None and abs(nominal / average - 1) <= blur * 2
            found = snap_rate(nominal if near else average)
        else:
            common, _ = Counter(steps).most_common(1)[0]
            alike = [step for step in steps if abs(step - common) <= max(2, common / 20)]
            found = _snap_loosely(1 / (Fraction(sum(alike), len(alike)) * time_base))
    grid = Grid(times[0], time_base, rate or found)
    hold = last_duration if last_duration and last_duration > 0 else (steps[-1] if steps else 0)
    last = grid.index(times[-1])
    count = max(last + 1, grid.index(times[-1] + hold))
    if rate is not None and rate != found and not variable:
        variable = steps != [] and any(grid.index(time) != place for place, time in enumerate(times))
    return Timing(grid, count, variable)
