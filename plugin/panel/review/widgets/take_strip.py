"""All takes in a row: number, label, status and lineage; the current one is framed."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PyQt6.QtWidgets import QHBoxLayout, QScrollArea, QSizePolicy, QWidget

from plugin.panel.review.model import ReviewModel
from plugin.review_media.slices import ReviewTake

STATUS_COLOURS = {
    "pending": QColor(150, 150, 150),
    "approved": QColor(95, 190, 110),
    "rejected": QColor(225, 90, 85),
    "retake": QColor(240, 180, 70),
}
_WIDTH = 128


class TakeStrip(QScrollArea):
    """One card for each take; a click reviews it, Alt+click compares with it."""

    def __init__(self, model: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._inside = QWidget(self)
        self._row = QHBoxLayout(self._inside)
        self._row.setContentsMargins(4, 2, 4, 2)
        self._row.setSpacing(4)
        self.setWidget(self._inside)
        self._cards: list[TakeCard] = []
        model.takesChanged.connect(self._fill)
        model.currentChanged.connect(self._show_current)
        model.notes.statusChanged.connect(lambda *_: self._inside.update())
        model.notes.notesChanged.connect(lambda *_: self._inside.update())
        self._fill()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Two text lines, and the scroll bar where it is needed."""
        bar = self.horizontalScrollBar()
        extra = bar.sizeHint().height() if bar is not None and bar.maximum() else 0
        return QSize(200, 2 * self.fontMetrics().height() + 14 + extra)

    def _fill(self) -> None:
        for card in self._cards:
            self._row.removeWidget(card)
            card.deleteLater()
        while self._row.count():
            self._row.takeAt(0)
        self._cards = [TakeCard(self._model, take, self._inside) for take in self._model.takes]
        for card in self._cards:
            self._row.addWidget(card)
        self._row.addStretch(1)
        self.setVisible(bool(self._cards))
        self._show_current()

    def _show_current(self) -> None:
        self._inside.update()
        for card in self._cards:
            if card.take is self._model.current:
                self.ensureWidgetVisible(card)


class TakeCard(QWidget):
    """A take's number, label, status and parent."""

    def __init__(self, model: ReviewModel, take: ReviewTake, parent: QWidget) -> None:
        super().__init__(parent)
        self._model, self.take = model, take
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        lines = [take.take.instruction, f"seed {take.take.seed}, {take.take.model}"]
        parent_take = model.take(take.take.parent) if take.take.parent else None
        if take.take.parent:
            lines.append(f"follow-up of {parent_take.label if parent_take else take.take.parent[:8]}")
        self.setToolTip("\n".join(lines))
        self.setAccessibleName(take.label)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Two lines of text."""
        return QSize(max(_WIDTH, self.fontMetrics().averageCharWidth() * 18), 2 * self.fontMetrics().height() + 10)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Number and label; status and notes; a frame around the current take."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, model = self.palette(), self._model
        current, against = self.take is model.current, self.take is model.against
        rect = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setBrush(palette.color(QPalette.ColorRole.Base))
        edge = palette.color(QPalette.ColorRole.Highlight) if current else palette.color(QPalette.ColorRole.Mid)
        style = Qt.PenStyle.DashLine if against else Qt.PenStyle.SolidLine
        painter.setPen(QPen(edge, 2 if current else 1, style))
        painter.drawRoundedRect(rect, 3, 3)
        status = model.notes.status(self.take.id)
        painter.fillRect(QRectF(1, 4, 3, self.height() - 8), STATUS_COLOURS[status])
        metrics, text = painter.fontMetrics(), palette.color(QPalette.ColorRole.Text)
        inner = self.rect().adjusted(10, 4, -6, -4)
        painter.setPen(text)
        name = f"{self.take.number}  {self.take.label}"
        if self.take.take.parent:
            name = f"{self.take.number}  ↳ {self.take.label}"
        painter.drawText(
            inner, Qt.AlignmentFlag.AlignTop, metrics.elidedText(name, Qt.TextElideMode.ElideRight, inner.width())
        )
        text.setAlpha(170)
        painter.setPen(text)
        count = len(model.notes.of(self.take.id))
        facts = metrics.elidedText(status + self._counted(count), Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignBottom, facts)

    def _counted(self, count: int) -> str:
        if not count:
            return ""
        return ", 1 note" if count == 1 else f", {count} notes"

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Review this take."""
        assert event is not None
        if event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self._model.compare_with(self.take.id)
        else:
            self._model.pick(self.take.id)
