"""How far files have travelled, reported as progress of the job, in megabytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from contract.events import StageProgress
from contract.states import Stage
from plugin.cli.output import Reporter

SMALLEST = 4_000_000
"""Bytes below which a transfer is not reported."""
EVERY = 0.5
"""Seconds between two reports."""
MEGABYTE = 1_000_000


class Moved:
    """Adds up the files of one transfer. `report` gets bytes so far."""

    def __init__(self, report: Callable[[int], None]) -> None:
        self._report, self._before = report, 0

    def file(self) -> Callable[[int, int], None]:
        """The next file's progress: to be called with its bytes so far and its size."""
        before = self._before

        def moved(done: int, size: int) -> None:
            self._before = before + done
            self._report(self._before)

        return moved


class TransferProgress:
    """Reports transfers of some size, not too often."""

    def __init__(self, reporter: Reporter, clock: Callable[[], float] = time.monotonic) -> None:
        self._reporter, self._clock = reporter, clock

    @contextmanager
    def of(self, stage: Stage, total: int, take: int = 0) -> Iterator[Moved]:
        """Report a transfer of `total` bytes while the block runs."""
        steps = max(1, -(-total // MEGABYTE))
        next_at = 0.0

        def report(done: int) -> None:
            nonlocal next_at
            now = self._clock()
            if total >= SMALLEST and (now >= next_at or done >= total):
                next_at = now + EVERY
                step = min(steps, done // MEGABYTE if done < total else steps)
                self._reporter.report(StageProgress(take=take, stage=stage, step=step, steps=steps))

        yield Moved(report)
