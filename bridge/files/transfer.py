"""Files over the bridge, both ways: only what is missing moves, what breaks can be resumed, memory stays constant."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol, TypeVar

from bridge.files.chunks import CHUNK_BYTES, chunk_digest, read_exactly
from bridge.files.errors import ContentMismatch, DamagedChunk, FileChanged, NoSuchFile, TransferCancelled
from bridge.files.file_hashes import FileHashes
from bridge.files.partial_download import PartialDownload
from bridge.wire.messages import (
    Chunk,
    DownloadBegin,
    DownloadChunk,
    DownloadState,
    Reply,
    Request,
    UploadBegin,
    UploadChunk,
    UploadState,
)
from contract.errors import Problem

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all)."""

_ReplyKind = TypeVar("_ReplyKind")

_PATIENCE = 60.0
_ATTEMPTS = 4
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_UPLOAD_REPAIRS = frozenset({"chunk_gap", "damaged_chunk", "content_mismatch"})
_DOWNLOAD_REPAIRS = frozenset({"damaged_chunk", "content_mismatch", "file_changed"})


class CallOne(Protocol):
    """`Client.call`: the reply to one request; a Refusal that it raises has the service's own kind."""

    def __call__(self, request: Request, timeout: float = ..., /) -> Reply: ...


class CallMany(Protocol):
    """`Client.call_many`: the replies to many requests in order, several of them under way at once."""

    def __call__(self, requests: Iterable[Request], timeout: float = ..., /) -> Iterator[Reply]: ...


def upload(
    call: CallOne,
    path: str | os.PathLike[str],
    *,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress | None = None,
    reading: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    call_many: CallMany | None = None,
    sleep: Callable[[float], None] = time.sleep,
    hashes: FileHashes | None = None,
) -> str:
    """Bring a file to the service unless it has it; its SHA-256, by which jobs name it (`contract.job.InputFile`).

    What arrived in an earlier attempt is not sent again. First the file is read for its hash (`reading` gets how
    far; a given `hashes` remembers it for the next time), then sent (`progress`). Raises NoSuchFile, FileChanged (it is
    being written), TransferCancelled as soon as `cancelled()`, and what `call` raises.
    """
    path = Path(path)
    stop = _stopper(cancelled)
    sha256 = _hash_of(path, hashes or FileHashes(), reading, stop)
    size = path.stat().st_size
    begin = UploadBegin(sha256=sha256, bytes=size)
    state: UploadState | None = None
    pause, best, failures = _FIRST_PAUSE, 0, 0
    while state is None or not state.complete:
        stop()
        try:
            if state is None:
                state = _asked(call, begin, UploadState)
            elif state.have >= size:
                # The service reads the whole file once more before it says that it has it.
                sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                state = _asked(call, begin, UploadState)
            else:
                with closing(_called(call, call_many, _chunks_of(path, sha256, state.have, chunk_bytes, size))) as sent:
                    for reply in sent:
                        state = _of_kind(reply, UploadState)
                        _report(progress, state.have, size)
                        stop()
        except Problem as problem:
            reached = state.have if state is not None else 0
            failures = 1 if reached > best else failures + 1
            if problem.kind not in _UPLOAD_REPAIRS or failures >= _ATTEMPTS:
                raise
            if problem.kind == "content_mismatch" and _hash_of(path, FileHashes(), None, stop) != sha256:
                raise _changed(path) from problem
            best, state = max(best, reached), None
    _report(progress, size, size)
    return sha256


