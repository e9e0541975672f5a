"""Updates the plan from the events of its job: while it is written, when it waits for approval, when it fails."""

from __future__ import annotations

from PyQt6.QtCore import QObject, QTimer

from bridge.wire.messages import Job, Model
from contract.errors import BAD_INPUT, BAD_USAGE
from contract.job import JobSpec, TakeSource
from plugin.panel.models.ask.ask import AskModel
from plugin.panel.models.ask.model_fetching import progress_text
from plugin.panel.models.ask.plan import PlanModel
from plugin.panel.models.backend.backend import BackendModel
from plugin.panel.models.jobs.jobs import JobsModel
from plugin.panel.models.shot.shot import ShotModel

_LOOK_EVERY_MS = 2000


class PlanWatch(QObject):
    """Keeps the plan in step with its job. A waiting plan of the selected shot is shown when no other is."""

    def __init__(
        self,
        plan: PlanModel,
        ask: AskModel,
        shot: ShotModel,
        backend: BackendModel,
        jobs: JobsModel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._plan, self._ask, self._shot, self._backend = plan, ask, shot, backend
        self._jobs, self._takes = jobs, jobs.takes
        jobs.jobChanged.connect(self._job_changed)
        jobs.planKnown.connect(self._plan_known)
        backend.changed.connect(lambda name: self._report_stage() if name in ("headline", "detail") else None)
        self._look = QTimer(self)
        self._look.setInterval(_LOOK_EVERY_MS)
        self._look.timeout.connect(self._report_stage)

    def open(self, job: str) -> None:
        """Show the plan of a job that waits for approval."""
        if job in self._jobs.plans and job in self._takes.jobs:
            self._show_plan(job)

    def try_again(self) -> bool:
        """Retry the failed job of the plan, which resumes from its finished work; False when there is none."""
        progress = self._takes.jobs.get(self._plan.job)
        if self._plan.state != "failed" or progress is None or progress.job.state != "failed":
            return False
        self._plan.problem, self._plan.stage = None, "Queued…"
        self._plan.state = "waiting"
        self._jobs.retry(progress.job.id)
        return True

    def held(self, job: Job) -> None:
        """The submitted job is in the queue; the plan follows it from now on."""
        if self._plan.state == "waiting" and not self._plan.job:
            self._plan.job = job.id
            self._job_changed(job)

    def _plan_known(self, job: str) -> None:
        if job == self._plan.job and self._plan.state != "ready":
            known = self._jobs.plans[job]
            self._plan.show(known.plan, known.remarks)
            self._plan.masks = known.masks
        elif job == self._plan.job:
            self._plan.masks = self._jobs.plans[job].masks
        progress = self._takes.jobs.get(job)
        if progress is not None:
            self._job_changed(progress.job)

    def _job_changed(self, job: Job) -> None:
        mine = job.id == self._plan.job
        waiting_here = self._takes.shots.get(job.id) == self._shot.key and self._plan.state == "none" and self._shot.key
        if job.state == "awaiting_approval" and job.id in self._jobs.plans and (mine or waiting_here):
            if self._plan.state != "ready":
                self._show_plan(job.id)
        elif mine and self._plan.state == "waiting":
            self._plan_goes_on(job)
        elif mine and self._plan.state == "ready" and job.state != "awaiting_approval":
            self._plan.clear()

    def _report_stage(self) -> None:
        if self._plan.state != "waiting":
            self._look.stop()
        elif self._plan.job in self._takes.jobs:
            self._plan_goes_on(self._takes.jobs[self._plan.job].job)

    def _plan_goes_on(self, job: Job) -> None:
        stages = {
            "queued": "Waiting for the backend’s worker to start…" if self._backend.warming else "Queued…",
            "preparing": "Reading the shot, loading the model…",
            "planning": "Writing the plan, segmenting objects…",
        }
        model = self._fetched(job)
        if model is not None:
            self._plan.stage = progress_text(model, self._backend.local)
            self._look.start()
        else:
            self._plan.stage = stages.get(job.state, self._plan.stage)
            self._look.stop()
        if job.state == "failed" and job.failure is not None:
            problem = job.failure.as_problem()
            self._jobs.dismiss(job.id)
            # A wrong request would fail again.
            wrong = job.failure.exit_code in (BAD_USAGE, BAD_INPUT)
            self._plan.fail(problem, "again" in job.failure.offers and not wrong)
            self._backend.list_models()
        elif job.state == "cancelled":
            self._plan.clear()

    def _fetched(self, job: Job) -> Model | None:
        """The model that a job is downloading; None when it downloads none."""
        asked = self._plan.asked
        if job.state != "preparing" or asked is None or not asked.download:
            return None
        return next((each for each in self._backend.models if each.name == job.model and not each.installed), None)

    def _show_plan(self, job: str) -> None:
        known, asked = self._jobs.plans[job], self._plan.asked if job == self._plan.job else None
        self._plan.clear()
        spec = self._jobs.specs.get(job)
        self._plan.refined = spec if spec is not None and isinstance(spec.start, TakeSource) else None
        if asked is None:
            # A plan from before a restart: restore the settings that it was made with.
            self._set_choices(self._takes.jobs[job].job, spec)
        self._plan.job, self._plan.asked = job, asked or self._ask.spec()
        self._plan.show(known.plan, known.remarks)
        self._plan.checked = self._takes.jobs[job].checked
        self._plan.masks = known.masks
        self._plan.ready()
        if self._plan.asked is not None and self._plan.asked.download:
            self._backend.list_models()

    def _set_choices(self, job: Job, spec: JobSpec | None) -> None:
        ask = self._ask
        if spec is not None:
            ask.choose(spec)
        ask.instruction, ask.quality, ask.takes, ask.model = job.instruction, job.quality, job.takes, job.model
        ask.seed = job.seed
