"""Notes on frames or ranges of takes, and the takes' status."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import get_args

import msgspec
from PyQt6.QtCore import QObject, pyqtSignal

from contract.take import Note, Status

CATEGORIES = ("look", "placement", "motion", "matte", "light", "technical", "other")
STATUSES: tuple[Status, ...] = get_args(Status)


class Notes(QObject):
    """Notes and status of every take, by the take's id. Notes are sorted by their first frames."""

    noteAdded = pyqtSignal(str, object)
    notesChanged = pyqtSignal(str, object)
    statusChanged = pyqtSignal(str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.author = ""
        self._notes: dict[str, tuple[Note, ...]] = {}
        self._status: dict[str, Status] = {}
        self._known: dict[str, tuple[tuple[Note, ...], Status]] = {}

    def load(self, take_id: str, notes: Iterable[Note], status: Status) -> None:
        """Take over a take's notes and status from the backend, without emitting signals.

        Only a reply that differs from the previous one counts, so that an older reply does not undo a recent change.
        """
        loaded = (_sorted(notes), status)
        if self._known.get(take_id) != loaded:
            self._known[take_id] = loaded
            self._notes[take_id], self._status[take_id] = loaded

    def of(self, take_id: str) -> tuple[Note, ...]:
        """A take's notes."""
        return self._notes.get(take_id, ())

    def status(self, take_id: str) -> Status:
        """A take's status."""
        return self._status.get(take_id, "pending")

    def add(self, take_id: str, text: str, first: int, last: int, category: str = "") -> Note:
        """Add a note on the take's frames `first` to `last`, both included."""
        note = Note(
            text=text.strip(),
            first=min(first, last),
            last=max(first, last),
            author=self.author,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            category=category,
        )
        self._notes[take_id] = _sorted((*self.of(take_id), note))
        self.noteAdded.emit(take_id, note)
        self.notesChanged.emit(take_id, self.of(take_id))
        return note

    def change(self, take_id: str, note: Note, **values: object) -> Note:
        """Replace a note by a changed copy; a note that was removed meanwhile is added again."""
        changed = msgspec.structs.replace(note, **values)
        self._notes[take_id] = _sorted((*(each for each in self.of(take_id) if each is not note), changed))
        self.notesChanged.emit(take_id, self.of(take_id))
        return changed

    def remove(self, take_id: str, note: Note) -> None:
        """Remove a note."""
        self._notes[take_id] = tuple(each for each in self.of(take_id) if each is not note)
        self.notesChanged.emit(take_id, self.of(take_id))

    def merge(self, take_id: str, notes: Iterable[Note], status: Status | None) -> int:
        """Merge decisions of another reviewer, each note once; returns how many notes were new."""
        known = {(each.text, each.first, each.last, each.author, each.created) for each in self.of(take_id)}
        new = [each for each in notes if (each.text, each.first, each.last, each.author, each.created) not in known]
        if new:
            self._notes[take_id] = _sorted((*self.of(take_id), *new))
            self.notesChanged.emit(take_id, self.of(take_id))
        if status is not None:
            self.set_status(take_id, status)
        return len(new)

    def set_status(self, take_id: str, status: Status) -> None:
        """Set the status of one take; other takes keep theirs."""
        if self.status(take_id) != status:
            self._status[take_id] = status
            self.statusChanged.emit(take_id, status)


def _sorted(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: (note.first, note.last)))
