"""One file on its way in: bytes to the disk at once, the hash of the whole behind them."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from io import BufferedRandom, FileIO
from pathlib import Path
from typing import NamedTuple

from bridge.files.chunks import chunk_digest
from bridge.files.errors import ChunkGap, ContentMismatch, DamagedChunk, out_of_disk
from contract.errors import Problem, TooLarge

_BLOCK = 1 << 20
_CUT = "The file was shortened on the backend's disk while it arrived."


class _Stamp(NamedTuple):
    """By which a change is noticed without reading."""

    bytes: int
    changed: int


def _stamp(file: FileIO | BufferedRandom) -> _Stamp:
    facts = os.fstat(file.fileno())
    return _Stamp(facts.st_size, facts.st_mtime_ns)


class PartialUpload:
    """The partial file at `path` of an upload of `size` bytes whose SHA-256 must be `sha256`.

    What an earlier process left at `path` counts as arrived. The whole file's hash is computed by `pool`, reading
    behind the writer, so that neither a resumed file nor a large one's end holds up who calls `write`: for 4 GB that
    would be many seconds. `publish(self)` is called in the pool once the content is right and on the disk.
    `received` is for the owner: when the client last named it.
    """

    def __init__(
        self, path: Path, sha256: str, size: int, pool: Executor, publish: Callable[[PartialUpload], None]
    ) -> None:
        self.path, self.sha256, self.size = path, sha256, size
        self.complete = False
        self.received = 0.0
        self._pool, self._publish = pool, publish
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._problem: Problem | None = None
        self._following = self._closed = False
        try:
            self._sink = path.open("r+b" if path.exists() else "x+b", buffering=0)
            self.have = self._sink.seek(0, os.SEEK_END)
            if self.have > size:
                self.have = self._sink.truncate(0)
            self._stamp = _stamp(self._sink)
        except OSError as error:
            raise out_of_disk(path, size, error) from error
        self._restart_hash()
        with self._lock:
            self._follow()

    def write(self, offset: int, data: bytes, digest: bytes) -> None:
        """Put a chunk to the disk; what of it has arrived before is passed over.

        Raises DamagedChunk, ChunkGap, TooLarge or OutOfDisk; then all before the chunk (OutOfDisk: and of the chunk
        what fitted) stays.
        """
        if chunk_digest(data) != digest:
            raise DamagedChunk("A chunk arrived damaged.", "Its digest is another one.", "Send it again.")
        with self._lock:
            if offset > self.have:
                raise ChunkGap(
                    f"The bytes {self.have} to {offset} have not arrived.", remedy=f"Send on from {self.have}."
                )
            if offset + len(data) > self.size:
                raise TooLarge(
                    f"The chunk ends at {offset + len(data)}, but the file was announced with {self.size} bytes.",
                    remedy="Announce the file again.",
                )
            fresh = memoryview(data)[self.have - offset :]
            try:
                # Written behind a cut, the rest would fill the hole with zeros of the right number.
                self._was_cut |= _stamp(self._sink).bytes != self.have
                self._sink.seek(self.have)
                while fresh:
                    written = self._sink.write(fresh) or 0
                    self.have += written
                    fresh = fresh[written:]
                self._stamp = _stamp(self._sink)
            except OSError as error:
                raise out_of_disk(self.path, self.size - self.have, error) from error
            finally:
                self._follow()

    def settle(self, timeout: float) -> None:
        """Wait until all that has arrived is checked, at most `timeout` seconds; raise what was found wrong, once.

        After a ContentMismatch the upload is at its beginning again.
        """
        if self.have == self.size:
            self._settled.wait(timeout)
        with self._lock:
            problem, self._problem = self._problem, None
            if problem is not None:
                raise problem
            self._follow()

    def close(self) -> None:
        """Let go of the file; what has arrived stays on the disk."""
        with self._lock:
            self._closed = True
            self._sink.close()

    def _restart_hash(self) -> None:
        self._hash, self._hashed, self._was_cut = hashlib.sha256(), 0, False
        self._settled.clear()

    def _follow(self) -> None:
        """Have the pool hash what is there (the lock is held)."""
        wanted = self._hashed < self.have or self.have == self.size
        if wanted and not (self._following or self._closed or self.complete or self._problem):
            self._following = True
            self._settled.clear()
            self._pool.submit(self._hash_on)

    def _hash_on(self) -> None:
        try:
            with self.path.open("rb", buffering=0) as source:
                source.seek(self._hashed)
                while self._hash_block(source):
                    pass
            # Windows renames no open file.
            if self._hashed == self.size and not self._closed:
                self._finish()
        except Problem as problem:
            self._stop(problem)
        except OSError as error:
            self._stop(out_of_disk(self.path, self.size - self.have, error))

    def _hash_block(self, source: FileIO) -> bool:
        """Hash the next block; False when there is no more to do for now."""
        wanted = min(_BLOCK, self.have - self._hashed)
        block = source.read(wanted)
        if wanted and not block:
            raise self._back_to_start(_CUT)
        self._hash.update(block)
        self._hashed += len(block)
        with self._lock:
            if self._closed or (self._hashed == self.have and self.have < self.size):
                self._following = False
                return False
        return self._hashed < self.size

    def _finish(self) -> None:
        if self._hash.hexdigest() != self.sha256:
            raise self._back_to_start("It was changed while it was sent, or the backend's disk damaged it.")
        # A handle of its own and no lock: a large file's way to the disk takes seconds.
        with self.path.open("r+b") as content:
            os.fsync(content.fileno())
            self._check_unchanged(content)
        with self._lock:
            self._sink.close()
            if self._closed:
                return
        self._publish(self)
        with self._lock:
            self.complete, self._following = True, False
        self._settled.set()

    def _check_unchanged(self, content: BufferedRandom) -> None:
        """What was hashed while it arrived may be another file by now. Raises ContentMismatch."""
        stamp = _stamp(content)
        if self._was_cut or stamp.bytes != self.size:
            raise self._back_to_start(_CUT)
        # Some disks change the time a little later than the content: that alone proves nothing.
        if stamp != self._stamp and hashlib.file_digest(content, "sha256").hexdigest() != self.sha256:
            raise self._back_to_start("The file was changed on the backend's disk after it had arrived.")

    def _back_to_start(self, why: str) -> ContentMismatch:
        problem = ContentMismatch(
            "The file that arrived is not the one that was announced.", why, "Send it again from the beginning."
        )
        with self._lock:
            if not self._closed:
                self.have = self._sink.truncate(0)
                self._stamp = _stamp(self._sink)
            self._restart_hash()
            self._problem = problem  # in the same moment: an upload at its beginning needs its reason
        return problem

    def _stop(self, problem: Problem) -> None:
        with self._lock:
            if not isinstance(problem, ContentMismatch):
                self._problem = problem
            self._following = False
        self._settled.set()
