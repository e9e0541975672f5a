"""The events of all jobs: numbered without gaps, on the disk before anybody hears of them."""

from __future__ import annotations

from collections.abc import Sequence

from backend.ledger.database import Database
from backend.ledger.event_dedup import SeenEvents
from backend.ledger.rows import NO_STEPS, Steps, encoded, read_event, steps_of
from bridge.wire.messages import Numbered
from contract.events import AnyJobEvent, PlanReady, StageProgress, TakeDone


class EventLog:
    """The table `events`. What it keeps in memory can be read from the table again at any time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: dict[str, SeenEvents] = {}
        self._steps: dict[str, Steps] = {}

    def append(self, job: str, events: Sequence[AnyJobEvent], now: float) -> tuple[Numbered, ...]:
        """Number the events and store them; to be called in a transaction, and followed by `note` after it.

        A step forward shows that the job does not die at the same place again and again.
        """
        last = self._database.row("SELECT events FROM jobs WHERE id = ?", job)["events"]
        numbered = tuple(
            Numbered(number=last + place, time=now, event=event) for place, event in enumerate(events, start=1)
        )
        for each in numbered:
            self._database.change(
                "INSERT INTO events (job, number, time, event) VALUES (?, ?, ?, ?)",
                job,
                each.number,
                now,
                encoded(each.event),
            )
        forward = any(isinstance(event, PlanReady | StageProgress | TakeDone) for event in events)
        self._database.change(
            f"UPDATE jobs SET events = ?, changed = ?{', deaths = 0' if forward else ''} WHERE id = ?",
            last + len(numbered),
            now,
            job,
        )
        return numbered

    def note(self, job: str, events: Sequence[AnyJobEvent]) -> None:
        """The events are on the disk."""
        for event in events:
            if job in self._told:
                self._told[job].add(event)
            if isinstance(event, StageProgress):
                self._steps[job] = steps_of(event)

    def is_repeat(self, job: str, event: AnyJobEvent) -> bool:
        """Whether the job has told this before; see `SeenEvents`."""
        self.remember(job)
        return self._told[job].is_repeat(event)

    def remember(self, job: str) -> None:
        """Have at hand what a job told, and its newest step, after a restart as well."""
        if job in self._told:
            return
        told = SeenEvents()
        newest: StageProgress | None = None
        for each in self.read(job, 1, None):
            told.add(each.event)
            if isinstance(each.event, StageProgress):
                newest = each.event
        self._told[job] = told
        if newest is not None:
            self._steps.setdefault(job, steps_of(newest))

    def read(self, job: str, first: int, limit: int | None) -> tuple[Numbered, ...]:
        """Events from number `first` on, at most `limit`."""
        rows = self._database.rows(
            "SELECT number, time, event FROM events WHERE job = ? AND number >= ? ORDER BY number LIMIT ?",
            job,
            first,
            -1 if limit is None else limit,
        )
        return tuple(read_event(row) for row in rows)

    def steps(self, job: str) -> Steps:
        """How far the job was when it last said so."""
        return self._steps.get(job, NO_STEPS)

    def set_steps(self, job: str, steps: Steps) -> None:
        """For progress that is not worth an event."""
        self._steps[job] = steps

    def forget(self, job: str) -> None:
        """The job is not running: nothing of it needs to be at hand."""
        self._told.pop(job, None)
        self._steps.pop(job, None)
