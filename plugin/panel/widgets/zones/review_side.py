"""The review with a way back."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from plugin.panel.review.model import ReviewModel
from plugin.panel.review.widgets.view import ReviewView
from plugin.panel.widgets.controls import ElidedLabel, tool_button


class ReviewSide(QWidget):
    """The review view under a line that names the take; `backRequested` when the artist goes back."""

    backRequested = pyqtSignal()

    def __init__(self, model: ReviewModel, can_place: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.view = ReviewView(model)
        self.view.allow_placing(can_place)
        self.title = ElidedLabel()
        top = QHBoxLayout()
        top.setContentsMargins(6, 3, 6, 3)
        top.addWidget(tool_button("‹ Back", self.backRequested.emit, "Back to the takes (Esc)", plain=True))
        top.addWidget(self.title, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.view, 1)
        escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self, self.backRequested.emit)
        escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        model.currentChanged.connect(self._show)
        self._show()

    def _show(self) -> None:
        current = self._model.current
        self.title.setText(f"{current.label} · {current.take.instruction}" if current else "")
