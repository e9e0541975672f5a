"""The events of all jobs: numbered without gaps, and on the disk before any client gets them."""

from __future__ import annotations

from backend.ledger.database import Database
from backend.ledger.rows import NO_STEPS, Steps, StoredEvent, steps_of
from contract.events import (
    AnyJobEvent,
    JobDone,
    JobEvent,
    JobFailed,
    PlanReady,
    StageProgress,
    TakeDone,
    encode_event,
    event_kind,
)


class EventLog:
    """The table `events`; in memory only the newest step of each running job."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._steps: dict[str, Steps] = {}

    def append(self, job: str, event: AnyJobEvent, now: float, data: bytes | None = None) -> StoredEvent:
        """Number an event and store it; to be called in a transaction, and followed by `note` after it.

        `data` is the encoded event, where it is at hand. A step forward shows that the job does not die at the same
        place again and again.
        """
        row = self._database.row("SELECT events FROM jobs WHERE id = ?", job)
        assert row is not None  # a foreign key
        stored = StoredEvent(row["events"] + 1, now, encode_event(event) if data is None else data)
        self._database.change(
            "INSERT INTO events (job, number, time, kind, event) VALUES (?, ?, ?, ?, ?)",
            job,
            stored.number,
            now,
            event_kind(event),
            stored.data,
        )
        forward = ", deaths = 0" if isinstance(event, PlanReady | StageProgress | TakeDone) else ""
        self._database.change(f"UPDATE jobs SET events = ?, changed = ?{forward} WHERE id = ?", stored.number, now, job)
        return stored

    def note(self, job: str, event: AnyJobEvent) -> None:
        """The event is on the disk."""
        if isinstance(event, StageProgress):
            self._steps[job] = steps_of(event)

    def read(self, job: str, first: int, limit: int | None) -> tuple[StoredEvent, ...]:
        """Events from number `first` on, at most `limit`."""
        rows = self._database.rows(
            "SELECT number, time, event FROM events WHERE job = ? AND number >= ? ORDER BY number LIMIT ?",
            job,
            first,
            -1 if limit is None else limit,
        )
        return tuple(StoredEvent(row["number"], row["time"], row["event"]) for row in rows)

    def newest(self, job: str, kind: type[JobEvent]) -> StoredEvent | None:
        """The newest event of a type, None when there is none."""
        row = self._database.row(
            "SELECT number, time, event FROM events WHERE job = ? AND kind = ? ORDER BY number DESC LIMIT 1",
            job,
            event_kind(kind),
        )
        return None if row is None else StoredEvent(row["number"], row["time"], row["event"])

    def of_this_attempt(self, job: str) -> tuple[StoredEvent, ...]:
        """What came since the job was submitted or last ended: a retry reports all of it anew."""
        ends = [found.number for kind in (JobFailed, JobDone) if (found := self.newest(job, kind)) is not None]
        return self.read(job, max(ends, default=0) + 1, None)

    def steps(self, job: str) -> Steps:
        """How far a running job is."""
        return self._steps.get(job, NO_STEPS)

    def remember(self, job: str) -> None:
        """Find out after a restart how far a job was."""
        newest = self.newest(job, StageProgress)
        if newest is not None:
            self.note(job, newest.event)

    def forget(self, job: str) -> None:
        """The job has ended."""
        self._steps.pop(job, None)
