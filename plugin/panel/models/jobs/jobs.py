"""Jobs as they run: submitting, following every event, pausing, cancelling, trying again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import msgspec
from PyQt6.QtCore import QObject, pyqtSignal

from bridge.wire.messages import (
    Approve,
    Cancel,
    CancelReply,
    GetJob,
    Job,
    JobReply,
    Jobs,
    ListJobs,
    ListTakes,
    Numbered,
    PauseJob,
    Reorder,
    Retry,
    Submit,
    Takes,
)
from contract.errors import Problem
from contract.events import (
    FoundMask,
    JobDone,
    JobFailed,
    JobNotice,
    MasksFound,
    PlanReady,
    PreviewWritten,
    ShotChecked,
    StageProgress,
    TakeDone,
)
from contract.job import JobSpec
from contract.plan import Plan
from contract.states import ENDED
from plugin.panel.models.backend.backend import BackendModel
from plugin.panel.models.takes.finished_takes import FinishedTakes
from plugin.panel.models.takes.takes import TakesModel
from plugin.panel.models.transfers.job_files import JobFiles


@dataclass
class KnownPlan:
    """A job's plan, as far as its events have reported it."""

    plan: Plan
    remarks: tuple[str, ...] = ()
    masks: tuple[FoundMask, ...] = ()


