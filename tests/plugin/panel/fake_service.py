"""A scriptable backend with the real messages, and sessions with it, without a socket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from bridge.wire.messages import (
    Approve,
    Cancel,
    CancelReply,
    Done,
    Estimate,
    Estimated,
    EventPushed,
    Failure,
    GetJob,
    Job,
    JobChanged,
    JobReply,
    Jobs,
    Limits,
    ListJobs,
    ListModels,
    ListTakes,
    Model,
    Models,
    Numbered,
    PauseJob,
    PauseQueue,
    Pong,
    QueuePaused,
    Reorder,
    Reply,
    Request,
    Retry,
    SetTake,
    Submit,
    TakeEntry,
    Takes,
    UploadBegin,
    UploadChunk,
    UploadState,
    Welcome,
    Worker,
)
from contract.errors import Problem, Refusal, Unreachable
from contract.events import FoundMask, JobDone, JobEvent, MasksFound, PlanReady, StageProgress, TakeDone
from contract.job import ClipSource
from contract.plan import Plan
from contract.take import MediaFile, Take, write_take
from plugin.panel.models.backend.backend import Endpoint

PLAN = Plan(
    instruction="add a red balloon",
    source_caption="A quiet street in the sun.",
    vfx_conversation="",
    composite_caption="A quiet street in the sun with a red balloon on the left.",
    source_objects=("man in a coat", "lamp post"),
    target_object="red balloon",
    scope="object",
    assistant="offline",
)
CPU = Worker(device="cpu", state="idle")


class FakeService:
    """The state of a backend, and methods by which a test drives it."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.specs: dict[str, Any] = {}
        self.plans: dict[str, Plan] = {}
        self.approved: dict[str, Plan | None] = {}
        self.uploaded: dict[str, bytes] = {}
        self._sizes: dict[str, int] = {}
        self.events: dict[str, list[Numbered]] = {}
        self.entries: dict[tuple[str, int], TakeEntry] = {}
        self.sessions: list[FakeSession] = []
        self.requests: list[Request] = []
        self.refusals: dict[type, Problem] = {}
        self.models = (
            Model(name="tiny", title="tiny", licence="GPL-3.0-or-later", installed=True, bytes=60_000_000),
            Model(
                name="zai-org/CogVideoX-5b",
                title="CogVideoX 5B",
                licence="CogVideoX licence",
                installed=False,
                bytes=21_500_000_000,
            ),
        )
        self.capabilities: tuple[str, ...] = ()
        self.seconds: float | None = 95.0
        self.workers: tuple[Worker, ...] = (CPU,)
        self.paused = False
        self._clock = 1_700_000_000.0

    # Driven by the test -----------------------------------------------------------------------------------------------

    def push_event(self, job: str, event: JobEvent) -> None:
        """Record an event and push it to the followers of the job."""
        events = self.events.setdefault(job, [])
        events.append(Numbered(number=len(events) + 1, time=self._now(), event=event))
        self.jobs[job] = msgspec.structs.replace(self.jobs[job], events=len(events))
        for session in self.sessions:
            session.event(job, events[-1])

    def change(self, job: str, **facts: Any) -> None:
        """Change a job and push it."""
        self.jobs[job] = msgspec.structs.replace(self.jobs[job], changed=self._now(), **facts)
        for session in self.sessions:
            session.push(JobChanged(job=self.jobs[job]))

    def plan(self, job: str, plan: Plan | None = None, masks: tuple[FoundMask, ...] = ()) -> None:
        """Write the plan of a job, which then awaits approval."""
        self.change(job, state="planning", position=None)
        self.plans[job] = plan or PLAN
        remarks = ["The offline assistant wrote this plan."]
        self.push_event(job, PlanReady(path="plan.json", origin="written", plan=self.plans[job], remarks=remarks))
        self.push_event(job, MasksFound(masks=list(masks)))
        self.change(job, state="awaiting_approval")

    def progress(self, job: str, step: int, steps: int = 50, take: int = 1, **more: Any) -> None:
        """Report a step of denoising."""
        facts = {"iteration": 1, "iterations": 3, "seconds_left": 42.0, **more}
        if self.jobs[job].state != "refining":
            self.change(job, state="refining", position=None)
        self.push_event(job, StageProgress(take=take, stage="refining", step=step, steps=steps, **facts))

    def finish_take(self, job: str, number: int, folder: Path, **more: Any) -> Take:
        """Finish a take, whose files must be in `folder`."""
        take = make_take(self.jobs[job], number, **more)
        folder.mkdir(parents=True, exist_ok=True)
        write_take(folder, take)
        self.entries[job, number] = TakeEntry(job=job, number=number, folder=str(folder), take=take)
        self.change(job, takes_done=(*self.jobs[job].takes_done, number))
        done = TakeDone(
            take=number,
            folder=str(folder),
            seed=take.seed,
            made=True,
            seconds=take.seconds,
            matte_coverage=take.matte_coverage,
            outside_change=0,
        )
        self.push_event(job, done)
        return take

    def finish(self, job: str) -> None:
        """Finish a job."""
        self.push_event(job, JobDone(output=self.jobs[job].output, takes=[1], timeline=None))
        self.change(job, state="done")

    def fail(self, job: str, failure: Failure) -> None:
        """Fail a job."""
        self.change(job, state="failed", failure=failure, position=None)

    def die(self) -> None:
        """Stop answering on every session."""
        for session in list(self.sessions):
            session.lose()

    # Requests ---------------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply | Problem:
        """Answer a request."""
        self.requests.append(request)
        if type(request) in self.refusals:
            return self.refusals[type(request)]
        handle = getattr(self, f"_{type(request).__name__.lower()}", None)
        return handle(request) if handle else Done()

    def _submit(self, request: Submit) -> Reply:
        spec = request.spec
        number = len(self.jobs) + 1
        queued = sum(job.state == "queued" for job in self.jobs.values())
        job = Job(
            id=f"{number:012x}",
            token=request.token,
            state="queued",
            instruction=spec.instruction,
            source=spec.start.source if isinstance(spec.start, ClipSource) else "",
            model=spec.model or "tiny",
            quality=spec.quality,
            seed=spec.seed,
            takes=spec.takes,
            output=spec.output or "/service/folder",
            created=self._now(),
            changed=self._clock,
            events=0,
            attempt=1,
            position=queued + 1,
        )
        self.jobs[job.id], self.specs[job.id], self.events[job.id] = job, spec, []
        return JobReply(job=job, spec=spec)

    def _approve(self, request: Approve) -> Reply:
        self.approved[request.job] = request.plan
        self._queue(request.job)
        return JobReply(job=self.jobs[request.job])

    def _cancel(self, request: Cancel) -> Reply:
        job = self.jobs.get(request.job)
        if job is None:
            return CancelReply(outcome="not_found")
        if job.state == "done":
            return CancelReply(outcome="already_done")
        self.change(request.job, state="cancelled", position=None)
        return CancelReply(outcome="cancelled")

    def _pausejob(self, request: PauseJob) -> Reply:
        self.change(request.job, state="paused", position=None)
        return JobReply(job=self.jobs[request.job])

    def _retry(self, request: Retry) -> Reply:
        facts = {"footprint": request.footprint} if request.footprint else {}
        self._queue(request.job, failure=None, **facts)
        return JobReply(job=self.jobs[request.job])

    def _queue(self, job: str, **facts: Any) -> None:
        """Put a job behind all queued ones."""
        waiting = sum(each.state == "queued" and each.id != job for each in self.jobs.values())
        self.change(job, state="queued", position=waiting + 1, **facts)

    def _reorder(self, request: Reorder) -> Reply:
        waiting = sorted((j for j in self.jobs.values() if j.state == "queued"), key=lambda j: j.position)
        order = [job.id for job in waiting if job.id != request.job]
        order.insert(order.index(request.before) if request.before else len(order), request.job)
        for place, job in enumerate(order, start=1):
            self.change(job, position=place)
        return JobReply(job=self.jobs[request.job])

    def _listjobs(self, request: ListJobs) -> Reply:
        return Jobs(jobs=tuple(reversed(self.jobs.values())))

    def _getjob(self, request: GetJob) -> Reply | Problem:
        if request.job not in self.jobs:
            return refusal("not_found", "There is no such job.")
        return JobReply(job=self.jobs[request.job], spec=self.specs[request.job], plan=self.plans.get(request.job))

    def _listtakes(self, request: ListTakes) -> Reply:
        return Takes(takes=tuple(each for each in self.entries.values() if request.job in (None, each.job)))

    def _settake(self, request: SetTake) -> Reply:
        entry = self.entries[request.job, request.take]
        changes: dict[str, Any] = {}
        if request.status is not None:
            changes["status"] = request.status
        if request.notes is not None:
            changes["notes"] = list(request.notes)
        entry = msgspec.structs.replace(entry, take=msgspec.structs.replace(entry.take, **changes))
        self.entries[request.job, request.take] = entry
        return Takes(takes=(entry,))

    def _listmodels(self, request: ListModels) -> Reply:
        return Models(models=self.models)

    def _estimate(self, request: Estimate) -> Reply:
        share = {"draft": 0.4, "standard": 1.0, "reference": 4.0}[request.quality]
        return Estimated(
            forwards=round(279 * share),
            seconds=None if self.seconds is None else self.seconds * share * request.takes,
            memory_bytes=2_100_000_000,
            disk_bytes=120_000_000 * request.takes,
            model_frames=25,
            model_width=160,
            model_height=96,
            model_rate="8",
        )

    def _uploadbegin(self, request: UploadBegin) -> Reply:
        self._sizes[request.sha256] = request.bytes
        return self._upload_state(request.sha256)

    def _uploadchunk(self, request: UploadChunk) -> Reply:
        self.uploaded[request.sha256] = self.uploaded.get(request.sha256, b"")[: request.offset] + request.data
        return self._upload_state(request.sha256)

    def _upload_state(self, sha256: str) -> UploadState:
        have = len(self.uploaded.get(sha256, b""))
        return UploadState(sha256=sha256, have=have, complete=have == self._sizes[sha256])

    def _pausequeue(self, request: PauseQueue) -> Reply:
        self.paused = request.on
        for session in self.sessions:
            session.push(QueuePaused(on=request.on))
        return Done()

    def pong(self) -> Pong:
        """The answer to a ping."""
        running = sum(job.state in ("refining", "encoding", "inverting") for job in self.jobs.values())
        queued = sum(job.state == "queued" for job in self.jobs.values())
        state = "busy" if running else "idle"
        return Pong(state=state, workers=self.workers, queued=queued, running=running, paused=self.paused)

    def _now(self) -> float:
        self._clock += 1
        return self._clock


