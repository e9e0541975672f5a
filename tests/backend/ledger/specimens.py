"""Jobs, events and takes to fill ledgers with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from backend.ledger.ledger import Ledger
from bridge.wire.messages import Failure
from contract.events import AnyJobEvent, JobDone, JobStarted, ModelOpened, PlanReady, StageProgress, TakeDone
from contract.job import JobSpec
from contract.take import Take, write_take
from tests.contract.sample_job import a_job
from tests.contract.sample_plan import a_plan

ANNA, BERT, CLEO = "a" * 40, "b" * 40, "c" * 40
PLAN = a_plan(target_object="balloon", source_objects=("diver",))
FAILURE = Failure(
    kind="out_of_memory", what="No memory.", why="It is small.", remedy="Retry.", exit_code=5, offers=("small",)
)


class Clock:
    """Every look at it is a second later."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def spec(**changes: Any) -> JobSpec:
    return a_job(**{"instruction": "add a balloon", "source": "/footage/clip.mov", **changes})


def submitted(ledger: Ledger, client: str = ANNA, token: str = "one", **changes: Any) -> str:
    """The id of a new queued job."""
    return ledger.submit(client, token, spec(**changes))[0].id


def started(ledger: Ledger, client: str = ANNA, token: str = "one", **changes: Any) -> str:
    """The id of a new job that a worker has."""
    job = submitted(ledger, client, token, **changes)
    ledger.move(job, "preparing", device="cpu")
    return job


def write_specimen(folder: Path, number: int = 1, **changes: Any) -> Take:
    """A take.json in a folder that is made for it."""
    values = {
        "id": f"take-{number}",
        "name": f"balloon {number}",
        "instruction": "add a balloon",
        "request": {"seed": number},
        "plan": PLAN,
        "model": "tiny",
        "licence": "GPL-3.0-or-later",
        "assistant": "offline",
        "seed": number,
        "created": "2025-01-01T00:00:00Z",
        "version": "0.1.0",
        "layer": "layer.mov",
        "composite": "composite.mov",
        "frame_count": 12,
        "seconds": {"refining": 2.5},
        "forwards": {"refining": 10},
    }
    take = Take(**{**values, **changes})
    folder.mkdir(parents=True, exist_ok=True)
    write_take(folder, take)
    return take


def job_started(output: str = "/out") -> JobStarted:
    return JobStarted(
        output=output,
        source="/footage/clip.mov",
        clip="clip",
        media="/footage/clip.mov",
        first=0,
        frames=9,
        rate="24",
        width=64,
        height=48,
        takes=[1],
    )


def model_opened() -> ModelOpened:
    return ModelOpened(model="tiny", licence="GPL", device="cpu", frames=9, width=64, height=48, rate="24")


def plan_ready(**plan: Any) -> PlanReady:
    return PlanReady(path="/out/plan.json", origin="written", plan=msgspec.structs.replace(PLAN, **plan), remarks=[])


def step(number: int, steps: int = 10, *, take: int = 1, stage: str = "refining", iteration: int = 1) -> StageProgress:
    return StageProgress(
        take=take, stage=stage, step=number, steps=steps, iteration=iteration, iterations=3, seconds_left=float(steps)
    )


def append_all(ledger: Ledger, job: str, events: list[AnyJobEvent]) -> None:
    """Several events in one transaction."""
    with ledger._database.writing():
        for event in events:
            ledger.append(job, event)


def finish_take(ledger: Ledger, job: str, folder: Path, number: int = 1, **changes: Any) -> Take:
    """A take of a running job, on the disk and in the ledger."""
    take = write_specimen(folder, number, **changes)
    ledger.record(job, take_done(folder, number))
    return take


def take_done(folder: Path, number: int = 1, *, made: bool = True) -> TakeDone:
    return TakeDone(
        take=number, folder=str(folder), seed=number, made=made, seconds={}, matte_coverage=0.1, outside_change=0.0
    )


def job_done() -> JobDone:
    return JobDone(output="/out", takes=[1], timeline="/out/timeline.otio")


def whole_job(folder: Path) -> list[AnyJobEvent]:
    """What a job of one take reports; its take.json is written."""
    write_specimen(folder)
    return [
        job_started(),
        model_opened(),
        plan_ready(),
        step(1, 1, stage="segmenting", iteration=0),
        step(1, 2, stage="encoding", iteration=0),
        step(2, 2, stage="encoding", iteration=0),
        *(step(number, 4, stage="inverting", iteration=0) for number in range(1, 5)),
        *(step(number, 5, iteration=iteration) for iteration in (1, 2, 3) for number in range(1, 6)),
        step(1, 1, stage="finishing", iteration=0),
        step(1, 1, stage="delivering", iteration=0),
        take_done(folder),
        job_done(),
    ]
