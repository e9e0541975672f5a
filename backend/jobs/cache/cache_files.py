"""The stage cache's files: their size, which of them running jobs need, and which of them go when room is needed.

Needs no torch: the supervisor reads the size as well. Safe across processes, and when one is killed.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import filelock

STATES = "*/*.safetensors"
"""A folder for each kind of arithmetic, in it a file for each state."""


@dataclass(frozen=True)
class CacheEntry:
    """One stored state: `name` is its path below the cache's folder, `used` when it was last wanted."""

    name: str
    bytes: int
    used: float


class CacheFiles:
    """The files below `folder`, which are kept below `limit_bytes` in all."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder, self.limit_bytes = folder, limit_bytes
        self._pins = folder / "pins"

    def size(self) -> int:
        """Bytes of all states."""
        return sum(entry.bytes for entry in self._entries())

    def touch(self, name: str) -> None:
        """Note that a state was wanted just now."""
        with contextlib.suppress(OSError):  # evicted meanwhile, or on a disk that is read-only
            os.utime(self.folder / name)

    @contextlib.contextmanager
    def pins(self) -> Iterator[Pins]:
        """Pins for one job; they hold until the block or the process ends, however it ends."""
        self._pins.mkdir(parents=True, exist_ok=True)
        alive = filelock.FileLock(self._pins / f"{uuid.uuid4().hex}.lock")
        with self._alone():
            alive.acquire()
        names = Path(alive.lock_file).with_suffix(".names")
        try:
            yield Pins(self, names)
        finally:
            with self._alone():
                self._forget(alive, names)

    def evict(self, wanted_bytes: int | None = None) -> int:
        """Remove what was not used for longest until all is below the limit, or `wanted_bytes` are gone.

        What a running job has pinned stays. Returns the bytes that are gone.
        """
        gone = 0
        with self._alone():
            entries = sorted(self._entries(), key=lambda entry: (entry.used, entry.name))
            if wanted_bytes is None:
                wanted_bytes = sum(entry.bytes for entry in entries) - self.limit_bytes
            pinned = self._pinned() if wanted_bytes > 0 else set()
            for entry in entries:
                if gone >= wanted_bytes:
                    break
                if entry.name not in pinned:
                    with contextlib.suppress(OSError):  # open on Windows: the next one goes in its place
                        (self.folder / entry.name).unlink()
                        gone += entry.bytes
        return gone

    def _entries(self) -> list[CacheEntry]:
        found = []
        for path in self.folder.glob(STATES):
            with contextlib.suppress(FileNotFoundError):  # evicted by another process meanwhile
                facts = path.stat()
                if not path.name.startswith("."):
                    found.append(CacheEntry(path.relative_to(self.folder).as_posix(), facts.st_size, facts.st_mtime))
        return found

    def _pinned(self) -> set[str]:
        """Names that living jobs need; what dead ones left behind is swept."""
        names: set[str] = set()
        for path in self._pins.glob("*.lock"):
            alive = filelock.FileLock(path, timeout=0)
            try:
                alive.acquire()
            except filelock.Timeout:
                with contextlib.suppress(FileNotFoundError):  # nothing pinned yet
                    names.update(path.with_suffix(".names").read_text("utf-8").split())
            else:
                self._forget(alive, path.with_suffix(".names"))
        return names

    @staticmethod
    def _forget(alive: filelock.BaseFileLock, names: Path) -> None:
        names.unlink(missing_ok=True)
        alive.release()
        Path(alive.lock_file).unlink(missing_ok=True)

    def _alone(self) -> filelock.BaseFileLock:
        """Pinning and evicting never happen at the same time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return filelock.FileLock(self.folder / "lock")


class Pins:
    """What one running job needs."""

    def __init__(self, files: CacheFiles, names: Path) -> None:
        self._files, self._names = files, names
        self._held: set[str] = set()

    def add(self, name: str) -> None:
        """Keep the state `name`, which may not be there yet, from eviction."""
        if name in self._held:
            return
        with self._files._alone(), open(self._names, "a", encoding="utf-8") as file:
            file.write(f"{name}\n")
        self._held.add(name)
