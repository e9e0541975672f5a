"""What people say about takes: notes on frames or ranges, and the takes' status."""

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
    """Notes and status of every take, by the take's id. Notes are kept in the order of their first frames."""

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
        """What the service knows about a take; says nothing.

        Only what is news to it counts: what was said here a moment ago is not lost to an answer that is older.
        """
        news = (_sorted(notes), status)
        if self._known.get(take_id) != news:
            self._known[take_id] = news
            self._notes[take_id], self._status[take_id] = news

    def of(self, take_id: str) -> tuple[Note, ...]:
        """A take's notes."""
        return self._notes.get(take_id, ())

    def status(self, take_id: str) -> Status:
        """A take's status."""
        return self._status.get(take_id, "pending")

    def add(self, take_id: str, text: str, first: int, last: int, category: str = "") -> Note:
        """Say something about the take's frames `first` to `last`, both included."""
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
        """Put a changed note in the place of another; one that is gone meanwhile is added."""
        changed = msgspec.structs.replace(note, **values)
        self._notes[take_id] = _sorted((*(each for each in self.of(take_id) if each is not note), changed))
        self.notesChanged.emit(take_id, self.of(take_id))
        return changed

    def remove(self, take_id: str, note: Note) -> None:
        """Take a note back."""
        self._notes[take_id] = tuple(each for each in self.of(take_id) if each is not note)
        self.notesChanged.emit(take_id, self.of(take_id))

    def merge(self, take_id: str, notes: Iterable[Note], status: Status | None) -> int:
        """Take over decisions that were made elsewhere, each note once; returns how many notes were new."""
        known = {(each.text, each.first, each.last, each.author, each.created) for each in self.of(take_id)}
        new = [each for each in notes if (each.text, each.first, each.last, each.author, each.created) not in known]
        if new:
            self._notes[take_id] = _sorted((*self.of(take_id), *new))
            self.notesChanged.emit(take_id, self.of(take_id))
        if status is not None:
            self.set_status(take_id, status)
        return len(new)

    def set_status(self, take_id: str, status: Status) -> None:
        """Decide about one take; the others keep their status."""
        if self.status(take_id) != status:
            self._status[take_id] = status
            self.statusChanged.emit(take_id, status)


def _sorted(notes: Iterable[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: (note.first, note.last)))
