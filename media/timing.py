"""On which frame each of a movie's pictures is shown: exact, for constant and for variable rates."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from contract.rates import NTSC, SLOWEST, snap_rate

_USUAL = (Fraction(24), Fraction(25), Fraction(30), Fraction(48), Fraction(50), Fraction(60), Fraction(120))


@dataclass(frozen=True)
class FrameTimes:
    """A movie's pictures on the grid of `rate` frames a second whose frame 0 begins with the first picture.

    `stamps` are the presentation timestamps of the pictures that are shown, ascending, in ticks of `time_base` seconds;
    `frames` the frame on which each appears; `origin` the first picture's timestamp. A picture holds until the next one
    is due; of several pictures within one frame the last is shown.
    """

    time_base: Fraction
    rate: Fraction
    origin: int
    stamps: tuple[int, ...]
    frames: tuple[int, ...]

    @classmethod
    def from_stamps(cls, stamps: Sequence[int], time_base: Fraction, rate: Fraction) -> FrameTimes:
        """Lay timestamps, in any order, on the grid. `stamps` must not be empty."""
        times = sorted(set(stamps))
        shown = {_frame_at(time - times[0], time_base, rate): time for time in times}
        return cls(time_base, rate, times[0], tuple(shown.values()), tuple(shown))

    def frame_at(self, stamp: int) -> int:
        """The frame on which the picture with this timestamp appears."""
        return _frame_at(stamp - self.origin, self.time_base, self.rate)

    def ticks_at(self, frame: int) -> int:
        """The timestamp at which a frame begins, rounded down: where to seek."""
        return self.origin + int(Fraction(frame) / self.rate / self.time_base)

    def picture_at(self, frame: int) -> int:
        """Index into `stamps` of the picture that is shown at a frame."""
        return max(0, bisect_right(self.frames, frame) - 1)

    @property
    def last_frame(self) -> int:
        """The frame on which the last picture appears."""
        return self.frames[-1]

    @property
    def has_holds(self) -> bool:
        """Whether a picture is shown for more than one frame."""
        return self.last_frame != len(self.frames) - 1

    @property
    def start(self) -> Fraction:
        """Seconds of the first picture on the file's own clock."""
        return self.origin * self.time_base


def _frame_at(ticks: int, time_base: Fraction, rate: Fraction) -> int:
    # Half a frame more, so that ticks that a container rounded still land on their frame.
    return floor(ticks * time_base * rate + Fraction(1, 2))


@dataclass(frozen=True)
class Timing:
    """What the timestamps of a whole stream say: its pictures' frames, its length in frames, and how even it is."""

    times: FrameTimes
    frame_count: int
    variable_rate: bool


def measure_timing(
    stamps: Sequence[int],
    last_duration: int | None,
    time_base: Fraction,
    nominal: Fraction | None,
    rate: Fraction | None,
) -> Timing:
    """Find a stream's rate and lay its presentation timestamps on that grid.

    A stream whose steps differ by more than rounding is of variable rate: its grid has the most common step, and a
    picture holds until the next one.

    stamps: in ticks of `time_base` seconds, in any order, at least one
    last_duration: ticks for which the last picture holds, None when the container does not say it
    nominal: the rate in the container's header
    rate: lays the stream on a grid of this rate instead of its own
    """
    ordered = sorted(set(stamps))
    steps = [later - earlier for earlier, later in zip(ordered, ordered[1:], strict=False)]
    variable = False
    if not steps:
        found = _snapped(nominal) if nominal else Fraction(24)
    else:
        mean = Fraction(ordered[-1] - ordered[0], len(steps))
        variable = any(abs(step - mean) > max(Fraction(2), mean / 50) for step in steps)
        if not variable:
            average = 1 / (mean * time_base)
            # A container that rounds to milliseconds shows 23.976 and 23.98 alike on a short clip; its header does not.
            blur = Fraction(1, ordered[-1] - ordered[0]) + Fraction(1, 100_000)
            near = nominal is not None and abs(nominal / average - 1) <= blur * 2
            found = _snapped(nominal if nominal is not None and near else average)
        else:
            common, _ = Counter(steps).most_common(1)[0]
            alike = [step for step in steps if abs(step - common) <= max(2, common / 20)]
            found = _usual_rate(1 / (Fraction(sum(alike), len(alike)) * time_base))
    times = FrameTimes.from_stamps(ordered, time_base, rate or found)
    hold = last_duration if last_duration and last_duration > 0 else (steps[-1] if steps else 0)
    count = max(times.last_frame + 1, times.frame_at(ordered[-1] + hold))
    if rate is not None and rate != found and not variable:
        variable = len(times.frames) != len(ordered) or times.has_holds
    return Timing(times, count, variable)


def _snapped(rate: Fraction) -> Fraction:
    return snap_rate(max(rate, SLOWEST))


def _usual_rate(rate: Fraction) -> Fraction:
    """The grid of a variable-rate clip: the usual rate within half a percent of the most common step."""
    usual = [*_USUAL, *(each * NTSC for each in _USUAL)]
    best = min(usual, key=lambda candidate: abs(candidate - rate))
    return best if abs(best / rate - 1) <= 0.005 else _snapped(rate)
