"""A folder that appears whole or not at all, and the room that it needs."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from backend.delivery.ffmpeg import os_error, out_of_disk
from media.pixels import PixelLayout
from media.probe import MediaInfo


class AtomicOutputFolder:
    """Writes into a hidden sibling of `directory` and renames it at the end.

    Whatever a killed run left behind is cleaned by the next one for the same directory.
    """

    def __init__(self, directory: Path, needed: int) -> None:
        """`needed` bytes must be free before anything is written."""
        self.directory, self.needed = directory.absolute(), needed
        self.work = self.directory.with_name(f".{self.directory.name}.partial")
        self._old = self.directory.with_name(f".{self.directory.name}.old")

    @contextlib.contextmanager
    def open(self) -> Iterator[Path]:
        """Yield the folder to write into. Raises OutOfDisk; on any error nothing new stays."""
        try:
            self._clean_up()
            self.work.mkdir(parents=True)
            free = shutil.disk_usage(self.work).free
            if free < self.needed:
                raise out_of_disk(self.directory, self.needed, f"{free / 1e6:.0f} MB are free.")
            yield self.work
            if self.directory.exists():
                self.directory.rename(self._old)
            self.work.rename(self.directory)
        except OSError as error:
            raise os_error(error, self.directory, self.needed) from error
        finally:
            with contextlib.suppress(OSError):  # what cannot be removed now is removed by the next run
                self._clean_up()

    def _clean_up(self) -> None:
        if self._old.exists() and not self.directory.exists():
            # A run was killed between the two renames: what stood here before is put back first.
            self._old.rename(self.directory)
        for leftover in (self.work, self._old):
            if leftover.exists():
                shutil.rmtree(leftover)


def bytes_needed(info: MediaInfo, form: PixelLayout, count: int, covered: float) -> int:
    """A generous guess of a delivery's size, from measured compression of real clips; `covered` in [0, 1]."""
    pixels = info.coded_width * info.coded_height * count
    sample = form.dtype.itemsize
    samples = {"gray": 1, "rgb": 3}.get(form.family, 1 + 2 / (form.sub_x * form.sub_y))
    share = min(1.0, covered * 1.3 + 0.02)
    layer = share * (0.6 + 2.4 * min(sample, 2))
    return int(pixels * (samples * sample * 0.7 + layer + 0.1)) + (4 << 20)
