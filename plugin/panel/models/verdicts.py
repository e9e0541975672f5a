"""What is decided about takes: status, notes, placing, using again, following up."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.errors import Problem
from bridge.messages import Job, TakeEntry
from bridge.take import Note, Status
from plugin.panel.models.ask import AskModel
from plugin.panel.models.backend import BackendModel
from plugin.panel.models.jobs import JobsModel
from plugin.panel.models.memory import Memory
from plugin.panel.models.orders import refine_spec, token_for
from plugin.panel.models.placing import PlacesModel


class Verdicts(QObject):
    """Decisions about takes by their ids; `problemFound` carries a Problem for the artist."""

    problemFound = pyqtSignal(object)

    def __init__(
        self,
        backend: BackendModel,
        jobs: JobsModel,
        ask: AskModel,
        places: PlacesModel,
        memory: Memory,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._backend, self._jobs, self._ask, self._places, self._memory = backend, jobs, ask, places, memory

    def approve_and_place(self, take_id: str) -> None:
        """Put a take above its clip; when it is there, it is approved."""
        entry = self.entry(take_id)
        if entry is not None:
            self._places.place(entry, lambda: self.set_status(take_id, "approved"))

    def set_status(self, take_id: str, status: Status) -> None:
        """Decide about a take."""
        entry = self.entry(take_id)
        if entry is not None and entry.take.status != status:
            self._keep(entry, status=status)

    def set_notes(self, take_id: str, notes: tuple[Note, ...]) -> None:
        """Replace a take's notes."""
        entry = self.entry(take_id)
        if entry is not None and list(notes) != entry.take.notes:
            self._keep(entry, notes=tuple(notes))
            self._places.mark(take_id, tuple(notes))

    def use_again(self, take_id: str) -> None:
        """Take a take's choices over into the question, its seed locked."""
        entry = self.entry(take_id)
        if entry is not None:
            self._ask.instruction, self._ask.seed, self._ask.seed_locked = entry.take.instruction, entry.take.seed, True
            if any(each.name == entry.take.model for each in self._ask.models):
                self._ask.model = entry.take.model

    def follow_up(self, take_id: str, wanted: dict) -> None:
        """Make a child of a take, as the review asks for it."""
        entry = self.entry(take_id)
        if entry is None:
            return
        try:
            self._backend.require_limits(any(wanted.get(name) is not None for name in ("region", "mask", "levels")))
            spec = refine_spec(entry, wanted, self._ask.asked(), self._memory, self._places.layer)
        except Problem as problem:
            self.problemFound.emit(problem)
            return
        self._ask.history.add(spec.instruction)
        shot = self._jobs.takes.shots.get(entry.job, "")
        self._jobs.submit(token_for(shot), spec, False, _nothing, self.problemFound.emit)

    def entry(self, take_id: str) -> TakeEntry | None:
        """A take by its id, the selected shot's first."""
        return self._jobs.takes.entry_of(take_id, self._places.shot_key)

    def _keep(self, entry: TakeEntry, status: Status | None = None, notes: tuple[Note, ...] | None = None) -> None:
        try:
            self._jobs.finished.set_take(entry.take, status, notes)
        except Problem as problem:
            self.problemFound.emit(problem)


def _nothing(job: Job) -> None:
    """The list shows the job."""
