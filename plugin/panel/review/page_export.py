"""The review page for reviewers without the panel: written in the background; their decisions are imported."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from PyQt6.QtCore import QObject, pyqtSignal

from contract.errors import Problem
from plugin.panel.review.notes import Notes
from plugin.review_media.slices import MediaSlice, Reviewed, ReviewTake
from plugin.review_page.decisions import read_decisions
from plugin.review_page.write import write_page


class ReviewSource(Protocol):
    """The content of a page: the shot, its takes, their notes and decisions."""

    original: MediaSlice | None
    takes: tuple[ReviewTake, ...]
    notes: Notes
    start_timecode: int
    drop_frame: bool | None

    def take(self, take_id: str) -> ReviewTake | None:
        """A take by its id."""

    def reviewed(self) -> list[Reviewed]:
        """Every take with its status and notes."""


@dataclass(frozen=True)
class ImportedDecisions:
    """Counts of an imported file: takes decided, new notes, and takes of other shots, which are ignored."""

    reviewer: str
    takes: int
    notes: int
    unknown: int


class PageExport(QObject):
    """Writes the review page of a source and imports the decisions that reviewers send back.

    Signals: `progressed` with frames encoded and frames in all, `written` with the path of the page, `ended` when
    writing has ended in any way, `decisionsImported` with ImportedDecisions, `problemFound` with a Problem.
    """

    progressed = pyqtSignal(int, int)
    written = pyqtSignal(str)
    ended = pyqtSignal()
    decisionsImported = pyqtSignal(object)
    problemFound = pyqtSignal(object)

    def __init__(self, source: ReviewSource, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._job: _PageWriter | None = None

    @property
    def writing(self) -> bool:
        """Whether a page is being written."""
        return self._job is not None

    def write(self, folder: str, shot: str) -> bool:
        """Start writing the page into `folder`; returns False without a shot, or while a page is being written."""
        original = self._source.original
        if self._job is not None or original is None or not self._source.takes:
            return False
        job = self._job = _PageWriter(Path(folder), shot, original, self._source)
        job.progressed.connect(self.progressed)
        job.done.connect(self._done)
        job.start()
        return True

    def cancel(self) -> None:
        """Stop writing; an unfinished page is not kept."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
            self.ended.emit()

    def import_decisions(self, path: str) -> ImportedDecisions | None:
        """Import the statuses and new notes of a file; None when it cannot be read, after `problemFound`."""
        try:
            found = read_decisions(path)
        except Problem as problem:
            self.problemFound.emit(problem)
            return None
        takes = notes = unknown = 0
        for decision in found.takes:
            if self._source.take(decision.id) is None:
                unknown += 1
                continue
            takes += 1
            notes += self._source.notes.merge(decision.id, decision.notes, decision.status)
        result = ImportedDecisions(found.reviewer, takes, notes, unknown)
        self.decisionsImported.emit(result)
        return result

    def _done(self, outcome: object) -> None:
        if self._job is None:
            return
        self._job = None
        self.ended.emit()
        if isinstance(outcome, Problem):
            self.problemFound.emit(outcome)
        elif outcome is not None:
            self.written.emit(str(outcome))


class _PageWriter(QObject):
    """Writes one page in a thread of its own. It has no Qt parent: the running thread keeps it alive."""

    progressed = pyqtSignal(int, int)
    done = pyqtSignal(object)

    def __init__(self, folder: Path, shot: str, original: MediaSlice, source: ReviewSource) -> None:
        super().__init__()
        self._folder, self._shot, self._original = folder, shot, original
        self._reviewed = source.reviewed()
        self._start, self._drop = source.start_timecode, source.drop_frame
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="review-page", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Stop at the next frame; returns when the thread has ended."""
        self._cancelled.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        outcome: Path | Problem | None
        try:
            outcome = write_page(
                self._folder,
                self._shot,
                self._original,
                self._reviewed,
                start_timecode=self._start,
                drop_frame=self._drop,
                on_progress=self._report_progress,
                cancelled=self._cancelled.is_set,
            )
        except Problem as problem:
            outcome = problem
        if not self._cancelled.is_set():
            self.done.emit(outcome)

    def _report_progress(self, done: int, total: int) -> None:
        if not self._cancelled.is_set():
            self.progressed.emit(done, total)
