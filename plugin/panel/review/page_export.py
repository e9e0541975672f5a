"""Review by somebody who has no panel: writing the page in the background, and taking decisions over."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PyQt6.QtCore import QObject, pyqtSignal

from contract.errors import Problem
from plugin.panel.review.media.slices import MediaSlice, ReviewTake
from plugin.panel.review.note_export import Reviewed
from plugin.panel.review.notes import Notes
from plugin.review_page.decisions import read_decisions
from plugin.review_page.write import write_page


@dataclass(frozen=True)
class ImportedDecisions:
    """What a file of decisions brought: takes decided, notes that are new, and takes that are not of this shot."""

    reviewer: str
    takes: int
    notes: int
    unknown: int


class ReviewedShot(Protocol):
    """What a page shows of a shot under review; `ReviewModel` has it."""

    original: MediaSlice | None
    takes: tuple[ReviewTake, ...]
    notes: Notes
    start_timecode: int
    drop_frame: bool | None
    problemFound: Any

    def take(self, take_id: str) -> ReviewTake | None:
        """The take with an id."""

    def reviewed(self) -> list[Reviewed]:
        """Every take with its status and notes."""


class PageExport(QObject):
    """Writes review pages and reads decisions for a review model.

    `progressed` carries frames encoded and frames in all, `written` the path of the page, `decisionsImported` an
    ImportedDecisions.
    What goes wrong is the model's `problemFound`.
    """

    progressed = pyqtSignal(int, int)
    written = pyqtSignal(str)
    ended = pyqtSignal()
    decisionsImported = pyqtSignal(object)

    def __init__(self, model: ReviewedShot, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._job: _PageWriter | None = None

    @property
    def writing(self) -> bool:
        """Whether a page is being written."""
        return self._job is not None

    def write(self, folder: str, shot: str) -> bool:
        """Begin to write the page of the model's shot and takes; False while there is nothing to write or one is."""
        model = self._model
        if self._job is not None or model.original is None or not model.takes:
            return False
        job = self._job = _PageWriter(Path(folder), shot, model)
        job.progressed.connect(self.progressed)
        job.done.connect(self._done)
        job.start()
        return True

    def cancel(self) -> None:
        """Stop writing; a page that is not finished is not there."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()
            self.ended.emit()

    def import_decisions(self, path: str) -> ImportedDecisions | None:
        """Take over the decisions of a file; a take's status and its new notes. None when it cannot be read."""
        try:
            found = read_decisions(path)
        except Problem as problem:
            self._model.problemFound.emit(problem.what, problem.why, problem.remedy)
            return None
        takes = notes = unknown = 0
        for decision in found.takes:
            if self._model.take(decision.id) is None:
                unknown += 1
                continue
            takes += 1
            notes += self._model.notes.merge(decision.id, decision.notes, decision.status)
        result = ImportedDecisions(found.reviewer, takes, notes, unknown)
        self.decisionsImported.emit(result)
        return result

    def _done(self, outcome: object) -> None:
        if self._job is None:
            return
        self._job = None
        self.ended.emit()
        if isinstance(outcome, Problem):
            self._model.problemFound.emit(outcome.what, outcome.why, outcome.remedy)
        elif outcome is not None:
            self.written.emit(str(outcome))


class _PageWriter(QObject):
    """One page on its way, in a thread of its own. Without a parent: the thread keeps it as long as it needs it."""

    progressed = pyqtSignal(int, int)
    done = pyqtSignal(object)

    def __init__(self, folder: Path, shot: str, model: ReviewedShot) -> None:
        super().__init__()
        assert model.original is not None
        self._folder, self._shot, self._original = folder, shot, model.original
        self._reviewed = model.reviewed()
        self._start, self._drop = model.start_timecode, model.drop_frame
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="review-page", daemon=True)

    def start(self) -> None:
        """Begin."""
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
