"""Decisions about takes: status, notes, placing, using a take's settings again."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.wire.messages import TakeEntry
from contract.errors import Problem
from contract.take import Note, Status
from plugin.panel.models.ask.ask import AskModel
from plugin.panel.models.jobs.jobs import JobsModel
from plugin.panel.models.takes.placing import PlacementsModel


class ReviewDecisions(QObject):
    """Decisions about takes by their ids; `problemFound` carries a Problem for the artist."""

    problemFound = pyqtSignal(object)

    def __init__(
        self,
        jobs: JobsModel,
        ask: AskModel,
        placements: PlacementsModel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs, self._ask, self._placements = jobs, ask, placements

    def approve_and_place(self, take_id: str) -> None:
        """Place a take above its clip and approve it once it is placed."""
        entry = self.entry(take_id)
        if entry is not None:
            self._placements.place(entry, lambda: self.set_status(take_id, "approved"))

    def add_version(self, take_id: str) -> None:
        """Add a take to the host's own version stack of the placed take."""
        entry = self.entry(take_id)
        if entry is not None:
            self._placements.add_version(entry)

    def set_status(self, take_id: str, status: Status) -> None:
        """Set the status of a take."""
        entry = self.entry(take_id)
        if entry is not None and entry.take.status != status:
            self._keep(entry, status=status)

    def set_notes(self, take_id: str, notes: tuple[Note, ...]) -> None:
        """Replace a take's notes."""
        entry = self.entry(take_id)
        if entry is not None and list(notes) != entry.take.notes:
            self._keep(entry, notes=tuple(notes))
            self._placements.mark(take_id, tuple(notes))

    def use_again(self, take_id: str) -> None:
        """Set the ask to a take's settings, with its seed locked."""
        entry = self.entry(take_id)
        if entry is not None:
            self._ask.choose_again(entry.take)

    def entry(self, take_id: str) -> TakeEntry | None:
        """The take with an id, preferably of the selected shot; None when there is none."""
        return self._jobs.takes.entry_of(take_id, self._placements.shot_key)

    def _keep(self, entry: TakeEntry, status: Status | None = None, notes: tuple[Note, ...] | None = None) -> None:
        try:
            self._jobs.finished.set_take(entry.take, status, notes)
        except Problem as problem:
            self.problemFound.emit(problem)
