"""What a worker has reported of one job, so that a job reports the same however often it is killed.

A worker can be killed after it stored a step and before it reported it, and its last reports can be lost with the
service. Here every event is written down, with its number, before it is sent: the next process sends what the ledger
has not recorded. Only the one event that was about to be written can be missing then, and which one follows from the
next that comes.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from msgspec.structs import replace

from backend.worker.event_dedup import SeenEvents
from contract.errors import OutOfDisk
from contract.events import (
    AnyJobEvent,
    JobDone,
    JobNotice,
    PreviewWritten,
    StageProgress,
    TakeDone,
    decode_event,
    encode_event,
)
from contract.states import WORKER_STAGES

AFTER_STEPS = ("retry", "object_lost")
"""Notices that come when all steps of an iteration were done."""

_LENGTH = struct.Struct(">I")
"""Before each entry; 0: an entry that the ledger has and a power cut took from the file."""


class JournalEntry(NamedTuple):
    """An encoded event with its number in the journal; 0: a repeat, which is not part of it."""

    number: int
    data: bytes


class EventJournal:
    """The events of one job in the file `path`; None keeps them in memory only.

    recorded: the number of the last entry that the ledger has
    known: the events that the ledger has of this attempt at the job
    A file that is shorter than the ledger, after a power cut, counts on behind `recorded`. Raises OutOfDisk.
    """

    def __init__(self, path: Path | None, recorded: int = 0, known: Iterable[AnyJobEvent] = ()) -> None:
        self._path = path
        self._seen = SeenEvents()
        self._newest: dict[int, StageProgress] = {}
        self._steady: set[int] = set()
        self._file: int | None = None
        self.is_over = False
        """Whether all work was done and only not recorded."""
        self.unrecorded: list[JournalEntry] = []
        """What an earlier process sent, or was about to send, and the ledger has not."""
        for event in known:
            self._note(event)
        entries = self._open(path) if path is not None else []
        for number, data in enumerate(entries[recorded:], start=recorded + 1):
            event = decode_event(data)
            self._note(event)
            self.unrecorded.append(JournalEntry(number, data))
            self.is_over = isinstance(event, JobDone)
        if self._file is not None:
            with self._explained():
                self._write(_LENGTH.pack(0) * (recorded - len(entries)))
        self._count = max(len(entries), recorded)

    def add(self, event: AnyJobEvent) -> list[JournalEntry]:
        """Write an event down; what is to be sent now, which may be more or less than the event. Raises OutOfDisk."""
        if self._seen.is_repeat(event):
            return [JournalEntry(0, encode_event(event))]
        if self._is_about_the_kill(event):
            return []
        if isinstance(event, TakeDone) and event.take in self._newest:
            # Found finished by this process, but made by this job.
            event = replace(event, made=True)
        return [self._enter(each) for each in (*self._lost_before(event), event)]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # The event that was lost ------------------------------------------------------------------------------------------

    def _is_about_the_kill(self, event: AnyJobEvent) -> bool:
        """Whether an event would not have come if no process had been killed; a job's `attempt` says that one was."""
        if not isinstance(event, JobNotice) or event.take not in self._newest or event.take in self._steady:
            return False
        inverted = self._newest[event.take].stage not in ("segmenting", "encoding")
        return event.kind == "resumed" or (event.kind == "reused" and inverted)

    def _lost_before(self, event: AnyJobEvent) -> Iterator[StageProgress]:
        """The steps that were stored and not written down, when this is the first new event of its take."""
        take = getattr(event, "take", 0)
        newest = self._newest.get(take)
        if newest is None or take in self._steady:
            return
        if isinstance(event, StageProgress) and event.stage in WORKER_STAGES:
            self._steady.add(take)
            yield from _between(newest, event)
        elif isinstance(event, PreviewWritten) or (isinstance(event, JobNotice) and event.kind in AFTER_STEPS):
            yield from _steps(newest, newest.step + 1, newest.steps + 1)
            if isinstance(event, PreviewWritten) and newest.iteration < event.iteration:
                yield _only_step(newest, event.iteration, event.iterations)

    # The file ---------------------------------------------------------------------------------------------------------

    def _enter(self, event: AnyJobEvent) -> JournalEntry:
        self._note(event)
        if isinstance(event, StageProgress):
            self._steady.add(event.take)
        data = encode_event(event)
        if self._file is not None:
            with self._explained():
                # To the system, not to the disk: the states that are synced are what must outlive a power cut.
                self._write(_LENGTH.pack(len(data)) + data)
        self._count += 1
        return JournalEntry(self._count, data)

    def _note(self, event: AnyJobEvent) -> None:
        self._seen.add(event)
        if isinstance(event, StageProgress) and event.stage in WORKER_STAGES:
            self._newest[event.take] = event
        elif isinstance(event, JobNotice) and event.kind == "retry" and event.take in self._newest:
            self._newest[event.take] = replace(self._newest[event.take], step=0)

    def _open(self, path: Path) -> list[bytes]:
        """The entries of the file, which is made when it is not there."""
        with self._explained():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            data = b""
            while part := os.read(self._file, 1 << 20):
                data += part
            entries, whole = _split(data)
            # What was being written when its process was killed.
            os.ftruncate(self._file, whole)
            os.lseek(self._file, whole, os.SEEK_SET)
        return entries

    def _write(self, data: bytes) -> None:
        assert self._file is not None
        while data:
            data = data[os.write(self._file, data) :]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors of the system as OutOfDisk."""
        try:
            yield
        except OSError as error:
            raise OutOfDisk(
                f"{self._path} could not be written.",
                f"{error.strerror or error}; a few kilobytes are needed.",
                "Free some space there, then retry the job: it continues from the last finished step.",
            ) from error


def _split(data: bytes) -> tuple[list[bytes], int]:
    """The whole entries of a file, and how many bytes they take."""
    entries, place = [], 0
    while place + _LENGTH.size <= len(data):
        start = place + _LENGTH.size
        end = start + _LENGTH.unpack_from(data, place)[0]
        if end > len(data):
            break
        entries.append(data[start:end])
        place = end
    return entries, place


def _between(newest: StageProgress, event: StageProgress) -> Iterator[StageProgress]:
    """The steps from the newest one reported to one that was done later in the same take."""
    if (newest.stage, newest.iteration) == (event.stage, event.iteration):
        yield from _steps(newest, newest.step + 1, event.step)
    elif newest.step < newest.steps:
        yield from _steps(newest, newest.step + 1, newest.steps + 1)
    elif event.step > 1:
        yield from _steps(event, event.step - 1, event.step)
    elif newest.stage == "refining":
        # Of an iteration that is missing as a whole only one step was lost: it had no more.
        end = event.iteration if event.stage == "refining" else newest.iterations + 1
        for iteration in range(newest.iteration + 1, end):
            yield _only_step(newest, iteration, newest.iterations)


def _only_step(newest: StageProgress, iteration: int, iterations: int) -> StageProgress:
    """The step of an iteration that has one."""
    return StageProgress(
        take=newest.take, stage="refining", step=1, steps=1, iteration=iteration, iterations=iterations
    )


def _steps(like: StageProgress, first: int, end: int) -> Iterator[StageProgress]:
    for step in range(first, end):
        yield replace(like, step=step, seconds_left=None)
