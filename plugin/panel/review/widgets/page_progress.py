"""The progress of a review page, and the result of imported decisions."""

from __future__ import annotations

from typing import Protocol

from PyQt6.QtCore import Qt, QUrl
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from plugin.panel.review.model import ReviewModel


class _Imported(Protocol):
    reviewer: str
    takes: int
    notes: int
    unknown: int


class PageProgress(QWidget):
    """Hidden until there is something to show."""

    def __init__(self, model: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setOpenExternalLinks(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.LinksAccessibleByMouse)
        row.addWidget(self._text, 1)
        self._bar = QProgressBar(self)
        row.addWidget(self._bar, 1)
        self._cancel = QPushButton("Cancel", self)
        self._cancel.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._cancel.clicked.connect(model.page_export.cancel)
        row.addWidget(self._cancel)
        model.page_export.progressed.connect(self._progress)
        model.page_export.ended.connect(self.hide)
        model.page_export.written.connect(self._written)
        model.page_export.decisionsImported.connect(self._imported)
        model.shotChanged.connect(self.hide)
        self.hide()

    def _progress(self, done: int, total: int) -> None:
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self._bar.setFormat("Review page: %p %")
        self._show(busy=True)

    def _written(self, path: str) -> None:
        link = QUrl.fromLocalFile(path).toString()
        self._text.setText(f'Review page written: <a href="{link}">open it</a>.')
        self._show(busy=False)

    def _imported(self, imported: _Imported) -> None:
        who = imported.reviewer or "A reviewer"
        text = f"{who} decided on {imported.takes} takes and added {imported.notes} notes."
        if imported.unknown:
            text += " " + f"{imported.unknown} takes belong to other shots."
        self._text.setText(text)
        self._show(busy=False)

    def _show(self, busy: bool) -> None:
        self._text.setVisible(not busy)
        self._bar.setVisible(busy)
        self._cancel.setVisible(busy)
        self.show()
