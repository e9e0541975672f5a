"""The ledger: all jobs, their events and takes, in one file with one writer. Every answer is on the disk first."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from backend.ledger.database import Database
from backend.ledger.events import EventLog
from backend.ledger.problems import NoSuchJob, QueueFull
from backend.ledger.queueing import Queue
from backend.ledger.rows import Facts, JobRow, Steps, encoded, job_seen_by, read_job
from backend.ledger.schema import MIGRATIONS
from backend.ledger.states import ENDED, RUNNING, STATES, IllegalMove, check_move, state_after
from backend.ledger.takes import TakeIndex
from bridge.job_events import AnyJobEvent, JobFailed, TakeDone
from bridge.messages import AddSpec, CancelOutcome, Failure, Job, JobState, Numbered, Spec, TakeEntry
from bridge.take import Note, Status, Take, read_take

CANCELLED_EXIT_CODE = 130


class Ledger:
    """The jobs in the file at `path`, which is made with its folder when it is not there. For one thread.

    Raises LedgerInUse, LedgerDamaged, LedgerTooNew. Every method that writes may raise OutOfDisk, after which the
    ledger is as it was before the call; all that name a job raise NoSuchJob.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time, queue_limit: int = 1000) -> None:
        self._database = Database(Path(path), MIGRATIONS)
        self._clock, self._queue_limit = clock, queue_limit
        self._events, self._takes = EventLog(self._database), TakeIndex(self._database)
        self._queue = Queue(self._database)

    def close(self) -> None:
        """Give the file free."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    # Jobs -------------------------------------------------------------------------------------------------------------

    def submit(
        self, client: str, token: str, spec: Spec, hold: bool = False, now: float | None = None, **facts: Unpack[Facts]
    ) -> tuple[JobRow, bool]:
        """Queue a job behind the client's others; the same token names the same job and False. Raises QueueFull."""
        now = self._clock() if now is None else now
        with self._changing():
            known = self._database.row("SELECT id FROM jobs WHERE client = ? AND token = ?", client, token)
            if known is not None:
                return self.job(known["id"]), False
            if self._queue.length(client) >= self._queue_limit:
                raise QueueFull(self._queue_limit)
            values: dict[str, Any] = {
                "id": self._free_id(),
                "client": client,
                "token": token,
                "state": "queued",
                "spec": encoded(spec),
                "hold": hold,
                **self._first_facts(spec),
                "place": self._queue.last_place(client) + 1,
                "created": now,
                "changed": now,
            }
            columns, places = ", ".join(values), ", ".join("?" * len(values))
            self._database.change(f"INSERT INTO jobs ({columns}) VALUES ({places})", *values.values())
            self._note(values["id"], facts)
        return self.job(values["id"]), True

    def find(self, job: str) -> JobRow | None:
        """The job, or None."""
        row = self._database.row("SELECT * FROM jobs WHERE id = ?", job)
        return None if row is None else self._read(row)

    def job(self, job: str) -> JobRow:
        """The job. Raises NoSuchJob."""
        row = self.find(job)
        if row is None:
            raise NoSuchJob(job)
        return row

    def jobs(self, client: str | None = None, states: Sequence[JobState] = (), limit: int = 200) -> tuple[JobRow, ...]:
        """The newest jobs of a client, or of all, first; only those in one of `states` when any are given."""
        wanted = tuple(states) or STATES
        rows = self._database.rows(
            f"SELECT * FROM jobs WHERE (? IS NULL OR client = ?) AND state IN ({', '.join('?' * len(wanted))})"
            " ORDER BY serial DESC LIMIT ?",
            client,
            client,
            *wanted,
            limit,
        )
        return tuple(self._read(row) for row in rows)

    def counts(self) -> Counter[JobState]:
        """How many jobs are in each state."""
        rows = self._database.rows("SELECT state, COUNT(*) AS jobs FROM jobs GROUP BY state")
        return Counter({row["state"]: row["jobs"] for row in rows})

    def to_job(self, row: JobRow, viewer: str) -> Job:
        """The job as the client `viewer` sees it."""
        return job_seen_by(row, viewer)

    # Moves ------------------------------------------------------------------------------------------------------------

    def move(self, job: str, state: JobState, **facts: Unpack[Facts]) -> JobRow:
        """Put the job into a state, and note facts with it; staying in a state is allowed. Raises IllegalMove.

        Into failed and cancelled lead `fail` and `cancel`, back into the queue `interrupt`, `retry` and `approve`.
        """
        with self._changing():
            self._move(self.job(job), state, **facts)
        return self.job(job)

    def approve(self, job: str, plan: dict | None = None) -> JobRow:
        """Let a job go on that awaits approval, before the client's others; None keeps its plan. Raises IllegalMove."""
        with self._changing():
            row = self.job(job)
            if row.state != "awaiting_approval":
                raise IllegalMove(job, row.state, "approved")
            self._move(row, "queued", plan=row.plan if plan is None else plan)
            self._database.change("UPDATE jobs SET hold = 0 WHERE id = ?", job)
            self._queue.put_first(job, row.client)
        return self.job(job)

    def retry(self, job: str, footprint: str | None = None) -> JobRow:
        """Queue a failed or cancelled job again, before the client's others. Raises IllegalMove."""
        with self._changing():
            row = self.job(job)
            if row.state not in ("failed", "cancelled"):
                raise IllegalMove(job, row.state, "queued again")
            self._move(row, "queued", footprint=footprint or row.footprint)
            self._database.change("UPDATE jobs SET failure = NULL, attempt = attempt + 1, deaths = 0 WHERE id = ?", job)
            self._queue.put_first(job, row.client)
        return self.job(job)

    def interrupt(self, job: str, *, died: bool = False) -> JobRow:
        """Put a running job back into the queue, before all others; `died`: its worker did. Raises IllegalMove."""
        with self._changing():
            row = self.job(job)
            if row.state not in RUNNING:
                raise IllegalMove(job, row.state, "interrupted")
            self._move(row, "queued", device=None)
            self._database.change(
                "UPDATE jobs SET interrupted = 1, attempt = attempt + ?, deaths = deaths + ? WHERE id = ?",
                int(died),
                int(died),
                job,
            )
        return self.job(job)

    def recover(self, now: float | None = None) -> tuple[JobRow, ...]:
        """Put jobs back into the queue, before all others, that were running when the service ended; which they are."""
        with self._changing():
            running = self.jobs(states=RUNNING, limit=-1)
            for row in running:
                self._move(row, "queued", now=now, device=None)
                self._database.change("UPDATE jobs SET interrupted = 1 WHERE id = ?", row.id)
        return tuple(self.job(row.id) for row in reversed(running))

    def fail(self, job: str, failure: Failure, *, log: str | None = None) -> Numbered:
        """The job has failed: its state, its failure and the event that says so, in one. Raises IllegalMove."""
        event = JobFailed(
            kind=failure.kind,
            what=failure.what,
            why=failure.why,
            remedy=failure.remedy,
            exit_code=failure.exit_code,
            log=log,
        )
        with self._changing():
            row = self.job(job)
            numbered = self._append(row, [event])
            self._move(row, "failed", device=None)
            self._database.change("UPDATE jobs SET failure = ? WHERE id = ?", encoded(failure), job)
        self._events.forget(job)
        return numbered[0]

    def cancel(self, job: str) -> tuple[CancelOutcome, Numbered | None]:
        """End a job that has not ended; with the event that says so (kind "cancelled"), None if it had ended."""
        row = self.find(job)
        if row is None:
            return "not_found", None
        if row.state in ENDED:
            return ("cancelled" if row.state == "cancelled" else "already_done"), None
        event = JobFailed(
            kind="cancelled",
            what="The job was cancelled.",
            why="",
            remedy="Retry it to go on where it stopped.",
            exit_code=CANCELLED_EXIT_CODE,
        )
        with self._changing():
            numbered = self._append(row, [event])
            self._move(row, "cancelled", device=None)
        self._events.forget(job)
        return "cancelled", numbered[0]

    # Events -----------------------------------------------------------------------------------------------------------

    def record(self, job: str, event: AnyJobEvent) -> Numbered | None:
        """Take in what a worker tells: event, state, and the index of takes, in one.

        None when the job has told it before (it resumed) or is not running (any more): nobody needs to hear it then.
        How a failed job ended is not told here but with `fail`.
        """
        row = self.job(job)
        if row.state not in RUNNING:
            return None
        fresh = not self._events.is_repeat(job, event)
        state = state_after(event, row.state)
        if not fresh and state == row.state:
            return None
        with self._changing():
            numbered = self._append(row, [event]) if fresh else ()
            self._move(row, state)
            if fresh and isinstance(event, TakeDone):
                self._takes.put(job, event.take, event.folder, read_take(event.folder))
        self._told(job, numbered, state)
        return numbered[0] if fresh else None

    def append(self, job: str, event: AnyJobEvent, state: JobState | None = None) -> Numbered:
        """`append_many` for one event."""
        return self.append_many(job, [event], state)[0]

    def append_many(
        self, job: str, events: Sequence[AnyJobEvent], state: JobState | None = None
    ) -> tuple[Numbered, ...]:
        """Number and keep events whatever they are, and with `state` move the job, in one; see also `record`.

        Raises IllegalMove for a job that has ended: the event that says so is its last one, until it is retried.
        """
        with self._changing():
            row = self.job(job)
            numbered = self._append(row, events)
            self._move(row, state or row.state)
        self._told(job, numbered, state or row.state)
        return numbered

    def events(self, job: str, first: int = 1, limit: int = 1000) -> tuple[Numbered, ...]:
        """Events from number `first` on, at most `limit`; none for a job that is not known."""
        return self._events.read(job, first, limit)

    def last(self, job: str) -> int:
        """The number of the newest event; 0 when there is none yet."""
        return self.job(job).events

    def set_progress(self, job: str, steps: Steps) -> None:
        """How far the job is, where that is not worth an event; not on the disk. `record` and `append` do it too."""
        self._events.set_steps(job, steps)

    # Takes ------------------------------------------------------------------------------------------------------------

    def take_done(self, job: str, number: int, folder: str, take: Take) -> None:
        """Enter a finished take, or what has become of it; `record` does it too."""
        with self._changing():
            self.job(job)
            self._takes.put(job, number, folder, take)

    def takes(self, client: str | None = None, job: str | None = None) -> tuple[TakeEntry, ...]:
        """Finished takes of a client and of a job, or of all; the oldest job's first."""
        return self._takes.read(client, job)

    def take(self, job: str, number: int) -> TakeEntry:
        """One finished take. Raises NoSuchTake."""
        return self._takes.find(job, number)

    def set_take(
        self, job: str, number: int, status: Status | None = None, notes: Sequence[Note] | None = None
    ) -> TakeEntry:
        """Change what people said about a take: first in its take.json, then here. Raises NoSuchTake, BadTake."""
        return self._takes.review(job, number, status, notes)

    # The queue --------------------------------------------------------------------------------------------------------

    def next_queued(self) -> JobRow | None:
        """The job that is to be started next; `move` it to "preparing" when it is."""
        return next(iter(self.queue(1)), None)

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
    def paused(self) -> bool:
        """Whether somebody stopped the queue; survives a restart."""
        row = self._database.row("SELECT value FROM facts WHERE name = 'paused'")
        return row is not None and bool(row["value"])

    def pause(self, on: bool = True) -> None:
        """Stop the queue, or let it go on. It is only noted here."""
        with self._database.writing():
            self._database.change("INSERT OR REPLACE INTO facts (name, value) VALUES ('paused', ?)", on)

    # Within -----------------------------------------------------------------------------------------------------------

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            with self._database.writing():
                yield
        finally:
            self._queue.changed()

    def _read(self, row: sqlite3.Row) -> JobRow:
        job = row["id"]
        position = self._queue.positions().get(job) if row["state"] == "queued" else None
        return read_job(row, self._takes.numbers(job), position, self._events.steps(job))

    def _move(self, row: JobRow, state: JobState, now: float | None = None, **facts: Unpack[Facts]) -> None:
        check_move(row.id, row.state, state)
        if state != row.state:
            if row.state == "queued" and state in RUNNING:
                self._queue.begin(row.id, row.client)
            self._database.change(
                "UPDATE jobs SET state = ?, changed = ? WHERE id = ?",
                state,
                self._clock() if now is None else now,
                row.id,
            )
        self._note(row.id, facts)

    def _note(self, job: str, facts: Facts) -> None:
        for name, value in facts.items():
            if name not in Facts.__annotations__:
                raise TypeError(f"a job has no {name}")
            self._database.change(
                f"UPDATE jobs SET {name} = ? WHERE id = ?", encoded(value) if name == "plan" else value, job
            )

    def _append(self, row: JobRow, events: Sequence[AnyJobEvent]) -> tuple[Numbered, ...]:
        if row.state in ENDED:
            raise IllegalMove(row.id, row.state, "continued")
        return self._events.append(row.id, events, self._clock())

    def _told(self, job: str, numbered: Sequence[Numbered], state: JobState) -> None:
        """What was written is known in memory too."""
        self._events.note(job, [each.event for each in numbered])
        if state in ENDED:
            self._events.forget(job)

    def _first_facts(self, spec: Spec) -> dict[str, str]:
        """What a new job is made from; a change of another job's take has its source and model."""
        facts = {"source": "", "model": "", "output": "", "footprint": spec.footprint}
        if isinstance(spec, AddSpec):
            return facts | {"source": spec.source, "model": spec.model, "output": spec.output or ""}
        parent = self.find(spec.job) if spec.job else None
        return facts if parent is None else facts | {"source": parent.source, "model": parent.model}

    def _free_id(self) -> str:
        while True:
            job = secrets.token_hex(6)
            if self._database.row("SELECT 1 FROM jobs WHERE id = ?", job) is None:
                return job
