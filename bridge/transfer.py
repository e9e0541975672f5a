"""Files over the bridge, both ways: only what is missing moves, what breaks can be resumed, memory stays constant."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from pathlib import Path
from typing import Protocol

from bridge.arriving import chunk_digest
from bridge.errors import Problem, TooLarge
from bridge.file_hashes import FileHashes
from bridge.messages import (
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
from bridge.partial_download import PartialDownload
from bridge.transfer_errors import ContentMismatch, DamagedChunk, FileChanged, NoSuchFile, TransferCancelled

CHUNK_BYTES = 1 << 20
"""What one chunk holds at most, where nobody says otherwise."""

Progress = Callable[[int, int], None]
"""Told of (bytes done, bytes in all)."""

_PATIENCE = 60.0
_ATTEMPTS = 4
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5
_UPLOAD_REPAIRS = frozenset({"chunk_gap", "damaged_chunk", "content_mismatch"})
_DOWNLOAD_REPAIRS = frozenset({"damaged_chunk", "content_mismatch", "file_changed"})


class CallOne(Protocol):
    """`bridge.client.Client.call`: the reply to one request; a Refusal that it raises has the service's own kind."""

    def __call__(self, request: Request, timeout: float = ..., /) -> Reply: ...


class CallMany(Protocol):
    """`bridge.client.Client.call_many`: the replies to many requests in order, several of them under way at once."""

    def __call__(self, requests: Iterable[Request], timeout: float = ..., /) -> Iterator[Reply]: ...


# The client's side ----------------------------------------------------------------------------------------------------


def upload(
    call: CallOne,
    path: str | os.PathLike,
    *,
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress | None = None,
    reading: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    call_many: CallMany | None = None,
    sleep: Callable[[float], None] = time.sleep,
    hashes: FileHashes | None = None,
) -> str:
    """Bring a file to the service unless it has it; its SHA-256, by which jobs name it (`messages.Upload`).

    What arrived in an earlier attempt is not sent again. First the file is read for its hash (`reading` is told how
    far; a given `hashes` remembers it for the next time), then sent (`progress`). Raises NoSuchFile, FileChanged (it is
    being written), TransferCancelled as soon as `cancelled()`, and what `call` raises.
    """
    path = Path(path)
    stop = _stopper(cancelled)
    sha256 = _hash_of(path, hashes or FileHashes(), reading, stop)
    size = path.stat().st_size
    begin = UploadBegin(sha256=sha256, bytes=size)
    state = _asked(call, begin, UploadState)
    pause, best, failures = _FIRST_PAUSE, state.have, 0
    while not state.complete:
        stop()
        try:
            if state.have >= size:
                # The service reads the whole file once more before it says that it has it.
                sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                state = _asked(call, begin, UploadState)
                continue
            chunks = _chunks_of(path, sha256, state.have, chunk_bytes, size)
            for reply in _called(call, call_many, chunks):
                state = _of_kind(reply, UploadState)
                _tell(progress, state.have, size)
                stop()
        except Problem as problem:
            if problem.kind not in _UPLOAD_REPAIRS:
                raise
            failures = 0 if state.have > best else failures + 1
            if failures >= _ATTEMPTS:
                raise
            best = max(best, state.have)
            _check_unchanged(path, sha256, size, problem, stop)
            state = _asked(call, begin, UploadState)
    _tell(progress, size, size)
    return sha256


