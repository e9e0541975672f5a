"""One file on its way out of the service: beside its place until it is whole and right."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from bridge.files.errors import ContentMismatch, out_of_disk
from contract.errors import BadUsage

_BLOCK = 1 << 20


class PartialDownload:
    """A file of `size` bytes with this SHA-256 on its way to `dest`; until then it is `.NAME.SHA256.part` beside it.

    `have` are the bytes that are there. Nothing half-written ever has the name `dest`, and what stood there before
    stays until the new file is whole.
    """

    def __init__(self, dest: Path, sha256: str, size: int) -> None:
        self.dest, self.sha256, self.size = dest, sha256, size
        # Long names leave no room for the hash.
        self.path = dest.with_name(f".{dest.name.encode()[:120].decode(errors='ignore')}.{sha256}.part")
        self.have = 0
        self._sink: FileIO  # while `opened`
        self._hash = hashlib.sha256()

    def is_there_already(self, stop: Callable[[], None]) -> bool:
        """Whether `dest` has the content. `stop` is called between blocks, and may raise."""
        if self.dest.is_dir():
            raise BadUsage(f"{self.dest} is a folder.", remedy="Name a file.")
        try:
            if self.dest.stat().st_size != self.size:
                return False
            with self.dest.open("rb", buffering=0) as content:
                return self._hash_of(content, stop).hexdigest() == self.sha256
        except OSError:
            return False

    @contextmanager
    def opened(self, stop: Callable[[], None]) -> Iterator[None]:
        """Go on from what an earlier attempt left. Raises OutOfDisk, also beforehand when the rest will not fit."""
        try:
            self.dest.parent.mkdir(parents=True, exist_ok=True)
            self._remove_older()
            self._sink = self.path.open("r+b" if self.path.exists() else "x+b", buffering=0)
        except OSError as error:
            raise out_of_disk(self.dest, self.size, error) from error
        with self._sink:
            self._resume(stop)
            yield

    def append(self, data: bytes) -> None:
        """Write the next bytes, a checked chunk. Raises OutOfDisk; what fitted stays."""
        self._hash.update(data)
        rest = memoryview(data)
        try:
            while rest:
                written = self._sink.write(rest)
                self.have += written
                rest = rest[written:]
        except OSError as error:
            raise out_of_disk(self.dest, self.size - self.have, error) from error

    def finish(self) -> None:
        """Give the file its name, if it is the right one and safe on the disk. Raises ContentMismatch, OutOfDisk."""
        if self.have != self.size or self._hash.hexdigest() != self.sha256:
            self._sink.truncate(0)
            raise ContentMismatch(
                "The file that arrived is not the one that was described.",
                "It was changed on the way, or the disk damaged what was there of it.",
                "Try again: it is fetched from the beginning.",
            )
        try:
            os.fsync(self._sink.fileno())
            self._sink.close()
            os.replace(self.path, self.dest)
        except OSError as error:
            raise out_of_disk(self.dest, 0, error) from error

    def _resume(self, stop: Callable[[], None]) -> None:
        try:
            if os.fstat(self._sink.fileno()).st_size > self.size:
                self._sink.truncate(0)
            self._hash = self._hash_of(self._sink, stop)
            self.have = self._sink.tell()
            lacking = self.size - self.have - shutil.disk_usage(self.dest.parent).free
        except OSError as error:
            raise out_of_disk(self.dest, self.size, error) from error
        if lacking > 0:
            raise out_of_disk(self.dest, lacking)

    def _hash_of(self, content: FileIO, stop: Callable[[], None]) -> hashlib._Hash:
        hashing = hashlib.sha256()
        while block := content.read(_BLOCK):
            hashing.update(block)
            stop()
        return hashing

    def _remove_older(self) -> None:
        """What is left of downloads of other versions of the file to the same place."""
        start = self.path.name[: -len(f"{self.sha256}.part")]
        older = re.compile(re.escape(start) + r"[0-9a-f]{64}\.part")
        for path in self.dest.parent.iterdir():
            if older.fullmatch(path.name) and path != self.path:
                path.unlink(missing_ok=True)
