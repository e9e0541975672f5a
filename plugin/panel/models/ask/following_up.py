"""Submits follow-ups of takes; a new plan is approved before anything is generated."""

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
    """Submits follow-ups of takes.

    With the parent's instruction the parent's plan is kept and the take is generated at once. A new instruction needs
    a plan of its own; the job then waits for approval.
    """

    def __init__(
        self, files: JobFiles, jobs: JobsModel, settings: SettingsStore, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._files, self._jobs, self._settings = files, jobs, settings

    def needs_plan(self, entry: TakeEntry, wanted: FollowUp) -> bool:
        """Whether a new plan has to be written and approved first."""
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
        """Submit the follow-up of a take that the review asks for; it waits for approval where it needs a plan."""
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
        """Submit the same follow-up with changed settings and an approved plan."""
        spec = msgspec.structs.replace(
            spec, seed=asked.seed, quality=asked.quality, takes=asked.takes, plan=plan, after_plan="generate"
        )
        self._jobs.submit(token_for(shot), spec, _nothing, failed)


def asked_for(ask: AskModel, wanted: FollowUp) -> JobSpec:
    """The settings of a follow-up: those of the ask, with its own instruction, one take and no region."""
    ask.instruction, ask.takes, ask.region = wanted.instruction.strip(), 1, None
    return ask.spec()


def _nothing(job: Job) -> None:
    """Nothing to do: the list shows the job."""
