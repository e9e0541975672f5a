"""What a content store has on its disk, by name alone: whole files, who sent them, and what is half there.

whole/ab/abcd...            a whole file by its SHA-256
clients/CLIENT/abcd...      an empty mark: this client sent it; its time of change is when it was last used
clients/CLIENT/abcd....N    the first bytes of a file of N bytes
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ANY_TIME = 946684800  # the year 2000


@dataclass
class _Whole:
    path: Path
    size: int
    used: float


class ContentIndex:
    """The folder's content in memory, and the moves that keep folder and memory alike. Its owner holds the lock.

    Jobs have hard links of the files, and use the time of change to see whether their media was replaced: so it is the
    same for all files, and the time of the last use stands in marks of their own.
    """

    def __init__(self, folder: Path, shared: bool, clock: Callable[[], float]) -> None:
        self._whole_folder, self._clients_folder = folder / "whole", folder / "clients"
        self._shared, self._clock = shared, clock
        self._whole: dict[str, _Whole] = {}
        self._senders: dict[str, set[str]] = {}
        self._partial: dict[Path, tuple[int, float]] = {}
        for place in (folder, self._whole_folder, self._clients_folder):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._read()

    def usable(self, client: str, sha256: str) -> bool:
        """Whether the whole file is there for this client; it counts as used now."""
        if sha256 not in self._whole or not (self._shared or _folder_of(client) in self._senders.get(sha256, ())):
            return False
        return self.use(sha256) is not None

    def size(self, sha256: str) -> int:
        """Bytes of a whole file."""
        return self._whole[sha256].size

    def use(self, sha256: str) -> Path | None:
        """Path of a whole file, which counts as used now; None when it is not there (any more)."""
        whole = self._whole.get(sha256)
        if whole is None or not whole.path.is_file():
            self._whole.pop(sha256, None)
            return None
        whole.used = self._clock()
        for sender in self._senders.get(sha256, ()):
            # That it was used may be forgotten when the disk is full; it is kept in memory, and costs no data.
            with suppress(OSError):
                self._mark(sender, sha256, whole.used)
        return whole.path

    def publish(self, client: str, sha256: str, arrived: Path, size: int) -> None:
        """Make a verified partial file a whole one of this client's, which survives a loss of power."""
        # The mark first: a file without one would have no owner; a mark without a file only lets the sender upload it.
        self._mark(_folder_of(client), sha256, self._clock())
        self._senders.setdefault(sha256, set()).add(_folder_of(client))
        place = self._whole_folder / sha256[:2] / sha256
        if sha256 in self._whole and place.is_file():
            arrived.unlink()
        else:
            place.parent.mkdir(exist_ok=True, mode=0o700)
            os.utime(arrived, (_ANY_TIME, _ANY_TIME))
            os.replace(arrived, place)
        self._whole[sha256] = _Whole(place, size, self._clock())

    def partial(self, client: str, sha256: str, size: int) -> Path:
        """Where a client's upload arrives."""
        folder = self._clients_folder / _folder_of(client)
        folder.mkdir(exist_ok=True, mode=0o700)
        return folder / f"{sha256}.{size}"

    def take_partial(self, path: Path) -> int:
        """Bytes that an earlier upload left; the partial file is not the index's any more until `leave_partial`."""
        return self._partial.pop(path, (0, 0.0))[0]

    def leave_partial(self, path: Path) -> None:
        """Count a partial file that is not being written any more."""
        with suppress(FileNotFoundError):
            self._partial[path] = (path.stat().st_size, self._clock())

    def total(self) -> int:
        """Bytes of whole files and of partial ones that are not being written."""
        return sum(whole.size for whole in self._whole.values()) + sum(size for size, _ in self._partial.values())

    def evict(self, wanted: int, keep: AbstractSet[str], before: float) -> int:
        """Remove files last used before that time, the longest unused first, until `wanted` bytes are free."""
        aged = [(used, path, size) for path, (size, used) in self._partial.items()]
        aged += [(whole.used, whole.path, whole.size) for sha256, whole in self._whole.items() if sha256 not in keep]
        freed = 0
        for used, path, size in sorted(aged):
            if freed >= wanted or used >= before:
                break
            # A file that cannot be removed (Windows, while it is read) is tried again the next time.
            with suppress(OSError):
                self._remove(path)
                freed += size
        return freed

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        if self._partial.pop(path, None) is None:
            del self._whole[path.name]
            for sender in self._senders.pop(path.name, ()):
                (self._clients_folder / sender / path.name).unlink(missing_ok=True)

    def _mark(self, sender: str, sha256: str, when: float) -> None:
        mark = self._clients_folder / sender / sha256
        mark.parent.mkdir(exist_ok=True, mode=0o700)
        mark.touch(mode=0o600)
        os.utime(mark, (when, when))

    def _read(self) -> None:
        for path in self._whole_folder.glob("??/*"):
            facts = path.stat()
            self._whole[path.name] = _Whole(path, facts.st_size, facts.st_mtime)
        for path in self._clients_folder.glob("*/*"):
            sha256, dot, _ = path.name.partition(".")
            if dot:
                facts = path.stat()
                self._partial[path] = (facts.st_size, facts.st_mtime)
            elif sha256 in self._whole:
                whole = self._whole[sha256]
                whole.used = max(whole.used, path.stat().st_mtime)
                self._senders.setdefault(sha256, set()).add(path.parent.name)
            else:
                path.unlink()


def _folder_of(client: str) -> str:
    """A client's key as a folder name (Z85 holds characters that file systems do not)."""
    return hashlib.blake2b(client.encode(), digest_size=16).hexdigest()