def download(
    call: CallOne,
    job: str,
    path: str,
    dest: str | os.PathLike,
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
            _tell(progress, state.bytes, state.bytes)
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
        for reply in _called(call, call_many, wanted):
            chunk = _of_kind(reply, Chunk)
            if chunk_digest(chunk.data) != chunk.digest or chunk.offset != partial.have or not chunk.data:
                raise DamagedChunk("A chunk arrived damaged.", "Its digest or place is another one.", "Try again.")
            partial.append(chunk.data)
            _tell(progress, partial.have, partial.size)
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
        raise ContentMismatch("The service described the file with values that no file has.", remedy="Update it.")
    return state


def _chunks_of(path: Path, sha256: str, start: int, chunk_bytes: int, size: int) -> Iterator[UploadChunk]:
    try:
        with path.open("rb", buffering=0) as source:
            for offset in range(start, size, chunk_bytes):
                source.seek(offset)
                data = _read(source, min(chunk_bytes, size - offset))
                if not data:
                    raise _changed(path)
                yield UploadChunk(sha256=sha256, offset=offset, data=data, digest=chunk_digest(data))
    except OSError as error:
        raise _unreadable(path, error) from error


def _hash_of(path: Path, hashes: FileHashes, reading: Progress | None, stop: Callable[[], None]) -> str:
    def step(done: int, total: int) -> None:
        _tell(reading, done, total)
        stop()

    if not path.is_file():
        raise NoSuchFile(f"There is no file {path}.", remedy="Check the path, or relink the clip.")
    try:
        return hashes.compute(path, step)
    except OSError as error:
        raise _unreadable(path, error) from error


def _check_unchanged(path: Path, sha256: str, size: int, problem: Problem, stop: Callable[[], None]) -> None:
    """After the service found other content than announced: is it the file's own fault?"""
    if problem.kind == "content_mismatch" and (
        path.stat().st_size != size or _hash_of(path, FileHashes(), None, stop) != sha256
    ):
        raise _changed(path) from problem


def _called(call: CallOne, call_many: CallMany | None, requests: Iterable[Request]) -> Iterator[Reply]:
    if call_many is not None:
        return call_many(requests, _PATIENCE)
    return (call(request, _PATIENCE) for request in requests)


def _asked(call: CallOne, request: Request, kind: type) -> Reply:
    return _of_kind(call(request, _PATIENCE), kind)


def _of_kind(reply: Reply, kind: type) -> Reply:
    if not isinstance(reply, kind):
        raise Problem(f"The service answered with {type(reply).__name__}, not {kind.__name__}.", remedy="Update it.")
    return reply


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def _stopper(cancelled: Callable[[], bool] | None) -> Callable[[], None]:
    def stop() -> None:
        if cancelled is not None and cancelled():
            raise TransferCancelled("The transfer was stopped.", "", "Start it again: it goes on from where it was.")

    return stop


def _changed(path: Path) -> FileChanged:
    return FileChanged(f"{path} was changed while it was sent.", remedy="Try again when nobody writes it any more.")


def _unreadable(path: Path, error: OSError) -> NoSuchFile:
    return NoSuchFile(f"{path} cannot be read.", error.strerror or str(error), "Check its disk and permissions.")


# The service's side ---------------------------------------------------------------------------------------------------


def describe(path: str | os.PathLike, *, wait: float = 0.05) -> DownloadState:
    """Size and hash of a file that is offered; the hash is computed once, beside the caller, which `wait`s briefly.

    Not `ready` yet: the client asks again. Raises NoSuchFile, FileChanged. `path` was checked by the caller.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        sha256 = _OFFERED.ask(path, wait)
    except OSError as error:
        raise _gone(path, error) from error
    return DownloadState(sha256=sha256 or "", bytes=size, ready=sha256 is not None)


def serve_chunk(path: str | os.PathLike, wanted: DownloadChunk, *, most: int = 8 * CHUNK_BYTES) -> Chunk:
    """The bytes that a client wants of a file, at most `most`. `path` was checked by the caller.

    Raises FileChanged when the file is not, or no longer known to be, the one that was described (the client asks for a
    new description); TooLarge, NoSuchFile.
    """
    if not 0 < wanted.length <= most:
        raise TooLarge(f"A chunk of {wanted.length} bytes was asked for.", remedy=f"Ask for 1 to {most} bytes.")
    path = Path(path)
    try:
        with path.open("rb", buffering=0) as source:
            facts = os.fstat(source.fileno())
            if _OFFERED.known(facts) != wanted.sha256:
                raise FileChanged(f"{path.name} is not what was described.", remedy="Ask for its description again.")
            if not 0 <= wanted.offset < facts.st_size:
                raise TooLarge(f"{path.name} ends at {facts.st_size}, before {wanted.offset}.")
            source.seek(wanted.offset)
            data = _read(source, min(wanted.length, facts.st_size - wanted.offset))
    except OSError as error:
        raise _gone(path, error) from error
    return Chunk(offset=wanted.offset, data=data, digest=chunk_digest(data))


def _read(source: FileIO, length: int) -> bytes:
    """Exactly `length` bytes, fewer only at the file's end: one read may give less than was asked for."""
    data = source.read(length)
    while len(data) < length and (more := source.read(length - len(data))):
        data += more
    return data


def _gone(path: Path, error: OSError) -> NoSuchFile:
    return NoSuchFile(f"The file {path.name} cannot be read.", error.strerror or str(error), "Ask for the takes again.")


_OFFERED = FileHashes()
"""Hashes of files that this process offers: one for all, because it is about files, not about who asks."""
