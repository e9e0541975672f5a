"""Remembers which disks were found full, so that one full disk does not fail all jobs of the queue in turn."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

LOOK_EVERY = 2.0
"""Seconds between two looks at a disk that was full."""
RELIEF_BYTES = 16_000_000
"""So much more space than when it was full is worth another attempt; whether it suffices the job finds out."""


class DiskGuard:
    """Disks by their device number."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self._clock, self._free_bytes = clock, free_bytes
        self._full: dict[int, int] = {}
        self._reported: set[str] = set()
        self.next_look: float | None = None
        """When to ask again, on the clock; None while all is well."""

    def note(self, folder: Path) -> None:
        """A job has failed for want of space in `folder`."""
        place = _existing(folder)
        self._full[place.stat().st_dev] = self._free_bytes(place)
        self.next_look = self._clock() + LOOK_EVERY

    def allows(self, folder: Path) -> bool:
        """Whether a job may be tried that writes to `folder`."""
        if not self._full:
            return True
        place = _existing(folder)
        device = place.stat().st_dev
        if device not in self._full:
            return True
        if self._free_bytes(place) >= self._full[device] + RELIEF_BYTES:
            del self._full[device]
            self._settle()
            return True
        self.next_look = self._clock() + LOOK_EVERY
        return False

    def is_new(self, job: str) -> bool:
        """Whether it was not reported yet that this job waits."""
        new = job not in self._reported
        self._reported.add(job)
        return new

    def forget(self) -> None:
        """Try again whatever was found full."""
        self._full.clear()
        self._settle()

    def _settle(self) -> None:
        if not self._full:
            self._reported.clear()
            self.next_look = None


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())
