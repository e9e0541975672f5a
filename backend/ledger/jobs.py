"""The table of jobs: what is known of each, and its moves from state to state."""

from __future__ import annotations

import secrets
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from backend.ledger.database import Database
from backend.ledger.errors import NoSuchJob
from backend.ledger.events import EventLog
from backend.ledger.queue import Queue
from backend.ledger.rows import JobRow, JobUpdate, encoded, read_job
from backend.ledger.states import check_move
from backend.ledger.takes import TakeIndex
from contract.job import ClipSource, JobSpec
from contract.states import RUNNING, STATES, JobState


class JobTable:
    """The table `jobs`. What changes it is to be called in a transaction."""

    def __init__(self, database: Database, queue: Queue, events: EventLog, takes: TakeIndex) -> None:
        self._database, self._queue, self._events, self._takes = database, queue, events, takes

    def add(self, client: str, token: str, spec: JobSpec, now: float, facts: JobUpdate) -> str:
        """Enter a new job behind the client's others; returns its id."""
        job = self._free_id()
        values: dict[str, Any] = {
            "id": job,
            "client": client,
            "token": token,
            "state": "queued",
            "spec": encoded(spec),
            **self._first_facts(spec),
            "place": self._queue.last_place(client) + 1,
            "created": now,
            "changed": now,
        }
        columns, places = ", ".join(values), ", ".join("?" * len(values))
        self._database.change(f"INSERT INTO jobs ({columns}) VALUES ({places})", *values.values())
        self.note(job, facts)
        return job

    def move(self, row: JobRow, state: JobState, now: float, facts: Mapping[str, Any]) -> None:
        """Put the job into a state and note facts; staying is allowed. Raises IllegalMove."""
        check_move(row.id, row.state, state)
        if state != row.state:
            if row.state == "queued" and state in RUNNING:
                self._queue.begin(row.id, row.client)
            self._database.change("UPDATE jobs SET state = ?, changed = ? WHERE id = ?", state, now, row.id)
        self.note(row.id, facts)

    def note(self, job: str, facts: Mapping[str, Any]) -> None:
        """Store what became known of a job. Raises TypeError for a field that no update has."""
        for name, value in facts.items():
            if name not in JobUpdate.__annotations__:
                raise TypeError(f"a job has no {name}")
            self._database.change(
                f"UPDATE jobs SET {name} = ? WHERE id = ?", encoded(value) if name == "plan" else value, job
            )

    def id_of(self, client: str, token: str) -> str | None:
        """The job that a client named so."""
        row = self._database.row("SELECT id FROM jobs WHERE client = ? AND token = ?", client, token)
        return None if row is None else row["id"]

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

    def newest(self, client: str | None, states: Sequence[JobState], limit: int) -> tuple[JobRow, ...]:
        """Jobs of a client or of all, in some states or in any; a negative limit is none."""
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

    def _read(self, row: sqlite3.Row) -> JobRow:
        job = row["id"]
        position = self._queue.positions().get(job) if row["state"] == "queued" else None
        return read_job(row, self._takes.numbers(job), position, self._events.steps(job))

    def _first_facts(self, spec: JobSpec) -> dict[str, str]:
        """What a new job is made from; a change of another job's take has its source and model."""
        facts = {"source": "", "model": "", "output": "", "footprint": spec.footprint}
        if isinstance(spec.start, ClipSource):
            return facts | {"source": spec.start.source, "model": spec.model or "", "output": spec.output or ""}
        parent = self.find(spec.start.job) if spec.start.job else None
        return facts if parent is None else facts | {"source": parent.source, "model": parent.model}

    def _free_id(self) -> str:
        while True:
            job = secrets.token_hex(6)
            if self._database.row("SELECT 1 FROM jobs WHERE id = ?", job) is None:
                return job