class JobsModel(QObject):
    """Sends requests about jobs to the backend and keeps `takes` up to date from its events.

    `jobChanged` carries the job, `planKnown` its id, `takeFinished` the job's id and the take's number,
    `problemFound` a Problem for the artist, `message` a sentence for the artist.
    """

    jobChanged = pyqtSignal(object)
    planKnown = pyqtSignal(str)
    takeFinished = pyqtSignal(str, int)
    problemFound = pyqtSignal(object)
    message = pyqtSignal(str)

    def __init__(
        self,
        backend: BackendModel,
        takes: TakesModel,
        files: JobFiles,
        finished: FinishedTakes,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._backend, self.takes, self._files, self.finished = backend, takes, files, finished
        self.plans: dict[str, KnownPlan] = {}
        self.specs: dict[str, JobSpec] = {}
        self._followed: set[str] = set()
        self._link: object | None = None
        backend.readied.connect(self.reload)
        backend.jobChanged.connect(self._changed)

    # Requests ---------------------------------------------------------------------------------------------------------

    def submit(self, token: str, spec: JobSpec, done: Callable[[Job], None], failed: Callable) -> None:
        """Submit a job to the queue."""

        def submitted(reply: JobReply) -> None:
            self.specs[reply.job.id] = spec
            self._changed(reply.job)
            done(reply.job)

        self._backend.call(Submit(token=token, spec=spec), submitted, failed, 60.0)

    def approve(self, job: str, plan: Plan | None, failed: Callable[[Problem], None]) -> None:
        """Approve the plan of a waiting job, with the edited plan where it was edited."""
        self._backend.call(Approve(job=job, plan=plan), self._job_replied, failed)

    def pause(self, job: str) -> None:
        """Stop a job after its current step; it can resume from there."""
        self._backend.call(PauseJob(job=job), self._job_replied, self.problemFound.emit)

    def cancel(self, job: str, quietly: bool = False) -> None:
        """Cancel a job; `quietly` shows no message, and no line of the cancelled job."""
        if quietly:
            self.takes.dismiss(job)

        def answered(reply: CancelReply) -> None:
            texts = {
                "cancelled": "Cancelled.",
                "already_done": "It was finished already.",
                "not_found": "The backend does not know this job.",
            }
            if not quietly:
                self.message.emit(texts[reply.outcome])
            self._backend.call(GetJob(job=job), self._job_replied, self.problemFound.emit)

        self._backend.call(Cancel(job=job), answered, self.problemFound.emit)

    def retry(self, job: str, small: bool = False) -> None:
        """Queue an ended or paused job again, with `small` in less memory."""

        def queued(reply: JobReply) -> None:
            self.takes.restore(job)
            self._job_replied(reply)

        self._backend.call(Retry(job=job, footprint="small" if small else None), queued, self.problemFound.emit)

    def move(self, job: str, steps: int) -> None:
        """Move a queued job up (-1) or down (1) by one place."""
        other = self.takes.neighbour_in_queue(job, steps)
        if other is None:
            return
        before = other if steps < 0 else self.takes.neighbour_in_queue(job, 2)

        def moved(reply: JobReply) -> None:
            self._job_replied(reply)
            self._backend.call(ListJobs(), self._jobs_replied, self.problemFound.emit)

        self._backend.call(Reorder(job=job, before=before), moved, self.problemFound.emit)

    def dismiss(self, job: str) -> None:
        """Remove an ended job from the list."""
        self.takes.dismiss(job)

    # Events -----------------------------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Request the lists again, then every event that was missed."""
        if self._backend.link is not self._link:
            self._link = self._backend.link
            self._followed.clear()
        self._backend.call(ListJobs(), self._jobs_replied, self.problemFound.emit)
        self.finished.reload()

    def _jobs_replied(self, reply: Jobs) -> None:
        self.takes.set_jobs(reply.jobs)
        for job in reply.jobs:
            self._look_at(job)

    def _job_replied(self, reply: JobReply) -> None:
        self._changed(reply.job)

    def _changed(self, job: Job) -> None:
        self.takes.set_job(job)
        self._look_at(job)

    def _look_at(self, job: Job) -> None:
        if job.state in ENDED and job.id in self._followed and self._all_received(job):
            self._unfollow(job.id)
        elif job.state not in ENDED and job.id not in self._followed and self._backend.link is not None:
            self._followed.add(job.id)
            first = self.takes.jobs[job.id].next_event
            self._backend.link.follow(
                job.id, first, lambda reported: self._happened(job.id, reported), self.problemFound.emit
            )
        if job.state == "awaiting_approval" and not (job.id in self.plans and job.id in self.specs):
            self._backend.call(GetJob(job=job.id), self._plan_replied, self.problemFound.emit)
        self.jobChanged.emit(job)

    def _all_received(self, job: Job) -> bool:
        return self.takes.jobs[job.id].next_event > job.events

    def _unfollow(self, job: str) -> None:
        self._followed.discard(job)
        if self._backend.link is not None:
            self._backend.link.unfollow(job)

    def _plan_replied(self, reply: JobReply) -> None:
        if reply.spec is not None:
            self.specs[reply.job.id] = reply.spec
        if reply.plan is not None and reply.job.id not in self.plans:
            self.plans[reply.job.id] = KnownPlan(reply.plan)
            self.planKnown.emit(reply.job.id)

    def _happened(self, job: str, reported: Numbered) -> None:
        progress = self.takes.jobs[job]
        progress.next_event = reported.number + 1
        event = reported.event
        if isinstance(event, StageProgress):
            self.takes.set_progress(job, event)
        elif isinstance(event, ShotChecked):
            self.takes.set_checked(job, event.report)
        elif isinstance(event, PlanReady):
            self.plans[job] = KnownPlan(event.plan, tuple(event.remarks))
            self.planKnown.emit(job)
        elif isinstance(event, MasksFound) and job in self.plans:
            self.plans[job].masks = tuple(msgspec.structs.replace(each, path=None) for each in event.masks)
            for place, each in enumerate(event.masks):
                if each.path:
                    self._files.picture(progress.job, each.path, partial(self._mask_fetched, job, place))
            self.planKnown.emit(job)
        elif isinstance(event, PreviewWritten):
            self._files.picture(progress.job, event.path, lambda path: self.takes.set_preview(job, path))
        elif isinstance(event, JobNotice):
            progress.notices.append(event.text)
            self.message.emit(event.text)
        elif isinstance(event, TakeDone):
            self._backend.call(
                ListTakes(job=job),
                lambda reply: self._finished(job, event.take, reply),
                self.problemFound.emit,
            )
        elif (
            isinstance(event, JobDone | JobFailed) and progress.job.state in ENDED and self._all_received(progress.job)
        ):
            self._unfollow(job)

    def _mask_fetched(self, job: str, place: int, path: str) -> None:
        masks = self.plans[job].masks
        found = msgspec.structs.replace(masks[place], path=path)
        self.plans[job].masks = (*masks[:place], found, *masks[place + 1 :])
        self.planKnown.emit(job)

    def _finished(self, job: str, number: int, reply: Takes) -> None:
        self.finished.update(reply, just_made=True)
        self.takeFinished.emit(job, number)
