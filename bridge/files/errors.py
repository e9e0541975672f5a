"""What can go wrong while a file travels, each as its own type; `kind` is what crosses the wire."""

from __future__ import annotations

from contract.errors import BAD_INPUT, Cancelled, OutOfDisk, Problem


class BadTransfer(Problem):
    """A transfer was announced or asked for with values that no file can have."""

    kind = "bad_transfer"


class BadName(Problem):
    """A file's name would lead out of its folder, or cannot exist on every system."""

    kind = "bad_name"


class DamagedChunk(Problem):
    """A chunk's bytes are not those of its digest."""

    kind = "damaged_chunk"


class ChunkGap(Problem):
    """A chunk begins behind the end of what has arrived: bytes between them are missing."""

    kind = "chunk_gap"


class ContentMismatch(Problem):
    """All bytes arrived, but they are not the file that was announced."""

    kind = "content_mismatch"


class FileChanged(Problem):
    """The file is another one than when its transfer began."""

    kind = "file_changed"


class TooManyTransfers(Problem):
    """The client has as many uploads under way as the service allows."""

    kind = "too_many_transfers"


class StoreFull(OutOfDisk):
    """What is kept of uploads is at its limit, and all of it is in use."""

    kind = "store_full"


class NotUploaded(Problem):
    """A job names a file that did not come over the bridge, or is not there any more."""

    kind, exit_code = "not_uploaded", BAD_INPUT


class NoSuchFile(Problem):
    """There is no such file to download."""

    kind = "no_such_file"


class TransferCancelled(Cancelled):
    """The transfer was stopped; what has arrived stays, and the next one continues from there."""


def out_of_disk(path: object, needed: int, error: OSError | None = None) -> OutOfDisk:
    """The error for a file that could not be written, `needed` being the bytes that it still lacks."""
    why = f"{needed:,} more bytes are needed there."
    if error is not None:
        why = f"{error.strerror or error}. {why}"
    return OutOfDisk(f"{path} could not be written.", why, "Free some space, then try again: it continues from there.")