class FakeSession:
    """Replaces `bridge.wire.session.Session`; replies are delivered by the next `step`."""

    def __init__(self, service: FakeService) -> None:
        self.service = service
        self.state, self.problem, self.welcome = "connecting", None, None
        self.on_state: Callable = lambda state: None
        self.on_push: Callable = lambda push: None
        self.on_pong: Callable = lambda pong: None
        self.on_fd: Callable = lambda fd: None
        self.fd = None
        self._due: list[Callable[[], None]] = [self.connect]
        self._followed: dict[str, Callable] = {}
        self.closed = False
        service.sessions.append(self)

    def connect(self) -> None:
        """Accept the session."""
        self.welcome = Welcome(
            protocol=1,
            version="0.1.0",
            service="one",
            capabilities=self.service.capabilities,
            limits=Limits(message_bytes=1 << 24, chunk_bytes=1 << 20, transfers=4, queue=100),
            media_roots=("/",),
            shared=False,
            owner=True,
            paused=self.service.paused,
        )
        self.state, self.problem = "ready", None
        self.on_state("ready")
        self.on_pong(self.service.pong())

    def lose(self, state: str = "silent", problem: Problem | None = None) -> None:
        """Break the connection."""
        self.state = state
        self.problem = problem or Unreachable("No answer.", "", "Start the backend.")
        self._due.append(lambda: self.on_state(state))

    def next_due(self) -> float:
        return 0.0 if self._due else 0.02

    def send(self, request: Request, timeout_seconds: float, on_reply: Callable) -> int:
        if self.state != "ready":
            self._due.append(lambda: on_reply(Unreachable("No answer.", "", "")))
        else:
            outcome = self.service.answer(request)
            self._due.append(lambda: on_reply(outcome))
        return len(self.service.requests)

    def follow_job(self, job: str, first: int, on_event: Callable, on_problem: Callable | None = None) -> None:
        self._followed[job] = on_event
        for event in self.service.events.get(job, [])[first - 1 :]:
            self._due.append(lambda event=event: on_event(event))

    def unfollow_job(self, job: str) -> None:
        self._followed.pop(job, None)

    def event(self, job: str, event: Numbered) -> None:
        """Push an event to the followers of a job."""
        if job in self._followed and self.state == "ready":
            self.push(EventPushed(job=job, event=event))

    def push(self, push: Any) -> None:
        """Push a message."""
        if self.state != "ready":
            return
        if isinstance(push, EventPushed):
            reported = self._followed[push.job]
            self._due.append(lambda: reported(push.event))
        else:
            self._due.append(lambda: self.on_push(push))

    def step(self, timeout_ms: int = 0) -> None:
        due, self._due = self._due, []
        for each in due:
            each()

    def close(self) -> None:
        self.closed = True
        if self in self.service.sessions:
            self.service.sessions.remove(self)


