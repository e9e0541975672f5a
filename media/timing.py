"""On which frame each of a movie's pictures is shown: exact, for constant and for variable rates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import floor
from statistics import median_low

from contract.rates import NTSC, SLOWEST, snap_rate

_FEW = 8
"""Pictures of which the steps alone do not say the rate."""
_USUAL = (Fraction(24), Fraction(25), Fraction(30), Fraction(48), Fraction(50), Fraction(60), Fraction(120))
# Seconds for which the last picture is believed to hold: a longer duration in a file is a slip of its writer.
_LONGEST_LAST_HOLD = 10


@dataclass(frozen=True)
class FrameTimes:
    """A movie's pictures on the grid of `rate` frames a second whose frame 0 begins with the first picture.

    stamps: presentation times of the pictures, ascending, in ticks of `time_base` seconds
    frames: the frame on which each appears, never falling. A picture holds until the next one is due; of several
        pictures on one frame the last is shown.
    """

    time_base: Fraction
    rate: Fraction
    stamps: tuple[int, ...]
    frames: tuple[int, ...]

    @classmethod
    def from_stamps(cls, stamps: Sequence[int], time_base: Fraction, rate: Fraction) -> FrameTimes:
        """Lay times, in any order, on the grid by time. `stamps` must not be empty."""
        times = sorted(set(stamps))
        return cls(time_base, rate, tuple(times), tuple(_frames_by_time(times, time_base, rate)))

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
        return self.last_frame + 1 != len(set(self.frames))

    @property
    def unseen(self) -> int:
        """Number of pictures that are not shown, because another one is due on the same frame."""
        return len(self.frames) - len(set(self.frames))

    @property
    def start(self) -> Fraction:
        """Seconds of the first picture on the file's own clock."""
        return self.stamps[0] * self.time_base


@dataclass(frozen=True)
class Timing:
    """What the times of a whole stream say: its pictures' frames, its length in frames, how even it is, oddities."""

    times: FrameTimes
    frame_count: int
    variable_rate: bool
    notes: tuple[str, ...] = ()


def measure_timing(
    stamps: Sequence[int],
    last_duration: int | None,
    time_base: Fraction,
    nominal: Sequence[Fraction],
    rate: Fraction | None = None,
) -> Timing:
    """Find a stream's rate and lay its pictures on that grid.

    - Pictures that follow each other evenly, but for the rounding of a container or the jitter of a phone's clock, are
      one frame each, in their order.
    - Else the rate is one on whose grid every picture has its own frame: frames were dropped, and the picture before
      holds for them.
    - Else the stream is of variable rate: its grid is that of its typical step, and pictures are laid on it by time.

    stamps: in ticks of `time_base` seconds, in any order, at least one, no two alike
    last_duration: ticks for which the last picture holds, None when the container does not say it
    nominal: the rates in the headers, the most trusted first
    rate: lays the stream on a grid of this rate instead of its own
    """
    ordered = sorted(stamps)
    found, frames = _natural_grid(ordered, time_base, [each for each in nominal if SLOWEST <= each <= 1000])
    if rate is not None and rate != found:
        frames = _frames_by_time(ordered, time_base, rate)
    times = FrameTimes(time_base, rate or found, tuple(ordered), tuple(frames))
    last, notes = _last_hold(ordered, last_duration, times)
    return Timing(times, times.last_frame + last, times.has_holds or times.unseen > 0, notes)


