"""A job as the ledger knows it, and as a client sees it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypedDict, cast

import msgspec

from bridge.wire.messages import Failure, Job, Numbered
from contract.errors import Cancelled
from contract.events import AnyJobEvent, JobFailed, JobNotice, StageProgress, decode_event
from contract.job import Footprint, JobSpec
from contract.plan import Plan
from contract.states import JobState, Stage


class JobUpdate(TypedDict, total=False):
    """What becomes known of a job after it was submitted; `plan` is the one that a person approved."""

    source: str
    model: str
    output: str
    device: str | None
    footprint: Footprint
    plan: Plan | None
    recorded: int


@dataclass(frozen=True)
class Steps:
    """How far a running job is; not on the disk, but the newest step among its events says the same."""

    take: int = 0
    stage: Stage | None = None
    iteration: int = 0
    iterations: int = 0
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None


NO_STEPS = Steps()


def steps_of(event: StageProgress) -> Steps:
    """The same facts without the event."""
    return Steps(**{name: getattr(event, name) for name in Steps.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A job. Times are seconds since 1970 in UTC.

    `attempt` counts from 1 and grows when a worker died or a person retried; `deaths` counts workers that died at it
    in a row without any progress. `events` is the number of its newest event. `position` is its place among all that
    wait, from 1 on. `recorded` is the last entry of its worker's journal number `journal` that is among the events.
    """

    id: str
    client: str
    token: str
    state: JobState
    spec: JobSpec
    plan: Plan | None
    source: str
    model: str
    output: str
    device: str | None
    footprint: Footprint
    failure: Failure | None
    attempt: int
    deaths: int
    events: int
    created: float
    changed: float
    serial: int
    interrupted: bool
    recorded: int = 0
    journal: int = 1
    takes_done: tuple[int, ...] = ()
    position: int | None = None
    steps: Steps = field(default=NO_STEPS)


CANCELLED = JobFailed.of(Cancelled("The job was cancelled.", remedy="Retry it to continue where it stopped."))
"""The last event of a job that a person ended."""
PAUSED = JobNotice(kind="paused", text="The job was paused; Continue resumes it where it stopped.")


def read_job(row: sqlite3.Row, takes_done: tuple[int, ...], position: int | None, steps: Steps) -> JobRow:
    """A row of the table `jobs` with what other places know of it."""
    values = {name: row[name] for name in row.keys() if name in JobRow.__dataclass_fields__}  # noqa: SIM118 (a Row)
    values |= {
        "spec": msgspec.json.decode(row["spec"], type=JobSpec),
        "plan": decoded(row["plan"], Plan),
        "failure": decoded(row["failure"], Failure),
        "interrupted": bool(row["interrupted"]),
    }
    return JobRow(**values, takes_done=takes_done, position=position, steps=steps)


@dataclass(frozen=True)
class StoredEvent:
    """An event in the ledger; `data` is what `encode_event` made of it, which is stored and sent as it is."""

    number: int
    time: float
    data: bytes

    @cached_property
    def event(self) -> AnyJobEvent:
        """The event itself."""
        return decode_event(self.data)

    def numbered(self) -> Numbered:
        """For a message: it is put into it as it is, without being decoded and encoded again."""
        return Numbered(number=self.number, time=self.time, event=cast(AnyJobEvent, msgspec.Raw(self.data)))


def encoded(value: Any) -> bytes | None:
    """JSON for a column; None stays none."""
    return None if value is None else msgspec.json.encode(value)


def decoded(value: bytes | None, kind: Any) -> Any:
    """The reverse of `encoded`."""
    return None if value is None else msgspec.json.decode(value, type=kind)


def job_seen_by(row: JobRow, viewer: str) -> Job:
    """The job as the client `viewer` sees it: without the token where it is another client's."""
    mine = row.client == viewer
    steps = row.steps
    return Job(
        id=row.id,
        token=row.token if mine else "",
        state=row.state,
        instruction=row.spec.instruction,
        source=row.source,
        model=row.model,
        quality=row.spec.quality,
        seed=row.spec.seed,
        takes=row.spec.takes,
        output=row.output,
        created=row.created,
        changed=row.changed,
        events=row.events,
        attempt=row.attempt,
        mine=mine,
        position=row.position,
        device=row.device,
        take=steps.take,
        takes_done=row.takes_done,
        stage=steps.stage,
        iteration=steps.iteration,
        iterations=steps.iterations,
        step=steps.step,
        steps=steps.steps,
        seconds_left=steps.seconds_left,
        failure=row.failure,
        footprint=row.footprint,
    )
