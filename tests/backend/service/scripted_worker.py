"""A worker without models that does what the instruction says, for tests of the service around it.

"add nothing steps=20 pause=0.01 die_at=3": twenty steps, a pause after each, and it dies at the third of its first
`deaths` runs. `stay` names a job's state in which it stops for good. `fail_at`/`kind` end the job with a failure,
`hang_at` stops everything but the beats, `deaf` ignores a cancellation. A run continues where the one before was ended,
as a real job does.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

import msgspec

from backend.worker.channel import WorkerChannel
from backend.worker.event_journal import EventJournal, JournalEntry
from backend.worker.messages import EventReported, Ready, Run, RunEnded
from bridge.wire.messages import Failure
from contract.events import (
    AnyJobEvent,
    JobDone,
    JobStarted,
    ModelOpened,
    PlanReady,
    StageProgress,
    TakeDone,
    decode_event,
)
from contract.plan import Plan
from contract.take import Take, write_take

PLAN = Plan(
    instruction="add nothing",
    source_caption="a street",
    vfx_conversation="",
    composite_caption="a street with nothing",
    source_objects=(),
    target_object="nothing",
    scope="object",
    assistant="offline",
)


class Script:
    """What a job's instruction asks of this worker, and how far earlier runs came."""

    def __init__(self, run: Run) -> None:
        self._words = dict(re.findall(r"(\w+)=([\w.]+)", run.spec.instruction))
        self.folder = Path(run.output)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._done = self.folder / "done-steps"
        self._runs = self.folder / "runs"
        self.run_number = int(self._runs.read_text()) + 1 if self._runs.exists() else 1
        self._runs.write_text(str(self.run_number))

    def number(self, name: str, default: float = 0.0) -> float:
        return float(self._words.get(name, default))

    def text(self, name: str, default: str) -> str:
        return self._words.get(name, default)

    @property
    def done(self) -> int:
        return int(self._done.read_text() or 0) if self._done.exists() else 0

    def stay_if(self, state: str) -> None:
        if self.text("stay", "") == state:
            time.sleep(3600)

    def store(self, step: int) -> None:
        beside = self._done.with_suffix(".part")
        beside.write_text(str(step))
        beside.replace(self._done)


def carry_out(channel: WorkerChannel, run: Run) -> RunEnded:
    """One run of a job, its events by way of the journal, as in the real worker."""
    with EventJournal(Path(run.journal), run.recorded, map(decode_event, run.known)) as journal:
        send(channel, run, journal.unrecorded)
        return RunEnded(job=run.job, outcome="done") if journal.is_over else work(channel, run, journal)


def send(channel: WorkerChannel, run: Run, entries: list[JournalEntry]) -> None:
    for number, data in entries:
        channel.send(EventReported(job=run.job, event=msgspec.Raw(data), number=number))


def work(channel: WorkerChannel, run: Run, journal: EventJournal) -> RunEnded:
    script = Script(run)

    def report(event: AnyJobEvent) -> None:
        send(channel, run, journal.add(event))

    steps, takes = int(script.number("steps", 4)), run.spec.takes
    report(
        JobStarted(
            output=run.output, source="", clip="clip", media="", first=0, frames=9, rate="8", width=48, height=32,
            takes=list(range(1, takes + 1)),
        )
    )  # fmt: skip
    script.stay_if("preparing")
    channel.model, channel.state = "scripted", "busy"
    report(ModelOpened(model="scripted", licence="none", device="cpu", frames=9, width=48, height=32, rate="8"))
    plan = run.approved_plan or run.spec.plan or PLAN
    report(PlanReady(path=str(script.folder / "plan.json"), origin="written", plan=plan, remarks=[]))
    script.stay_if("planning")
    if run.spec.after_plan == "wait":
        return RunEnded(job=run.job, outcome="awaiting_approval")
    for stage in ("encoding", "inverting", "refining", "delivering") if script.text("stay", "") else ():
        report(StageProgress(take=1, stage=stage, step=1, steps=2))
        script.stay_if(stage)
    for take in range(1, takes + 1):
        first = (take - 1) * (steps + 1)
        for step in range(1, steps + 1):
            if first + step <= script.done:
                continue
            if channel.is_quitting:
                return RunEnded(job=run.job, outcome="stopped")
            if channel.is_cancelled(run.job) and not script.number("deaf"):
                return RunEnded(job=run.job, outcome="cancelled")
            if step == script.number("die_at") and script.run_number <= script.number("deaths", 1):
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
            if step == script.number("hang_at"):
                time.sleep(3600)
            if step == script.number("fail_at") and script.run_number <= script.number("failures", 1):
                kind = script.text("kind", "scripted")
                failure = Failure(kind=kind, what="It failed.", why="So it says.", remedy="", exit_code=1,
                                  offers=("again", "small"))  # fmt: skip
                return RunEnded(job=run.job, outcome="failed", failure=failure)
            script.store(first + step)
            report(StageProgress(take=take, stage="refining", step=step, steps=steps, iteration=1, iterations=1))
            time.sleep(script.number("pause"))
        folder = script.folder / "takes" / f"{take:02d}"
        if not (folder / "take.json").exists():
            write_take(folder, a_take(run, take))
        script.store(take * (steps + 1))
        report(StageProgress(take=take, stage="delivering", step=1, steps=1))
        report(TakeDone(take=take, folder=str(folder), seed=take, made=True, seconds={"refining": 1.0},
                      matte_coverage=0.1, outside_change=0.0))  # fmt: skip
    report(JobDone(output=run.output, takes=list(range(1, takes + 1)), timeline=None))
    return RunEnded(job=run.job, outcome="done")


def a_take(run: Run, number: int) -> Take:
    return Take(
        id=f"{run.job}-{number}", name=f"take {number}", instruction=run.spec.instruction, request={}, plan=PLAN,
        model="scripted", licence="none", assistant="offline", seed=number, created="2026-01-01T00:00:00Z", version="0",
        layer="layer.mov", composite="composite.mov", frame_count=12,
    )  # fmt: skip


def main() -> int:
    if "DYNVFX_SCRIPTED_NO_START" in os.environ:
        print("no torch on this machine", flush=True)
        return 1
    with WorkerChannel() as channel:
        channel.state = "idle"
        channel.send(Ready(device="cpu", pid=os.getpid(), title="script", memory_bytes=1))
        while (run := channel.next_run()) is not None:
            channel.job, channel.state = run.job, "loading"
            ended = carry_out(channel, run)
            channel.job, channel.state = None, "idle"
            channel.send(ended)
            if channel.is_quitting:
                break
    return 0


if __name__ == "__main__":
    sys.exit(main())