def _frames_by_time(ordered: Sequence[int], time_base: Fraction, rate: Fraction) -> list[int]:
    # Half a frame more, so that ticks that a container rounded still land on their frame.
    ticks = time_base * rate
    whole, half, first = 2 * ticks.denominator, ticks.denominator, ordered[0]
    return [(2 * ticks.numerator * (time - first) + half) // whole for time in ordered]


def _last_hold(ordered: Sequence[int], duration: int | None, times: FrameTimes) -> tuple[int, tuple[str, ...]]:
    """Frames for which the last picture is shown, and a note where the file's own word is not taken."""
    step = median_low([b - a for a, b in pairwise(ordered)]) if len(ordered) > 1 else 0
    hold = (duration or step) * times.time_base
    if hold > _LONGEST_LAST_HOLD and duration != step:
        text = f"The file says that its last picture holds for {float(hold):.0f} seconds: it was taken as one frame."
        return 1, (text,)
    return max(1, floor(hold * times.rate + Fraction(1, 2))), ()


def _natural_grid(
    ordered: Sequence[int], time_base: Fraction, nominal: Sequence[Fraction]
) -> tuple[Fraction, list[int]]:
    """The stream's own rate, and the frame of every picture."""
    if len(ordered) == 1:
        return (_snapped(nominal[0]) if nominal else Fraction(24)), [0]
    mean = Fraction(ordered[-1] - ordered[0], len(ordered) - 1)
    even = list(range(len(ordered)))
    spread = _spread(ordered, even, mean)
    # A dropped frame moves everything behind it by a whole step. Half a step is what rounding and jitter may do.
    header = _few_on_header(ordered, time_base, nominal)
    if header is not None:
        return header
    if 2 * spread <= mean:
        return _mean_rate(ordered, even, time_base, nominal), even
    typical = 1 / (_typical_step(ordered) * time_base)
    grids = [_own_frames(ordered, time_base, rate) for rate in _candidates(typical, nominal)]
    fitting = [frames for frames in grids if frames is not None]
    if fitting:
        frames = min(fitting, key=lambda frames: frames[-1])
        return _mean_rate(ordered, frames, time_base, nominal), frames
    rate = next((rate for rate in _candidates(typical, nominal) if abs(rate / typical - 1) <= 0.02), _snapped(typical))
    return rate, _frames_by_time(ordered, time_base, rate)


def _few_on_header(
    ordered: Sequence[int], time_base: Fraction, nominal: Sequence[Fraction]
) -> tuple[Fraction, list[int]] | None:
    """The grid of the header for a handful of pictures, which may be all that was left of a clip with holes."""
    if len(ordered) > _FEW or not nominal:
        return None
    rate = _snapped(nominal[0])
    frames = _own_frames(ordered, time_base, rate)
    return (rate, frames) if frames is not None and frames[-1] < _FEW * len(ordered) else None


def _spread(ordered: Sequence[int], frames: Sequence[int], step: Fraction) -> Fraction:
    """How far the times are from those frames of a grid with that step: latest less earliest, in ticks."""
    parts, first = step.denominator, ordered[0]
    off = [(time - first) * parts - frame * step.numerator for time, frame in zip(ordered, frames, strict=True)]
    return Fraction(max(off) - min(off), parts)


def _mean_rate(
    ordered: Sequence[int], frames: Sequence[int], time_base: Fraction, nominal: Sequence[Fraction]
) -> Fraction:
    """The rate at which these pictures have these frames."""
    step = Fraction(ordered[-1] - ordered[0], frames[-1])
    spread, average = _spread(ordered, frames, step), 1 / (step * time_base)
    # A container that rounds to milliseconds shows 23.976 and 23.98 alike on a short clip; its header does not.
    blur = (spread + 2) / (ordered[-1] - ordered[0]) + Fraction(2, 100_000)
    near = [_snapped(rate) for rate in nominal if abs(rate / average - 1) <= blur]
    usual = [rate for rate in _usual_rates() if abs(rate / average - 1) <= blur]
    said = [rate for rate in near if rate in usual]
    if spread > 1:  # of an uneven clock a header's mean, or ffmpeg's guess, is no better than this one
        return min(said or usual or near or [_snapped(average)], key=lambda rate: abs(rate - average))
    return next(iter(said or near), _snapped(average))


def _own_frames(ordered: Sequence[int], time_base: Fraction, rate: Fraction) -> list[int] | None:
    """The frames when every picture is near one of its own on the grid of `rate`."""
    frames = _frames_by_time(ordered, time_base, rate)
    step = 1 / (time_base * rate)
    if 2 * _spread(ordered, frames, step) > step:
        return None
    return frames if all(earlier < later for earlier, later in pairwise(frames)) else None


def _typical_step(ordered: Sequence[int]) -> Fraction:
    """Mean of the steps that are near the middle one, in ticks: holds do not count."""
    steps = [later - earlier for earlier, later in pairwise(ordered)]
    middle = median_low(steps)
    near = [step for step in steps if 3 * abs(step - middle) <= max(3, middle)]
    return Fraction(sum(near), len(near))


def _candidates(typical: Fraction, nominal: Sequence[Fraction]) -> Iterator[Fraction]:
    """Rates that a clip of this typical rate may have, those of the headers first."""
    for rate in (*map(_snapped, nominal), *sorted(_usual_rates(), key=lambda usual: abs(usual - typical))):
        if Fraction(3, 4) <= rate / typical <= Fraction(9, 4):
            yield rate
    yield _snapped(typical)


def _usual_rates() -> tuple[Fraction, ...]:
    return (*_USUAL, *(each * NTSC for each in _USUAL))


def _snapped(rate: Fraction) -> Fraction:
    return snap_rate(max(rate, SLOWEST))
