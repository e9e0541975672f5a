"""Uploads shots and downloads takes, for background threads; no widget or model is used here."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from bridge.editorial.shot_bundle import TIMELINE, ShotBundle
from bridge.files import transfer
from bridge.files.file_hashes import FileHashes
from bridge.files.relative_paths import checked_parts
from bridge.wire.client import Client
from bridge.wire.messages import Job, TakeEntry
from contract.errors import Problem, ProtocolError, Refusal
from contract.job import MASK_FILE, InputFile
from contract.take import TAKE_FILE, read_take, write_take
from plugin.panel.models.transfers.transfers import TransferControl

Connect = Callable[[], Client]
"""Opens a connection for file transfers, which the caller closes. Raises Problem."""


def bundle_bytes(bundle: ShotBundle) -> int:
    """The size of an upload; unreadable files count as 0 and fail when they are sent."""
    total = len(bundle.timeline)
    for _, path in bundle.files:
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def send(connect: Connect, bundle: ShotBundle, hashes: FileHashes, control: TransferControl) -> tuple[InputFile, ...]:
    """Upload the files of a shot that the backend does not have. Raises TransferCancelled and what `upload` raises."""
    with tempfile.TemporaryDirectory() as place, contextlib.closing(connect()) as client:
        timeline = Path(place) / TIMELINE
        timeline.write_bytes(bundle.timeline)
        chunk = client.welcome.limits.chunk_bytes
        sent, before = [], 0
        for name, path in ((TIMELINE, timeline), *bundle.files):
            digest = transfer.upload(
                client.call,
                path,
                chunk_bytes=chunk,
                call_many=client.call_many,
                hashes=hashes,
                reading=_after(before, control.read),
                progress=_after(before, control.moved),
                cancelled=control.is_stopped,
            )
            size = path.stat().st_size
            sent.append(InputFile(path=name, sha256=digest, bytes=size))
            before += size
        return tuple(sent)


def send_mask(connect: Connect, png: bytes) -> tuple[InputFile, ...]:
    """Upload a painted mask. Raises what `upload` raises."""
    with tempfile.TemporaryDirectory() as place, contextlib.closing(connect()) as client:
        path = Path(place) / MASK_FILE
        path.write_bytes(png)
        chunk = client.welcome.limits.chunk_bytes
        digest = transfer.upload(client.call, path, chunk_bytes=chunk, call_many=client.call_many)
    return (InputFile(path=MASK_FILE, sha256=digest, bytes=len(png)),)


def fetch_picture(connect: Connect, job: Job, path: str, folder: Path) -> str:
    """Download a picture from a job's folder; returns its path, "" when the backend no longer has it."""
    name = below(job, path)
    target = folder / name
    with contextlib.closing(connect()) as client, contextlib.suppress(Refusal):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        transfer.download(client.call, job.id, name, target, call_many=client.call_many)
        return str(target)
    return ""


def fetch_take(connect: Connect, job: Job, entry: TakeEntry, folder: Path, control: TransferControl) -> TakeEntry:
    """Download all files of a take; its record is written last, so that a folder with a record is complete."""
    name, before = below(job, entry.folder), 0
    with contextlib.closing(connect()) as client:
        for each in entry.take.media:
            checked_parts(each.path)
            target = folder / each.path
            target.parent.mkdir(parents=True, exist_ok=True)
            transfer.download(
                client.call,
                job.id,
                f"{name}/{each.path}",
                target,
                chunk_bytes=client.welcome.limits.chunk_bytes,
                call_many=client.call_many,
                progress=_after(before, control.moved),
                cancelled=control.is_stopped,
            )
            before += each.bytes
    write_take(folder, entry.take)
    return at(entry, folder)


def is_here(folder: Path, entry: TakeEntry) -> bool:
    """Whether a take was downloaded completely."""
    return (folder / TAKE_FILE).is_file() and read_take(folder).id == entry.take.id


def keep_record(entry: TakeEntry) -> None:
    """Update the take.json of a downloaded take where it differs from the record. Raises OutOfDisk."""
    folder = Path(entry.folder)
    if (folder / TAKE_FILE).is_file() and read_take(folder) != entry.take:
        write_take(folder, entry.take)


def at(entry: TakeEntry, folder: Path) -> TakeEntry:
    """The same take in a folder on this machine."""
    return TakeEntry(job=entry.job, number=entry.number, folder=str(folder), take=entry.take)


def below(job: Job, path: str) -> str:
    """A path on the backend relative to the job's folder there. Raises ProtocolError when it is outside."""
    kind = PurePosixPath if job.output.startswith("/") else PureWindowsPath
    try:
        name = kind(path).relative_to(kind(job.output)).as_posix()
        checked_parts(name)
    except (ValueError, Problem) as error:
        raise ProtocolError(f"The backend named {path}, which is not in the job's folder.") from error
    return name


def _after(before: int, report: Callable[[int], None]) -> Callable[[int, int], None]:
    """Reports a file's progress as that of all files, with `before` bytes in the files before it."""
    return lambda done, total: report(before + done)
