"""The bytes of shots and takes between this machine and a service's: what threads do, without any widget or model."""

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
from plugin.panel.models.transfers.transfers import Way

Connect = Callable[[], Client]
"""Opens a connection for files, which whoever opened it closes. Raises Problem."""


def bundle_bytes(bundle: ShotBundle) -> int:
    """How much a shot is to send; files that cannot be seen count nothing and are told when they are sent."""
    total = len(bundle.timeline)
    for _, path in bundle.files:
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def send(connect: Connect, bundle: ShotBundle, hashes: FileHashes, way: Way) -> tuple[InputFile, ...]:
    """Bring a shot to the service, as far as it has not got it. Raises TransferCancelled and what `upload` raises."""
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
                reading=_after(before, way.read),
                progress=_after(before, way.moved),
                cancelled=way.is_stopped,
            )
            size = path.stat().st_size
            sent.append(InputFile(path=name, sha256=digest, bytes=size))
            before += size
        return tuple(sent)


def send_mask(connect: Connect, png: bytes) -> tuple[InputFile, ...]:
    """Bring a painted mask to the backend. Raises what `upload` raises."""
    with tempfile.TemporaryDirectory() as place, contextlib.closing(connect()) as client:
        path = Path(place) / MASK_FILE
        path.write_bytes(png)
        chunk = client.welcome.limits.chunk_bytes
        digest = transfer.upload(client.call, path, chunk_bytes=chunk, call_many=client.call_many)
    return (InputFile(path=MASK_FILE, sha256=digest, bytes=len(png)),)


def fetch_picture(connect: Connect, job: Job, path: str, folder: Path) -> str:
    """A small picture of a job's folder, "" when the service has it no more."""
    name = below(job, path)
    target = folder / name
    with contextlib.closing(connect()) as client, contextlib.suppress(Refusal):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        transfer.download(client.call, job.id, name, target, call_many=client.call_many)
        return str(target)
    return ""


def fetch_take(connect: Connect, job: Job, entry: TakeEntry, folder: Path, way: Way) -> TakeEntry:
    """All files of a take; its record comes last, so that a folder with one is whole."""
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
                progress=_after(before, way.moved),
                cancelled=way.is_stopped,
            )
            before += each.bytes
    write_take(folder, entry.take)
    return at(entry, folder)


def is_here(folder: Path, entry: TakeEntry) -> bool:
    """Whether a take was fetched before, whole."""
    return (folder / TAKE_FILE).is_file() and read_take(folder).id == entry.take.id


def keep_record(entry: TakeEntry) -> None:
    """Write what was said about a fetched take into its take.json, if that says another thing. Raises OutOfDisk."""
    folder = Path(entry.folder)
    if (folder / TAKE_FILE).is_file() and read_take(folder) != entry.take:
        write_take(folder, entry.take)


def at(entry: TakeEntry, folder: Path) -> TakeEntry:
    """The same take in a folder here."""
    return TakeEntry(job=entry.job, number=entry.number, folder=str(folder), take=entry.take)


def below(job: Job, path: str) -> str:
    """A path there, counted from the job's folder there. Raises ProtocolError when it is not in it."""
    kind = PurePosixPath if job.output.startswith("/") else PureWindowsPath
    try:
        name = kind(path).relative_to(kind(job.output)).as_posix()
        checked_parts(name)
    except (ValueError, Problem) as error:
        raise ProtocolError(f"The service named {path}, which is not in the job's folder.") from error
    return name


def _after(before: int, report: Callable[[int], None]) -> Callable[[int, int], None]:
    """A file's progress as that of all files, of which `before` bytes come before it."""
    return lambda done, total: report(before + done)
