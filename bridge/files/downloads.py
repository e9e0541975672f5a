"""The service's side of downloads: a file's description, and its chunks."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.files.chunks import chunk_digest, read_exactly
from bridge.files.errors import FileChanged, NoSuchFile
from bridge.files.file_hashes import FileHashes
from bridge.wire.messages import Chunk, DownloadChunk, DownloadState
from contract.errors import TooLarge

LARGEST_CHUNK = 8 << 20
"""Bytes of one chunk that are never exceeded, whatever a client asks for."""


def describe(path: str | os.PathLike[str], *, wait: float = 0.05) -> DownloadState:
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


def serve_chunk(path: str | os.PathLike[str], wanted: DownloadChunk, *, most: int = LARGEST_CHUNK) -> Chunk:
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
            data = read_exactly(source, min(wanted.length, facts.st_size - wanted.offset))
    except OSError as error:
        raise _gone(path, error) from error
    return Chunk(offset=wanted.offset, data=data, digest=chunk_digest(data))


def _gone(path: Path, error: OSError) -> NoSuchFile:
    return NoSuchFile(f"The file {path.name} cannot be read.", error.strerror or str(error), "Ask for the takes again.")


_OFFERED = FileHashes()
"""Hashes of files that this process offers: one for all, because it is about files, not about who asks."""
