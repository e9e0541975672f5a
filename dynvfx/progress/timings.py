"""How long the work takes: measured seconds per kind of work and per stage, and from them the time left."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dynvfx.progress.events import Stage

Work = Literal["forward", "encode", "decode", "segment"]


class Timings:
    """Counts and times work. Waiting for whoever reads the events is not measured."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._units: Counter[str] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        """Seconds per stage."""
        self.forwards: Counter[str] = Counter()
        """Transformer forwards per stage."""

    @contextmanager
    def work(self, stage: Stage, kind: Work, units: int = 1) -> Iterator[None]:
        """Time the block as `units` pieces of `kind`."""
        begin = self._clock()
        yield
        seconds = self._clock() - begin
        self.seconds[stage] += seconds
        self._spent[kind] += seconds
        self._units[kind] += units
        if kind == "forward":
            self.forwards[stage] += units

    def seconds_left(self, remaining: Mapping[Work, int]) -> float | None:
        """Estimate for `remaining` units of each kind; None before the first forward was timed.

        A kind that was never timed counts as the most alike one that was (a decode takes about two encodes).
        """
        forward = self._mean("forward")
        if forward is None:
            return None
        encode = self._mean("encode") or forward
        per_unit = {
            "forward": forward,
            "encode": encode,
            "decode": self._mean("decode") or 2.0 * encode,
            "segment": self._mean("segment") or forward,
        }
        return sum(per_unit[kind] * units for kind, units in remaining.items())

    def _mean(self, kind: Work) -> float | None:
        return self._spent[kind] / self._units[kind] if self._units[kind] else None
