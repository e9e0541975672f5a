"""A child of a take: its order, and its plan, which is read before anything long runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from PyQt6.QtCore import QObject

from bridge.wire.messages import Job, RefineSpec, Spec, TakeEntry
from contract.errors import Problem
from contract.plan import Plan
from plugin.panel.models.ask.ask import Asked, AskModel
from plugin.panel.models.ask.orders import refine_spec, token_for
from plugin.panel.models.backend.backend import BackendModel
from plugin.panel.models.jobs.jobs import JobsModel
from plugin.panel.models.settings_store import SettingsStore

Failed = Callable[[Problem], None]


class FollowingUp(QObject):
    """Orders children of takes.

    Where the instruction stays, the parent's plan stays as well, and the child is made at once; another instruction
    needs a plan of its own, so that its job is held until the plan was read.
    """

    def __init__(
        self, backend: BackendModel, jobs: JobsModel, settings: SettingsStore, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._backend, self._jobs, self._settings = backend, jobs, settings

    def needs_plan(self, entry: TakeEntry, wanted: dict[str, Any]) -> bool:
        """Whether a plan has to be written and read first."""
        return str(wanted["instruction"]).strip() != entry.take.instruction.strip()

    def order(
        self,
        entry: TakeEntry,
        wanted: dict[str, Any],
        asked: Asked,
        layer: str | None,
        done: Callable[[Job], None],
        failed: Failed,
    ) -> None:
        """Order a child of a take as the review wants it; it is held where a plan is to be read."""
        try:
            self._backend.require_limits(any(wanted.get(name) is not None for name in ("region", "mask", "levels")))
            spec = refine_spec(entry, wanted, asked, self._settings, layer)
        except Problem as problem:
            failed(problem)
            return
        hold = self.needs_plan(entry, wanted)
        if not hold:
            spec = msgspec.structs.replace(spec, plan=entry.take.plan)
        self._submit(entry, spec, hold, done, failed)

    def order_again(self, spec: RefineSpec, asked: Asked, plan: Plan, shot: str, failed: Failed) -> None:
        """Order the same child with other choices and a plan that was read."""
        spec = msgspec.structs.replace(spec, seed=asked.seed, quality=asked.quality, takes=asked.takes, plan=plan)
        self._jobs.submit(token_for(shot), spec, False, _nothing, failed)

    def _submit(self, entry: TakeEntry, spec: Spec, hold: bool, done: Callable[[Job], None], failed: Failed) -> None:
        shot = self._jobs.takes.shots.get(entry.job, "")
        self._jobs.submit(token_for(shot), spec, hold, done, failed)


def asked_for(ask: AskModel, wanted: dict[str, Any]) -> Asked:
    """The choices of a child: those of the question, with its own instruction, one take, and no box of the question."""
    ask.instruction, ask.takes, ask.region = str(wanted["instruction"]).strip(), 1, None
    return ask.asked()


def _nothing(job: Job) -> None:
    """The list shows the job."""