def download(
    call: CallOne,
    job: str,
    path: str,
    dest: str | os.PathLike[str],
    *,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    call_many: CallMany | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Bring a file of a job (`path` below its output) to `dest`, whole and verified or not at all; its SHA-256.

    What arrived in an earlier attempt waits beside `dest` (a hidden file with the hash in its name) and is not asked
    for again; a `dest` that has the content already is left alone. Raises OutOfDisk with the bytes needed,
    TransferCancelled, ContentMismatch, and what `call` raises.
    """
    dest, stop = Path(dest), _stopper(cancelled)
    for attempt in range(1, _ATTEMPTS + 1):
        state = _described(call, DownloadBegin(job=job, path=path), stop, sleep)
        partial = PartialDownload(dest, state.sha256, state.bytes)
        try:
            if not partial.is_there_already(stop):
                _fetch(call, call_many, job, path, partial, chunk_bytes, progress, stop)
            _report(progress, state.bytes, state.bytes)
            return state.sha256
        except Problem as problem:
            if problem.kind not in _DOWNLOAD_REPAIRS or attempt == _ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _fetch(
    call: CallOne,
    call_many: CallMany | None,
    job: str,
    path: str,
    partial: PartialDownload,
    chunk_bytes: int,
    progress: Progress | None,
    stop: Callable[[], None],
) -> None:
    with partial.opened(stop):
        wanted = (
            DownloadChunk(
                job=job,
                path=path,
                sha256=partial.sha256,
                offset=offset,
                length=min(chunk_bytes, partial.size - offset),
            )
            for offset in range(partial.have, partial.size, chunk_bytes)
        )
        with closing(_called(call, call_many, wanted)) as replies:
            for reply in replies:
                chunk = _of_kind(reply, Chunk)
                if chunk_digest(chunk.data) != chunk.digest or chunk.offset != partial.have or not chunk.data:
                    raise DamagedChunk("A chunk arrived damaged.", "Its digest or place is another one.", "Try again.")
                partial.append(chunk.data)
                _report(progress, partial.have, partial.size)
                stop()
        partial.finish()


def _described(
    call: CallOne, begin: DownloadBegin, stop: Callable[[], None], sleep: Callable[[float], None]
) -> DownloadState:
    pause = _FIRST_PAUSE
    while not (state := _asked(call, begin, DownloadState)).ready:
        stop()
        sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
    # The hash becomes part of a file name here: nothing else may stand in it, whoever answered.
    if not re.fullmatch(r"[0-9a-f]{64}", state.sha256) or state.bytes < 0:
        raise ContentMismatch("The backend described the file with values that no file has.", remedy="Update it.")
    return state


def _chunks_of(path: Path, sha256: str, start: int, chunk_bytes: int, size: int) -> Iterator[UploadChunk]:
    try:
        with path.open("rb", buffering=0) as source:
            for offset in range(start, size, chunk_bytes):
                source.seek(offset)
                data = read_exactly(source, min(chunk_bytes, size - offset))
                if not data:
                    raise _changed(path)
                yield UploadChunk(sha256=sha256, offset=offset, data=data, digest=chunk_digest(data))
    except OSError as error:
        raise _unreadable(path, error) from error


def _hash_of(path: Path, hashes: FileHashes, reading: Progress | None, stop: Callable[[], None]) -> str:
    def step(done: int, total: int) -> None:
        _report(reading, done, total)
        stop()

    if not path.is_file():
        raise NoSuchFile(f"There is no file {path}.", remedy="Check the path, or relink the clip.")
    try:
        return hashes.compute(path, step)
    except OSError as error:
        raise _unreadable(path, error) from error


def _called(call: CallOne, call_many: CallMany | None, requests: Iterable[Request]) -> Generator[Reply]:
    """Closed by its user, so that no call stays under way when a transfer ends early."""
    if call_many is not None:
        yield from call_many(requests, _PATIENCE)
    else:
        for request in requests:
            yield call(request, _PATIENCE)


def _asked(call: CallOne, request: Request, kind: type[_ReplyKind]) -> _ReplyKind:
    return _of_kind(call(request, _PATIENCE), kind)


def _of_kind(reply: Reply, kind: type[_ReplyKind]) -> _ReplyKind:
    if not isinstance(reply, kind):
        raise Problem(f"The backend answered with {type(reply).__name__}, not {kind.__name__}.", remedy="Update it.")
    return reply


def _report(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _stopper(cancelled: Callable[[], bool] | None) -> Callable[[], None]:
    def stop() -> None:
        if cancelled is not None and cancelled():
            raise TransferCancelled("The transfer was stopped.", "", "Start it again: it continues from where it was.")

    return stop


def _changed(path: Path) -> FileChanged:
    return FileChanged(f"{path} was changed while it was sent.", remedy="Try again once it is no longer being written.")


def _unreadable(path: Path, error: OSError) -> NoSuchFile:
    return NoSuchFile(f"{path} cannot be read.", error.strerror or str(error), "Check its disk and permissions.")
