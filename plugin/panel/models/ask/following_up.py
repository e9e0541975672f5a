"""A child of a take: its job, and its plan, which is read before anything long runs."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from PyQt6.QtCore import QObject

from bridge.wire.messages import Job, TakeEntry
from contract.errors import Problem
from contract.job import InputFile, JobSpec, LayerKind
from contract.plan import Plan
from plugin.panel.models.ask.ask import AskModel
from plugin.panel.models.ask.placed_jobs import of_take, token_for
from plugin.panel.models.jobs.jobs import JobsModel
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.models.transfers.job_files import JobFiles
from plugin.panel.review.follow_up import FollowUp

Failed = Callable[[Problem], None]


class FollowingUp(QObject):
    """Submits children of takes.

    Where the instruction stays, the parent's plan stays as well, and the child is made at once; another instruction
    needs a plan of its own, so that its job waits until the plan was read.
    """

    def __init__(
        self, files: JobFiles, jobs: JobsModel, settings: SettingsStore, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._files, self._jobs, self._settings = files, jobs, settings

    def needs_plan(self, entry: TakeEntry, wanted: FollowUp) -> bool:
        """Whether a plan has to be written and read first."""
        return wanted.instruction.strip() != entry.take.instruction.strip()

    def submit(
        self,
        entry: TakeEntry,
        wanted: FollowUp,
        asked: JobSpec,
        layer: LayerKind | None,
        done: Callable[[Job], None],
        failed: Failed,
    ) -> None:
        """Submit a child of a take as the review wants it; it waits where a plan is to be read."""
        spec = of_take(entry, wanted, asked, self._settings, layer)
        if self.needs_plan(entry, wanted):
            spec = msgspec.structs.replace(spec, after_plan="wait")
        else:
            spec = msgspec.structs.replace(spec, plan=entry.take.plan)
        token = token_for(self._jobs.takes.shots.get(entry.job, ""))
        if wanted.mask is None:
            self._jobs.submit(token, spec, done, failed)
            return

        def sent(inputs: tuple[InputFile, ...]) -> None:
            self._jobs.submit(token, msgspec.structs.replace(spec, inputs=inputs), done, failed)

        self._files.send_mask(wanted.mask, sent, failed)

    def submit_again(self, spec: JobSpec, asked: JobSpec, plan: Plan, shot: str, failed: Failed) -> None:
        """Submit the same child with other choices and a plan that was read."""
        spec = msgspec.structs.replace(
            spec, seed=asked.seed, quality=asked.quality, takes=asked.takes, plan=plan, after_plan="generate"
        )
        self._jobs.submit(token_for(shot), spec, _nothing, failed)


def asked_for(ask: AskModel, wanted: FollowUp) -> JobSpec:
    """The choices of a child: those of the question, with its own instruction, one take, and no box of the question."""
    ask.instruction, ask.takes, ask.region = wanted.instruction.strip(), 1, None
    return ask.spec()


def _nothing(job: Job) -> None:
    """The list shows the job."""