class FakeClient:
    """Replaces `bridge.wire.client.Client` for file transfers."""

    call_many = None

    def __init__(self, service: FakeService) -> None:
        session = FakeSession(service)
        session.connect()
        service.sessions.remove(session)
        self.welcome = session.welcome
        self.call = lambda request, timeout=0.0: service.answer(request)

    def close(self) -> None:
        """Nothing to close."""


class FakeServices:
    """Finds or starts the fake backend; `missing` is the problem that starting raises."""

    def __init__(self, service: FakeService, runs: bool = True) -> None:
        self.service, self.runs, self.starts = service, runs, 0
        self.missing: Problem | None = None

    def find(self) -> Endpoint | None:
        return Endpoint("tcp://127.0.0.1:1", "key", True) if self.runs else None

    def client(self, endpoint: Endpoint) -> FakeClient:
        return FakeClient(self.service)

    def start(self) -> Endpoint:
        self.starts += 1
        if self.missing is not None:
            raise self.missing
        self.runs = True
        return Endpoint("tcp://127.0.0.1:2", "key", True)

    def open(self, endpoint: Endpoint) -> FakeSession:
        return FakeSession(self.service)


def refusal(kind: str, what: str, why: str = "", remedy: str = "") -> Refusal:
    """A refusal as the session reports it."""
    return Refusal(kind, what, why, remedy)


