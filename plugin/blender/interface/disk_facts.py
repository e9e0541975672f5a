"""Facts on the disk that the sidebar shows, read at most every few seconds: it is drawn many times a second."""

from __future__ import annotations

import os
import time

import bpy

from ..layers.relinking import missing_layers

_SECONDS = 3.0
_SHARE = 20
"""Reading takes at most this part of the time, also on a slow disk."""


class DiskFacts:
    """What was found on the disk.

    missing: names of the placed takes whose files are missing
    finished: number of finished takes in the project's results
    """

    def __init__(self) -> None:
        self.missing: list[str] = []
        self.finished = 0
        self._due = 0.0

    def read(self) -> DiskFacts:
        """Bring the facts up to date, if they are a few seconds old; returns itself."""
        began = time.monotonic()
        if began >= self._due:
            self.missing = [each.name for each in missing_layers()]
            self.finished = _finished_takes()
            self._due = began + max(_SECONDS, _SHARE * (time.monotonic() - began))
        return self

    def forget(self) -> None:
        """Read them again the next time."""
        self._due = 0.0


def _finished_takes() -> int:
    """Number of finished takes in the results' folder beside the open file, `NAME dynvfx/JOB/takes/NN`."""
    if not bpy.data.filepath:
        return 0
    takes = [os.path.join(job, "takes") for job in _folders(f"{os.path.splitext(bpy.data.filepath)[0]} dynvfx")]
    return sum(os.path.isfile(os.path.join(take, "take.json")) for each in takes for take in _folders(each))


def _folders(parent: str) -> list[str]:
    try:
        return [each.path for each in os.scandir(parent) if each.is_dir()]
    except OSError:
        return []
