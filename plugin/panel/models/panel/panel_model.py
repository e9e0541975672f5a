"""The whole panel without a window: the models and their connections."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.editorial.clip_list import Shot
from contract.errors import Problem
from contract.job import AfterPlan, JobSpec
from contract.plan import Plan
from plugin.background_runner import BackgroundRunner
from plugin.hosts.base import Host, OpensTimelines
from plugin.panel.models.ask.ask import AskModel
from plugin.panel.models.ask.following_up import FollowingUp, asked_for
from plugin.panel.models.ask.history import History
from plugin.panel.models.ask.length_check import check_length
from plugin.panel.models.ask.placed_jobs import ResultFolders
from plugin.panel.models.ask.plan import PlanModel
from plugin.panel.models.ask.plan_watch import PlanWatch
from plugin.panel.models.ask.submitting import Submitting
from plugin.panel.models.backend.backend import BackendModel, Services
from plugin.panel.models.jobs.jobs import JobsModel
from plugin.panel.models.observable import Field, Observable
from plugin.panel.models.panel.review_decisions import ReviewDecisions
from plugin.panel.models.panel.session_state import SessionState
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.models.shot.shot import ShotModel
from plugin.panel.models.takes.finished_takes import FinishedTakes
from plugin.panel.models.takes.placing import PlacementsModel
from plugin.panel.models.takes.review_outbox import ReviewOutbox
from plugin.panel.models.takes.takes import TakesModel
from plugin.panel.models.transfers.job_files import JobFiles
from plugin.panel.review.follow_up import FollowUp


class PanelModel(Observable):
    """Everything that the window shows and does. Call `begin` once, `close` at the end.

    `reviewRequested` asks for the review of the take with this id; `planRequested` asks for the plan to be visible.
    """

    reviewRequested = pyqtSignal(str)
    planRequested = pyqtSignal()

    problem: Field[Problem | None] = Field(None)
    message: Field[str] = Field("")
    all_shots: Field[bool] = Field(False)
    host_busy: Field[bool] = Field(False)

    def __init__(
        self,
        host: Host,
        services: Services,
        settings: SettingsStore,
        background: BackgroundRunner,
        parent: QObject | None = None,
        *,
        transfers: BackgroundRunner | None = None,
    ) -> None:
        """`transfers` runs uploads and downloads, which may take hours; `background` when None."""
        super().__init__(parent)
        self.host, self.settings = host, settings
        self.backend = BackendModel(services, background, self)
        self.shot = ShotModel(host, background, self)
        self.history = History(settings.get("history", ()), self)
        self.ask = AskModel(self.backend, self.shot, self.history, self)
        self.plan = PlanModel(self)
        self.takes = TakesModel(self)
        folders = ResultFolders(host, settings)
        self.files = JobFiles(self.backend, services, folders.fetched_folder, transfers or background, self)
        self.transfers = self.files.transfers
        outbox = ReviewOutbox(settings.folder / "review_outbox.json")
        self.finished = FinishedTakes(self.backend, self.takes, self.files, outbox, self)
        self.jobs = JobsModel(self.backend, self.takes, self.files, self.finished, self)
        self.placements = PlacementsModel(self.shot, self.takes, self)
        self.decisions = ReviewDecisions(self.jobs, self.ask, self.placements, self)
        self.plans = PlanWatch(self.plan, self.ask, self.shot, self.backend, self.jobs, self)
        self.follow_ups = FollowingUp(self.files, self.jobs, settings, self)
        self.submitting = Submitting(host, settings, self.backend, self.files, self.jobs, folders, self)
        self._session = SessionState(settings, host, self.shot, self.ask, self.takes, self.history)
        self._session.restore()
        self.shot.selected.connect(self._shot_selected)
        for each in (self.jobs, self.finished, self.backend):
            each.problemFound.connect(self._show_problem)
        self.decisions.problemFound.connect(self._show_problem)
        self.placements.versionAdded.connect(lambda text: setattr(self, "message", text))
        self.jobs.message.connect(lambda text: setattr(self, "message", text))
        self.placements.changed.connect(
            lambda name: self._show_problem(self.placements.problem) if name == "problem" else None
        )

    # Beginning and ending ---------------------------------------------------------------------------------------------

    def begin(self, timeline: Path | None = None) -> None:
        """Connect, and open the given timeline or the last one."""
        self.backend.begin()
        last = self.settings.get("timeline", "")
        if isinstance(self.host, OpensTimelines):
            if timeline is None and last and Path(last).exists():
                timeline = Path(last)
            if timeline is not None:
                clip = self.settings.get("clip", 0) if str(timeline) == last else 0
                self.shot.open(timeline, then=lambda: self._choose_again(clip))
        self.shot.refresh()

    def _choose_again(self, clip: int) -> None:
        """The clip of the last session, where none is chosen yet."""
        if self.shot.current is None and clip:
            self.shot.choose(clip)

    def close(self) -> None:
        """Save the session and disconnect from the backend."""
        self.save_session()
        self.transfers.close()
        self.backend.close()

    def save_session(self) -> None:
        """Save what a restart restores."""
        self._session.save()

    # Plan and generate ------------------------------------------------------------------------------------------------

    @property
    def plan_hindrance(self) -> str:
        """Why no plan can be made, "" when one can."""
        return self.ask.hindrance

    @property
    def generate_hindrance(self) -> str:
        """Why nothing can be generated, "" when it can."""
        if self.ask.hindrance:
            return self.ask.hindrance
        if self.plan.state != "ready":
            return "Make a plan first. It shows what will be generated."
        if self.plan.asked is not None and self.plan.asked.instruction != self.ask.spec().instruction:
            return "The instruction has changed: plan again."
        return self.plan.hindrance

    def make_plan(self, keep_edits: bool = False) -> None:
        """Have a plan written and its objects segmented; nothing is generated yet.

        With `keep_edits` the edited plan is kept and only its objects are segmented. A clip that the host has to
        render is rendered first.
        """
        if not self.plan_hindrance:
            self._when_it_fits(lambda: self.shot.when_current(lambda: self._make_plan(keep_edits), self._show_problem))

    def _when_it_fits(self, then: Callable[[], None]) -> None:
        """Call `then` unless the selected clip has to be rendered first and is too long for the model anyway."""
        index = self.shot.current
        if index is None or not self.shot.awaits_export:
            then()
        else:
            check_length(self.backend, self.host, index, self.ask.model_name, then, self._show_problem)

    def try_plan_again(self) -> None:
        """Try the failed plan again."""
        if not self.plans.try_again():
            self.make_plan()

    def _make_plan(self, keep_edits: bool) -> None:
        shot = self.shot.shot
        if self.plan_hindrance or shot is None:
            return
        edited = self.plan.whole() if keep_edits and self.plan.state == "ready" else None
        self._drop_held()
        asked = self.ask.spec()
        self.plan.wait_for(asked)
        self.history.add(asked.instruction)
        self._submit(shot, asked, edited, "wait")

    def generate(self) -> None:
        """Generate the takes from the edited plan."""
        if not self.generate_hindrance:
            self.shot.when_current(self._generate, self._show_problem)

    def _generate(self) -> None:
        shot = self.shot.shot
        if self.generate_hindrance or shot is None:
            self.message = self.generate_hindrance
            return
        asked = self.ask.spec()
        if self.plan.job and asked == self.plan.asked:
            self.jobs.approve(self.plan.job, self.plan.as_edited(), self._show_problem)
        else:
            # The settings differ from those of the waiting job: submit another job with the plan.
            plan, refined = self.plan.whole(), self.plan.refined
            self._drop_held()
            if refined is not None and plan is not None:
                self.follow_ups.submit_again(refined, asked, plan, self.shot.key, self._show_problem)
            else:
                self._submit(shot, asked, plan, "generate")
        self.ask.used()
        # The plan is kept for more takes; its job is no longer waiting.
        self.plan.job = ""

    def drop_plan(self) -> None:
        """Discard the plan and cancel its job."""
        self._drop_held()
        self.plan.clear()

    def open_plan(self, job: str) -> None:
        """Show the plan of a job that waits for approval."""
        self.plans.open(job)

    # Takes ------------------------------------------------------------------------------------------------------------

    def follow_up(self, take_id: str, wanted: FollowUp) -> None:
        """Make a follow-up of a take as the review asks; a new instruction has its plan approved first."""
        entry = self.decisions.entry(take_id)
        if entry is None:
            return
        self.history.add(wanted.instruction)
        if not self.follow_ups.needs_plan(entry, wanted):
            done = lambda job: setattr(self, "message", "The follow-up is queued.")  # noqa: E731
            self.follow_ups.submit(entry, wanted, self.ask.spec(), self.placements.layer, done, self._show_problem)
            return
        self._drop_held()
        asked = asked_for(self.ask, wanted)
        self.plan.wait_for(asked)
        self.planRequested.emit()
        submitted, failed = self.plans.held, lambda problem: self._not_submitted(problem, True)
        self.follow_ups.submit(entry, wanted, asked, self.placements.layer, submitted, failed)

    def show_all_shots(self, on: bool) -> None:
        """List the jobs and takes of all shots, or of the selected one."""
        self.all_shots = on
        self.takes.show_shot("" if on else self.shot.key or "-")

    # Between the models -----------------------------------------------------------------------------------------------

    def _submit(self, shot: Shot, asked: JobSpec, plan: Plan | None, after_plan: AfterPlan) -> None:
        waits = after_plan == "wait"
        sending = self.submitting.submit(
            asked,
            shot,
            self.shot.key,
            plan,
            after_plan,
            self.plans.held if waits else lambda job: None,
            lambda problem: self._not_submitted(problem, waits),
            # The artist may have cancelled the plan while the shot was uploaded.
            lambda: not waits or self.plan.state == "waiting",
        )
        if waits and self.plan.state == "waiting":
            self.plan.sending = sending

    def _not_submitted(self, problem: Problem, for_plan: bool) -> None:
        if problem.kind == "cancelled":
            if for_plan:
                self.plan.clear()
            self.message = "The shot was not sent; the part sent so far is kept."
        elif for_plan:
            self.plan.fail(problem)
        else:
            self._show_problem(problem)

    def _drop_held(self) -> None:
        self.transfers.dismiss(self.plan.sending)
        job = self.takes.jobs.get(self.plan.job)
        if job is not None and self.plan.state in ("waiting", "ready"):
            self.jobs.cancel(job.job.id, quietly=True)

    def _shot_selected(self) -> None:
        self.show_all_shots(self.all_shots)
        self.finished.look_at_shot(self.shot.key)
        self.ask.draw_region(None)
        self.transfers.dismiss(self.plan.sending)
        self.plan.clear()
        for progress in self.takes.jobs.values():
            if progress.shot == self.shot.key and progress.job.state == "awaiting_approval":
                self.open_plan(progress.job.id)

    def _show_problem(self, problem: Problem | None) -> None:
        if problem is not None:
            self.problem = problem