def make_take(job: Job, number: int, **more: Any) -> Take:
    """A take's record, without its files."""
    made = {
        "id": f"{int(job.id, 16):x}-{number}",
        "name": f"take {number:02d}",
        "instruction": job.instruction,
        "request": {"levels": [919, 799, 679, 559, 439], "seed": job.seed + number - 1},
        "plan": PLAN,
        "model": job.model,
        "licence": "GPL-3.0-or-later",
        "assistant": "offline",
        "seed": job.seed + number - 1,
        "created": f"2026-01-01T10:{int(job.id, 16):02d}:{number:02d}+00:00",
        "version": "0.1.0",
        "seconds": {"inverting": 21.0, "refining": 62.0, "delivering": 6.0},
        "matte_coverage": 0.07,
        "outside_change": 0.0,
        "media": [
            MediaFile(role="layer", path="layer.mov", sha256="0" * 64, bytes=1),
            MediaFile(role="composite", path="composite.mov", sha256="0" * 64, bytes=1),
            MediaFile(role="preview", path="preview.mp4", sha256="0" * 64, bytes=1),
        ],
        "layer": "layer.mov",
        "composite": "composite.mov",
        "frame_count": 18,
    }
    return Take(**{**made, **more})


__all__ = ["PLAN", "CPU", "FakeService", "FakeServices", "FakeSession", "make_take", "refusal"]
