"""SHA-256 of files, computed once for each state of a file and beside the caller's own work."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from bridge.files.errors import FileChanged

_BLOCK = 1 << 20
_REMEMBERED = 4096

Stamp = tuple[int, int, int, int, int]


def stamp_of(facts: os.stat_result) -> Stamp:
    """What changes whenever a file's content does: device, inode, size, times of change of content and of facts."""
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


class FileHashes:
    """Remembers the hashes of the last few thousand files that were asked for. Safe across threads."""

    def __init__(self) -> None:
        self._known: OrderedDict[Stamp, str] = OrderedDict()
        self._under_way: dict[Stamp, Future[str]] = {}
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(1, "file-hashes")

    def known(self, facts: os.stat_result) -> str | None:
        """The hash of the file with these facts, if it was computed."""
        with self._lock:
            return self._known.get(stamp_of(facts))

    def ask(self, path: Path, wait: float) -> str | None:
        """The file's hash, or None when it is not ready within `wait` seconds. Raises FileChanged, OSError."""
        facts = path.stat()
        stamp = stamp_of(facts)
        with self._lock:
            if stamp in self._known:
                return self._known[stamp]
            future = self._under_way.get(stamp)
            if future is None:
                future = self._under_way[stamp] = self._pool.submit(self.compute, path)
                future.add_done_callback(lambda _: self._under_way.pop(stamp, None))
        try:
            return future.result(wait)
        except TimeoutError:
            return None

    def compute(self, path: Path, step: Callable[[int, int], None] | None = None) -> str:
        """The file's hash, here and now. Raises FileChanged when it is written meanwhile, or OSError.

        `step(done, total)` is called in bytes, and may raise to end it.
        """
        with path.open("rb", buffering=0) as content:
            before = os.fstat(content.fileno())
            known = self.known(before)
            if known is not None:
                return known
            hashing = hashlib.sha256()
            while block := content.read(_BLOCK):
                hashing.update(block)
                if step is not None:
                    step(content.tell(), before.st_size)
            if stamp_of(before) != stamp_of(os.fstat(content.fileno())):
                raise FileChanged(f"{path} is being written.", remedy="Try again when it is finished.")
        sha256 = hashing.hexdigest()
        with self._lock:
            self._known[stamp_of(before)] = sha256
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return sha256
