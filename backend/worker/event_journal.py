"""What a worker has told of one job, kept beside the ledger, so that a job tells the same however often it is killed.

A worker can be killed after it stored a step and before it said so, and what it said last can be lost with the service.
Here every event is written down before it is told: the next process tells what the ledger has not heard. Only the one
event that was about to be written can be missing then, and which one follows from the next that comes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from msgspec.structs import replace

from backend.ledger.event_dedup import SeenEvents
from contract.errors import OutOfDisk
from contract.events import AnyJobEvent, JobDone, JobNotice, PreviewWritten, StageProgress, TakeDone
from contract.states import WORKER_STAGES

AFTER_STEPS = ("retry", "object_lost")
"""Notices that come when all steps of an iteration were done."""

Counted = tuple[int, AnyJobEvent]
"""An event with its number in the tale; 0: it is not part of it."""


class EventJournal:
    """The events of one job in the file `path`, a line each; None keeps nothing and numbers nothing.

    `heard` is the number of the last one that the ledger has. A file that is shorter, after a power cut, counts on
    from there. Raises OutOfDisk.
    """

    def __init__(self, path: Path | None, heard: int = 0) -> None:
        self._path = path
        self._told = SeenEvents()
        self._newest: dict[int, StageProgress] = {}
        self._steady: set[int] = set()
        self._file: int | None = None
        self._count = 0
        self.unheard: list[Counted] = []
        """What an earlier process told, or was about to tell, and the ledger has not heard."""
        if path is None:
            return
        with self._explained():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            lines = self._whole_lines()
            self._write(b"null\n" * (heard - len(lines)))
        for number, line in enumerate(lines, start=1):
            event = msgspec.json.decode(line, type=AnyJobEvent | None)
            if event is not None:
                self._note(event)
                if number > heard:
                    self.unheard.append((number, event))
        self._count = max(len(lines), heard)

    @property
    def is_over(self) -> bool:
        """Whether all was done and only not heard."""
        return bool(self.unheard) and isinstance(self.unheard[-1][1], JobDone)

    def add(self, event: AnyJobEvent) -> list[Counted]:
        """Write an event down; what is to be told now, which may be more or less than the event. Raises OutOfDisk."""
        if self._told.is_repeat(event):
            return [(0, event)]
        if self._is_about_the_kill(event):
            return []
        if isinstance(event, TakeDone) and event.take in self._newest:
            # Found finished by this process, but made by this job.
            event = replace(event, made=True)
        return [(self._enter(each), each) for each in (*self._lost_before(event), event)]

    def close(self) -> None:
        """Let go of the file."""
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

    def _enter(self, event: AnyJobEvent) -> int:
        self._note(event)
        if isinstance(event, StageProgress):
            self._steady.add(event.take)
        if self._file is None:
            return 0
        with self._explained():
            # To the system, not to the disk: the states that are synced are what must outlive a power cut.
            self._write(msgspec.json.encode(event) + b"\n")
        self._count += 1
        return self._count

    def _note(self, event: AnyJobEvent) -> None:
        self._told.add(event)
        if isinstance(event, StageProgress) and event.stage in WORKER_STAGES:
            self._newest[event.take] = event
        elif isinstance(event, JobNotice) and event.kind == "retry" and event.take in self._newest:
            self._newest[event.take] = replace(self._newest[event.take], step=0)

    def _whole_lines(self) -> list[bytes]:
        """Everything but a line that was being written when its process was killed, which is cut off."""
        data = b""
        while part := os.read(self._file, 1 << 20):
            data += part
        whole = data.rfind(b"\n") + 1
        os.ftruncate(self._file, whole)
        os.lseek(self._file, whole, os.SEEK_SET)
        return data[:whole].splitlines()

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file, data) :]

    def _explained(self) -> _Explained:
        return _Explained(self._path)


class _Explained:
    """Errors of the system as OutOfDisk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):
            raise OutOfDisk(
                f"{self._path} could not be written.",
                f"{error.strerror or error}; a few kilobytes are needed.",
                "Free some space there, then retry the job: it goes on from the last finished step.",
            ) from error


def _between(newest: StageProgress, event: StageProgress) -> Iterator[StageProgress]:
    """The steps from the newest one told to one that was done later in the same take."""
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
