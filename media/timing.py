"""On which frame each of a movie's pictures is shown: exact, for constant and for variable rates."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from statistics import median_low

from contract.rates import NTSC, SLOWEST, snap_rate

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
    return [floor((time - ordered[0]) * time_base * rate + Fraction(1, 2)) for time in ordered]


def _last_hold(ordered: Sequence[int], duration: int | None, times: FrameTimes) -> tuple[int, tuple[str, ...]]:
    """Frames for which the last picture is shown, and a note where the file's own word is not taken."""
    step = median_low([b - a for a, b in zip(ordered, ordered[1:], strict=False)]) if len(ordered) > 1 else 0
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
    spread = _spread([time - ordered[0] - place * mean for place, time in enumerate(ordered)])
    # A dropped frame moves everything behind it by a whole step. Half a step is what rounding and jitter may do.
    if 2 * spread <= mean:
        return _even_rate(ordered, mean, spread, time_base, nominal), list(range(len(ordered)))
    typical = 1 / (_typical_step(ordered) * time_base)
    grids = [_own_frames(ordered, time_base, rate) for rate in _candidates(typical, nominal)]
    fitting = [grid for grid in grids if grid is not None]
    if fitting:
        return min(fitting, key=lambda grid: grid[1][-1])
    rate = next((rate for rate in _candidates(typical, nominal) if abs(rate / typical - 1) <= 0.02), _snapped(typical))
    return rate, _frames_by_time(ordered, time_base, rate)


def _even_rate(
    ordered: Sequence[int], mean: Fraction, spread: Fraction, time_base: Fraction, nominal: Sequence[Fraction]
) -> Fraction:
    average = 1 / (mean * time_base)
    # A container that rounds to milliseconds shows 23.976 and 23.98 alike on a short clip; its header does not.
    blur = (spread + 2) / (ordered[-1] - ordered[0]) + Fraction(2, 100_000)
    for rate in (*nominal, *(_usual_rates() if spread > 1 else ())):
        if abs(rate / average - 1) <= blur:
            return _snapped(rate)
    return _snapped(average)


def _own_frames(ordered: Sequence[int], time_base: Fraction, rate: Fraction) -> tuple[Fraction, list[int]] | None:
    """(rate, frames) when every picture is near a frame of its own on the grid of `rate`."""
    exact = [(time - ordered[0]) * time_base * rate for time in ordered]
    frames = [floor(position + Fraction(1, 2)) for position in exact]
    if _spread([position - frame for position, frame in zip(exact, frames, strict=True)]) > Fraction(1, 2):
        return None
    rising = all(earlier < later for earlier, later in zip(frames, frames[1:], strict=False))
    return (rate, frames) if rising else None


def _typical_step(ordered: Sequence[int]) -> Fraction:
    """Mean of the steps that are near the middle one, in ticks: holds do not count."""
    steps = [later - earlier for earlier, later in zip(ordered, ordered[1:], strict=False)]
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


def _spread(values: Sequence[Fraction]) -> Fraction:
    return max(values) - min(values)


def _snapped(rate: Fraction) -> Fraction:
    return snap_rate(max(rate, SLOWEST))
