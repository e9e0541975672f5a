"""What becomes here of the events of a job on another machine: its files are fetched, its paths become ours."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import msgspec

from bridge.editorial.placement import TakeStack, placed_take
from bridge.editorial.result_files import write_with_takes
from bridge.files import transfer
from bridge.files.relative_paths import checked_parts
from bridge.local.job_folder import Batch, JobFolder, Record
from contract.errors import Problem, ProtocolError, Refusal
from contract.events import (
    JobDone,
    JobEvent,
    JobFailed,
    JobStarted,
    MasksFound,
    PlanReady,
    PreviewWritten,
    TakeDone,
)
from contract.take import TAKE_FILE, Take, read_take, write_take
from plugin.cli.backend_link import BackendLink
from plugin.cli.remote.remote_batches import finished_take, number_here
from plugin.cli.remote.transfer_progress import Moved, TransferProgress


class RemoteResults:
    """Fetches each take when it is done, and writes the timeline when all are."""

    def __init__(
        self,
        link: BackendLink,
        folder: JobFolder,
        record: Record,
        batch: Batch,
        source: Any,
        progress: TransferProgress,
    ) -> None:
        """`source` is the clip as `backend.jobs.sources.open_source` found it here."""
        self._link, self._folder, self._record, self._batch = link, folder, record, batch
        self._source, self._progress = source, progress
        self._there = ""

    def translated(self, event: JobEvent) -> JobEvent | None:
        """The event with this machine's paths; None for what means nothing here. Raises Problems of the transfer."""
        replace = msgspec.structs.replace
        if isinstance(event, JobStarted):
            self._there = event.output
            numbers = [self._here(number) for number in event.takes]
            return replace(
                event,
                output=str(self._folder.path),
                source=str(Path(self._source.path).absolute()),
                media=self._source.info.path,
                takes=numbers,
            )
        if isinstance(event, PlanReady):
            return self._plan(event)
        if isinstance(event, MasksFound):
            masks = [replace(mask, path=self._picture(mask.path)) for mask in event.masks]
            return replace(event, masks=masks)
        if isinstance(event, PreviewWritten):
            path = self._picture(event.path)
            return None if path is None else replace(event, take=self._here(event.take), path=path)
        if isinstance(event, TakeDone):
            return self._take(event)
        if isinstance(event, JobDone):
            if event.timeline is None:
                return replace(event, output=str(self._folder.path))
            numbers = [self._here(number) for number in event.takes]
            self._write_timeline(numbers[0])
            return JobDone(output=str(self._folder.path), takes=numbers, timeline=str(self._folder.timeline))
        if isinstance(event, JobFailed) and event.log:
            return replace(event, log=f"{event.log} on the backend's machine ({self._link.remote})")
        take: int = getattr(event, "take", 0)
        if take:
            return replace(event, take=self._here(take))
        return event

    def _here(self, number: int) -> int:
        return number_here(self._folder, self._record, self._batch, number)

    def _plan(self, event: PlanReady) -> PlanReady:
        name = self._relative(event.path)
        target = self._folder.path / name
        kept = target.exists()
        if not kept:
            self._fetch(name, target)
        # A plan that lies in the folder was sent along, so that the backend takes it for one that was given.
        return msgspec.structs.replace(event, path=str(target), origin="kept" if kept else event.origin)

    def _picture(self, path: str | None) -> str | None:
        """A picture that may be replaced or taken away at any moment; None when it is."""
        if path is None:
            return None
        name = self._relative(path)
        target = self._folder.path / name
        with contextlib.suppress(Refusal):
            target.unlink(missing_ok=True)
            self._fetch(name, target)
            return str(target)
        return None

    def _take(self, event: TakeDone) -> TakeDone:
        number = self._here(event.take)
        folder = self._folder.take(number)
        here = finished_take(self._folder, number) is not None
        made = event.made and not here
        if not here:
            self._fetch_take(self._relative(event.folder), folder, number)
        return msgspec.structs.replace(event, take=number, folder=str(folder), made=made)

    def _fetch_take(self, name: str, folder: Path, number: int) -> None:
        """All files of a take; its record comes to stand in the folder last."""
        arriving = self._folder.state / f"arriving-{number:02d}"
        (arriving / TAKE_FILE).unlink(missing_ok=True)
        self._fetch(f"{name}/{TAKE_FILE}", arriving / TAKE_FILE)
        take = read_take(arriving)
        with self._progress.of("downloading", sum(each.bytes for each in take.media), number) as moved:
            for each in take.media:
                checked_parts(each.path)
                self._fetch(f"{name}/{each.path}", folder / each.path, moved)
        write_take(folder, _renamed(take, number))
        (arriving / TAKE_FILE).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            arriving.rmdir()

    def _fetch(self, name: str, target: Path, moved: Moved | None = None) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        client = self._link.client
        transfer.download(
            client.call,
            self._batch.id or "",
            name,
            target,
            chunk_bytes=self._link.welcome.limits.chunk_bytes,
            progress=moved.file() if moved else None,
            call_many=client.call_many,
        )

    def _relative(self, path: str) -> str:
        """A path there, counted from the job's folder there. Raises ProtocolError when it is not in it."""
        kind = PurePosixPath if self._there.startswith("/") else PureWindowsPath
        try:
            name = kind(path).relative_to(kind(self._there)).as_posix()
            checked_parts(name)
        except (ValueError, Problem) as error:
            raise ProtocolError(f"The backend named {path}, which is not in the job's folder.") from error
        return name

    def _write_timeline(self, first: int) -> None:
        """All takes of the folder in one stack; this order's first one is the active one."""
        shot, opened = self._source.shot, self._source.opened
        numbers = sorted({here for batch in self._record.batches for here in batch.numbers.values()})
        finished = [(number, take) for number in numbers if (take := finished_take(self._folder, number)) is not None]
        start = self._source.info.start_timecode
        takes = [placed_take(self._folder.take(number), take, shot, start) for number, take in finished]
        active = [number for number, _ in finished].index(first)
        label = finished[active][1].plan.target_object
        write_with_takes(opened, [TakeStack(shot, tuple(takes), active, label)], self._folder.timeline)


def _renamed(take: Take, number: int) -> Take:
    """The take under the name of its number here: two of one name would look the same in a stack."""
    return msgspec.structs.replace(take, name=f"take {number:02d}")
