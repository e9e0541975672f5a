"""The service's side of uploads: files by content, arriving in chunks, kept below a limit."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bridge.files.content_index import ContentIndex
from bridge.files.errors import BadName, BadTransfer, ChunkGap, NotUploaded, StoreFull, TooManyTransfers, out_of_disk
from bridge.files.partial_upload import PartialUpload
from bridge.files.relative_paths import check_distinct, checked_parts
from bridge.wire.messages import UploadChunk, UploadState
from contract.errors import OutOfDisk, TooLarge
from contract.job import InputFile

_SHA256 = re.compile(r"[0-9a-f]{64}")
_EMPTY = hashlib.sha256().hexdigest()
_LARGEST = 1 << 62
_SILENT_SECONDS, _GRACE_SECONDS = 60.0, 3600.0


class ContentStore:
    """Files in `folder` by their SHA-256, whole ones and those that are still arriving; both survive a kill.

    One process owns a folder. A client may use what it sent itself, nothing that it only knows the hash of: with
    `shared` everybody may use everything, so that a second client need not send what a first one did. In all at most
    `limit_bytes` are kept, and each client has at most `open_transfers` uploads under way. `clock` gives seconds since
    1970. Safe across threads; no call waits for a large file to be hashed or synced.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        limit_bytes: int,
        open_transfers: int,
        shared: bool = False,
        settle_seconds: float = 0.05,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = Path(folder)
        self.limit_bytes, self.open_transfers = limit_bytes, open_transfers
        self._settle_seconds, self._clock = settle_seconds, clock
        try:
            self._index = ContentIndex(self.folder, shared, clock)
        except OSError as error:
            raise out_of_disk(self.folder, 0, error) from error
        self._arriving: dict[tuple[str, str], PartialUpload] = {}
        self._kept: AbstractSet[str] = frozenset()
        self._lock = threading.RLock()
        self._pool = ThreadPoolExecutor(2, "content-store")

    def begin(self, client: str, sha256: str, bytes: int) -> UploadState:
        """Start or resume a client's upload, or ask how far its check is (`have` all bytes, not `complete`).

        Raises BadTransfer, TooLarge, TooManyTransfers, StoreFull, OutOfDisk, or once what went wrong behind the last
        `write` (ContentMismatch: it begins anew).
        """
        self._check(sha256, bytes)
        with self._lock:
            if self._index.usable(client, sha256):
                return UploadState(sha256=sha256, have=bytes, complete=True)
            arriving = self._arriving.get((client, sha256))
            if arriving is not None and arriving.size != bytes:
                raise BadTransfer(f"The upload was announced with {arriving.size} bytes before, now with {bytes}.")
            if arriving is None:
                arriving = self._open(client, sha256, bytes)
            arriving.received = self._clock()
        return self._state(client, arriving)

    def write(self, client: str, chunk: UploadChunk) -> UploadState:
        """Take the next chunk of an upload that `begin` was called for; one that has arrived before does no harm.

        Raises DamagedChunk, ChunkGap (also when there was no `begin` since the service started), TooLarge, OutOfDisk,
        ContentMismatch.
        """
        with self._lock:
            arriving = self._arriving.get((client, chunk.sha256))
            if arriving is None:
                if self._index.usable(client, chunk.sha256):
                    size = self._index.size(chunk.sha256)
                    return UploadState(sha256=chunk.sha256, have=size, complete=True)
                raise ChunkGap("The upload has not begun.", remedy="Ask how far it is, and send on from there.")
            arriving.received = self._clock()
        arriving.write(chunk.offset, chunk.data, chunk.digest)
        return self._state(client, arriving)

    def path(self, sha256: str, *, client: str | None = None) -> Path | None:
        """The whole, verified file with this content, None when there is none for this client. It counts as used now.

        `client` None stands for the service itself, which may use everything.
        """
        with self._lock:
            allowed = client is None or self._index.usable(client, sha256)
            return self._index.use(sha256) if allowed else None

    def materialise(
        self, uploads: Sequence[InputFile], folder: str | os.PathLike[str], *, client: str | None = None
    ) -> Path:
        """Place uploaded files below `folder` under their names (hard links, or copies across disks); the folder.

        What is there already is left when it has the right content, so that this can be done again at any time. Of
        another `client` than the one who sent it a file is not given out; None stands for the service itself. Raises
        BadName, NotUploaded or OutOfDisk.
        """
        check_distinct(upload.path for upload in uploads)
        base = Path(folder)
        for upload in uploads:
            target = base.joinpath(*checked_parts(upload.path))
            if not target.parent.resolve().is_relative_to(base.resolve()):
                raise BadName(f"The name {upload.path!r} is refused.", "A link leads it out of the job's folder.")
            source = self.path(upload.sha256, client=client)
            if source is not None:
                _link(source, target)
            elif target.is_symlink() or not target.is_file() or _sha256(target) != upload.sha256:
                raise NotUploaded(
                    f"The file {upload.path} has not been uploaded, or is not kept any more.",
                    remedy="Submit the job again, so that its files are sent again.",
                )
        return base

    def sweep(self, keep: AbstractSet[str] = frozenset(), *, room: int = 0) -> int:
        """Remove what was used longest ago until all fits the limit and `room` bytes more; the bytes freed.

        Never removed: `keep` (remembered until the next sweep), uploads under way, what was used within the last hour.
        """
        with self._lock:
            self._kept = keep
            self._set_silent_aside()
            return self._make_room(room)

    def used_bytes(self) -> int:
        """Bytes of all that is kept, whole or partial."""
        with self._lock:
            return self._index.total() + sum(each.have for each in self._arriving.values())

    def release(self, client: str) -> None:
        """Forget a client's open uploads, when it is gone; what has arrived stays and can be resumed."""
        with self._lock:
            for key in [key for key, each in self._arriving.items() if key[0] == client and each.have < each.size]:
                self._set_aside(key)

    def close(self) -> None:
        """Let go of all files. What has arrived stays."""
        with self._lock:
            for key in list(self._arriving):
                self._set_aside(key)
        self._pool.shutdown(cancel_futures=True)

    def _check(self, sha256: str, size: int) -> None:
        if not _SHA256.fullmatch(sha256) or not 0 <= size < _LARGEST or (size == 0) != (sha256 == _EMPTY):
            raise BadTransfer(f"No file has {size} bytes and the SHA-256 {sha256[:80]!r}.")
        if size > self.limit_bytes:
            raise TooLarge(
                f"The file has {size:,} bytes, and the backend keeps at most {self.limit_bytes:,} of uploads.",
                remedy="Raise the backend's limit, or put the file below one of its media roots.",
            )

    def _open(self, client: str, sha256: str, size: int) -> PartialUpload:
        self._set_silent_aside()
        self._check_open_transfers(client)
        try:
            path = self._index.partial(client, sha256, size)
        except OSError as error:
            raise out_of_disk(self.folder, size, error) from error
        missing = size - min(size, self._index.take_partial(path))
        arriving = None
        try:
            self._require_space(path, size, missing)
            arriving = PartialUpload(path, sha256, size, self._pool, lambda done: self._publish(client, done))
        finally:
            if arriving is None:
                self._index.leave_partial(path)
        self._arriving[client, sha256] = arriving
        return arriving

    def _check_open_transfers(self, client: str) -> None:
        mine = sum(1 for each, _ in self._arriving if each == client)
        if mine >= self.open_transfers:
            raise TooManyTransfers(
                f"{mine} uploads are under way already.",
                "The backend allows no more at a time.",
                "Wait until one is through.",
            )

    def _set_silent_aside(self) -> None:
        """Uploads of clients that went away hold neither a place nor space that others could have."""
        before = self._clock() - _SILENT_SECONDS
        for key in [key for key, each in self._arriving.items() if each.received <= before and each.have < each.size]:
            self._set_aside(key)

    def _require_space(self, path: Path, size: int, missing: int) -> None:
        """Room for a file of which `missing` bytes are not there yet, and for what other uploads still lack."""
        announced = sum(each.size - each.have for each in self._arriving.values())
        self._make_room(size + announced)
        if self.used_bytes() + announced + size > self.limit_bytes:
            raise StoreFull(
                f"The backend keeps at most {self.limit_bytes:,} bytes of uploads, and those there are in use.",
                f"{size:,} bytes are needed in {self.folder}.",
                "Wait until running jobs are done, or raise the backend's limit.",
            )
        free = shutil.disk_usage(self.folder).free
        if free < missing + announced:
            raise out_of_disk(path, missing + announced - free)

    def _make_room(self, room: int) -> int:
        over = self.used_bytes() + room - self.limit_bytes
        return self._index.evict(over, self._kept, self._clock() - _GRACE_SECONDS) if over > 0 else 0

    def _state(self, client: str, arriving: PartialUpload) -> UploadState:
        arriving.settle(self._settle_seconds)
        if arriving.complete:
            with self._lock:
                self._arriving.pop((client, arriving.sha256), None)
        return UploadState(sha256=arriving.sha256, have=arriving.have, complete=arriving.complete)

    def _publish(self, client: str, arriving: PartialUpload) -> None:
        try:
            with self._lock:
                self._index.publish(client, arriving.sha256, arriving.path, arriving.size)
                self._arriving.pop((client, arriving.sha256), None)
        except OSError as error:
            raise out_of_disk(arriving.path, 0, error) from error

    def _set_aside(self, key: tuple[str, str]) -> None:
        arriving = self._arriving.pop(key)
        arriving.close()
        if not arriving.complete:
            self._index.leave_partial(arriving.path)


def _link(source: Path, target: Path) -> None:
    """Make `target` a name of `source`, in one step."""
    if target.exists() and not target.is_symlink() and os.path.samefile(source, target):
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".arriving-") as scratch:
            name = Path(scratch) / "content"
            try:
                os.link(source, name)
            except OSError:
                # Another disk, or one without hard links. The time of change stays, by which jobs know their media.
                shutil.copy2(source, name)
            os.replace(name, target)
    except OSError as error:
        raise OutOfDisk(
            f"{target} could not be written.",
            f"{error.strerror or error}. {source.stat().st_size:,} bytes are needed there.",
            "Free some space there, then try again.",
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
