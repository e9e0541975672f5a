"""Connects the review with the panel: its shot and takes, and where its decisions go."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from PyQt6.QtCore import QObject

from contract.errors import Problem
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.review.model import ReviewModel
from plugin.review_media.slices import slice_of, take_in_folder


class Reviewing(QObject):
    """Keeps a ReviewModel on the panel's selected shot and its takes."""

    def __init__(self, panel: PanelModel, review: ReviewModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._panel, self._review = panel, review
        self._shot = ""
        self._fed: tuple = ()
        panel.shot.selected.connect(self.feed)
        panel.takes.takesChanged.connect(self.feed)
        review.notesChanged.connect(panel.decisions.set_notes)
        review.noteOpened.connect(panel.placements.seek)
        review.statusChanged.connect(panel.decisions.set_status)
        review.followUpRequested.connect(panel.follow_up)
        review.placeRequested.connect(panel.decisions.approve_and_place)
        review.problemFound.connect(self._problem)

    def feed(self) -> None:
        """Update the review's shot and takes."""
        panel, shot = self._panel, self._panel.shot.shot
        if shot is None:
            return
        if panel.shot.key != self._shot:
            self._shot, self._fed = panel.shot.key, ()
            start = shot.timeline_start + shot.record_start
            if Fraction(*shot.timeline_rate) != shot.frame_rate:
                start = shot.media_start + shot.source_start
            self._review.set_shot(slice_of(shot), shot.frame_rate, start)
        labels = panel.takes.labels_of(self._shot)
        entries = panel.takes.takes_of(self._shot)
        takes = tuple(
            take_in_folder(each.take, Path(each.folder), number, labels[each.job, each.number])
            for number, each in enumerate(entries, start=1)
        )
        if takes != self._fed:
            self._fed = takes
            self._review.set_takes(takes)

    def _problem(self, what: str, why: str, remedy: str) -> None:
        self._panel.problem = Problem(what, why, remedy)
