"""The ledger: all jobs, their events and takes, in one file with one writer. Every answer is on the disk first."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, Unpack, cast

import msgspec

from backend.ledger.database import Database
from backend.ledger.errors import QueueFull
from backend.ledger.events import EventLog
from backend.ledger.jobs import JobTable
from backend.ledger.queue import Queue
from backend.ledger.rows import CANCELLED, PAUSED, JobRow, JobUpdate, StoredEvent, encoded, job_seen_by
from backend.ledger.schema import TABLES, VERSION
from backend.ledger.states import IllegalMove, state_after
from backend.ledger.takes import TakeIndex
from bridge.wire.messages import Failure, Job, TakeEntry
from contract.events import AnyJobEvent, JobFailed, PlanReady, TakeDone
from contract.job import Footprint, JobSpec
from contract.plan import Plan
from contract.states import ENDED, RUNNING, CancelOutcome, JobState
from contract.take import Note, Status, Take, read_take


@dataclass(frozen=True)
class Recorded:
    """What became of a reported event: as it was stored, None if it was not, and whether the job's state is another."""

    event: StoredEvent | None = None
    moved: bool = False


class Ledger:
    """The jobs in the file at `path`, which is made with its folder when it is not there. For one thread.

    Raises LedgerInUse, LedgerDamaged, LedgerTooNew. Every method that writes may raise OutOfDisk, after which the
    ledger is as it was before the call; all that name a job raise NoSuchJob.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time, queue_limit: int = 1000) -> None:
        self._database = Database(Path(path), TABLES, VERSION)
        self._clock, self._queue_limit = clock, queue_limit
        self._events, self._takes = EventLog(self._database), TakeIndex(self._database)
        self._queue = Queue(self._database)
        self._jobs = JobTable(self._database, self._queue, self._events, self._takes)

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # Jobs -------------------------------------------------------------------------------------------------------------

    def submit(self, client: str, token: str, spec: JobSpec, **facts: Unpack[JobUpdate]) -> tuple[JobRow, bool]:
        """Queue a job behind the client's others; the same token names the same job and False. Raises QueueFull."""
        with self._changing():
            known = self._jobs.id_of(client, token)
            if known is None:
                if self._queue.length(client) >= self._queue_limit:
                    raise QueueFull(self._queue_limit)
                job = self._jobs.add(client, token, spec, self._clock(), facts)
        return self.job(known or job), known is None

    def with_token(self, client: str, token: str) -> JobRow | None:
        """The job that a client submitted with this token, or None."""
        known = self._jobs.id_of(client, token)
        return None if known is None else self.job(known)

    def find(self, job: str) -> JobRow | None:
        """The job, or None."""
        return self._jobs.find(job)

    def job(self, job: str) -> JobRow:
        """The job. Raises NoSuchJob."""
        return self._jobs.job(job)

    def jobs(self, client: str | None = None, states: Sequence[JobState] = (), limit: int = 200) -> tuple[JobRow, ...]:
        """The newest jobs of a client, or of all, first; only those in one of `states` when any are given."""
        return self._jobs.newest(client, states, limit)

    def counts(self) -> Counter[JobState]:
        """How many jobs are in each state."""
        return self._jobs.counts()

    def to_job(self, row: JobRow, viewer: str) -> Job:
        """The job as the client `viewer` sees it."""
        return job_seen_by(row, viewer)

    # Moves ------------------------------------------------------------------------------------------------------------

    def move(self, job: str, state: JobState, **facts: Unpack[JobUpdate]) -> JobRow:
        """Put the job into a state, and note facts with it; staying in a state is allowed. Raises IllegalMove.

        Into failed and cancelled lead `fail` and `cancel`, back into the queue `interrupt`, `retry` and `approve`.
        """
        with self._changing():
            self._move(self.job(job), state, **facts)
        return self.job(job)

    def approve(self, job: str, plan: Plan | None = None) -> JobRow:
        """Continue a job that awaits approval, before the client's others; None keeps its plan. Raises IllegalMove."""
        with self._changing():
            row = self.job(job)
            if row.state != "awaiting_approval":
                raise IllegalMove(job, row.state, "approved")
            self._move(row, "queued", plan=row.plan if plan is None else plan)
            spec = msgspec.structs.replace(row.spec, after_plan="generate")
            self._database.change("UPDATE jobs SET spec = ? WHERE id = ?", encoded(spec), job)
            self._queue.put_first(job, row.client)
        return self.job(job)

    def retry(self, job: str, footprint: Footprint | None = None) -> JobRow:
        """Queue a failed, cancelled or paused job again, before the client's others. Raises IllegalMove.

        A paused job continues in the same attempt; any other begins a new one.
        """
        with self._changing():
            row = self.job(job)
            if row.state not in ("failed", "cancelled", "paused"):
                raise IllegalMove(job, row.state, "queued again")
            self._move(row, "queued", footprint=footprint or row.footprint)
            if row.state != "paused":
                self._database.change(
                    "UPDATE jobs SET failure = NULL, attempt = attempt + 1, deaths = 0, interrupted = 0,"
                    " recorded = 0, journal = journal + 1 WHERE id = ?",
                    job,
                )
            self._queue.put_first(job, row.client)
        return self.job(job)

    def pause_job(self, job: str) -> StoredEvent | None:
        """Take a waiting or running job out of the queue until `retry`; with the event that says so.

        None when it is paused already. Raises IllegalMove.
        """
        with self._changing():
            row = self.job(job)
            if row.state == "paused":
                return None
            stored = self._append(row, PAUSED, "paused", device=None)
            self._database.change("UPDATE jobs SET interrupted = 0 WHERE id = ?", job)
        return stored

    def interrupt(self, job: str, *, died: bool = False) -> JobRow:
        """Put a running job back into the queue, before all others; `died`: its worker did. Raises IllegalMove."""
        with self._changing():
            row = self.job(job)
            if row.state not in RUNNING:
                raise IllegalMove(job, row.state, "interrupted")
            self._move(row, "queued", device=None)
            more = "attempt = attempt + 1, deaths = deaths + 1, " if died else ""
            self._database.change(f"UPDATE jobs SET {more}interrupted = 1 WHERE id = ?", job)
        return self.job(job)

    def recover(self) -> tuple[JobRow, ...]:
        """Put jobs back into the queue, before all others, that were running when the service ended; which they are."""
        with self._changing():
            running = self.jobs(states=RUNNING, limit=-1)
            for row in running:
                self._move(row, "queued", device=None)
                self._database.change("UPDATE jobs SET interrupted = 1 WHERE id = ?", row.id)
                self._events.remember(row.id)
        return tuple(self.job(row.id) for row in reversed(running))

    def fail(self, job: str, failure: Failure, *, log: str | None = None) -> StoredEvent:
        """The job has failed: its state, its failure and the event that says so, in one. Raises IllegalMove."""
        with self._changing():
            stored = self._append(self.job(job), JobFailed.of(failure, log=log), "failed", device=None)
            self._database.change("UPDATE jobs SET failure = ? WHERE id = ?", encoded(failure), job)
        self._events.forget(job)
        return stored

    def cancel(self, job: str) -> tuple[CancelOutcome, StoredEvent | None]:
        """End a job that has not ended; with the event that says so (kind "cancelled"), None if it had ended."""
        row = self.find(job)
        if row is None:
            return "not_found", None
        if row.state in ENDED:
            return ("cancelled" if row.state == "cancelled" else "already_done"), None
        with self._changing():
            stored = self._append(row, CANCELLED, "cancelled", device=None)
        self._events.forget(job)
        return "cancelled", stored

    # Events -----------------------------------------------------------------------------------------------------------

    def record(self, job: str, event: AnyJobEvent, number: int | None = None, data: bytes | None = None) -> Recorded:
        """Store what a worker reports: event, state, and the index of takes, in one transaction.

        number: the event's place in the worker's journal, 0 for what a resumed job repeats; None: the next one
        data: the encoded event, where it is at hand
        Nothing is stored when the event is not new, or the job is not running (any more); a repeat still moves the job.
        How a failed job ended is not recorded here but with `fail`. Raises BadTake when a take cannot be read.
        """
        row = self.job(job)
        if row.state not in RUNNING:
            return Recorded()
        number = row.recorded + 1 if number is None else number
        state = state_after(event, row.state)
        if number > row.recorded:
            with self._changing():
                stored = self._append(row, event, state, data=data, recorded=number)
                if isinstance(event, TakeDone):
                    self._takes.put(job, event.take, event.folder, read_take(event.folder))
            self._stored(job, event, state)
            return Recorded(stored, moved=state != row.state)
        if state != row.state:
            self.move(job, state)
        return Recorded(moved=state != row.state)

    def append(self, job: str, event: AnyJobEvent, state: JobState | None = None) -> StoredEvent:
        """Store an event of the service itself and, with `state`, move the job, in one transaction; see also `record`.

        Raises IllegalMove for a job that has ended: the event that says so is its last one, until it is retried.
        """
        with self._changing():
            row = self.job(job)
            stored = self._append(row, event, state or row.state)
        self._stored(job, event, state or row.state)
        return stored

    def events(self, job: str, first: int = 1, limit: int | None = 1000) -> tuple[StoredEvent, ...]:
        """Events from number `first` on, at most `limit`; none for a job that is not known."""
        return self._events.read(job, first, limit)

    def events_of_this_attempt(self, job: str) -> tuple[StoredEvent, ...]:
        """What came since the job was submitted or last ended."""
        return self._events.of_this_attempt(job)

    def plan_of(self, row: JobRow) -> Plan | None:
        """The job's plan: the approved one, else the newest that it reported."""
        if row.plan is not None:
            return row.plan
        newest = self._events.newest(row.id, PlanReady)
        return None if newest is None else cast(PlanReady, newest.event).plan

    # Takes ------------------------------------------------------------------------------------------------------------

    def takes(self, client: str | None = None, job: str | None = None) -> tuple[TakeEntry, ...]:
        """Finished takes of a client and of a job, or of all; the oldest job's first."""
        return self._takes.read(client, job)

    def take(self, job: str, number: int) -> TakeEntry:
        """One finished take. Raises NoSuchTake."""
        return self._takes.find(job, number)

    def measured(self, model: str, limit: int = 20) -> tuple[Take, ...]:
        """The newest takes made with a model, newest first: their seconds and forwards are what estimates come from."""
        return self._takes.made_with(model, limit)

    def set_take(
        self, job: str, number: int, status: Status | None = None, notes: Sequence[Note] | None = None
    ) -> TakeEntry:
        """Change the review of a take: first in its take.json, then here. Raises NoSuchTake, BadTake."""
        return self._takes.review(job, number, status, notes)

    # The queue --------------------------------------------------------------------------------------------------------

    def queue(self, limit: int | None = None) -> tuple[JobRow, ...]:
        """Waiting jobs, the next one first: fair between clients, interrupted jobs before all."""
        return tuple(self.job(job) for job in list(self._queue.positions())[:limit])

    def reorder(self, job: str, before: str | None = None) -> JobRow:
        """Put a waiting job before another one of the same client, or behind all of them. Raises IllegalMove."""
        with self._changing():
            row = self.job(job)
            other = None if before is None else self.job(before)
            for each in (row, other or row):
                if each.state != "queued" or each.client != row.client:
                    raise IllegalMove(each.id, each.state, "reordered")
            if before != job:
                self._queue.put_before(job, row.client, before)
        return self.job(job)

    @property
    def queue_paused(self) -> bool:
        """Whether no further job is to be started; survives a restart."""
        return self._queue.paused

    def pause_queue(self, on: bool = True) -> None:
        """Store that the queue is stopped, or that it continues."""
        with self._changing():
            self._queue.pause(on)

    # Within -----------------------------------------------------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            with self._database.writing():
                yield
        finally:
            self._queue.changed()

    def _move(self, row: JobRow, state: JobState, **facts: Unpack[JobUpdate]) -> None:
        self._jobs.move(row, state, self._clock(), facts)

    def _append(
        self,
        row: JobRow,
        event: AnyJobEvent,
        state: JobState,
        *,
        data: bytes | None = None,
        **facts: Unpack[JobUpdate],
    ) -> StoredEvent:
        if row.state in ENDED:
            raise IllegalMove(row.id, row.state, state)
        stored = self._events.append(row.id, event, self._clock(), data)
        self._move(row, state, **facts)
        return stored

    def _stored(self, job: str, event: AnyJobEvent, state: JobState) -> None:
        """After the transaction."""
        self._events.note(job, event)
        if state in ENDED:
            self._events.forget(job)
