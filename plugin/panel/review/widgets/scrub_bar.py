"""The scrub bar: playhead, in and out, notes, and which frames are decoded."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPalette, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QWidget

from plugin.panel.review.model import ReviewModel

_MARGIN = 6
_READY, _NOTE, _HEAD = QColor(80, 150, 90), QColor(240, 190, 70), QColor(235, 80, 70)


class ScrubBar(QWidget):
    """Dragging scrubs; the tool tip shows the timecode and the notes under the pointer."""

    def __init__(self, model: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Frames of the shot")
        self._ready: set[int] = set()
        model.transport.rangeChanged.connect(self.update)
        model.playback.shownChanged.connect(self._shown)
        model.transport.frameChanged.connect(self.update)
        model.notes.notesChanged.connect(self.update)
        model.currentChanged.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """One text line high."""
        return QSize(200, self.fontMetrics().height() + 10)

    def x_of(self, frame: float) -> float:
        """The left edge of a frame, in pixels."""
        return _MARGIN + frame * (self.width() - 2 * _MARGIN) / self._model.transport.length

    def frame_at(self, x: float) -> int:
        """The frame under a pixel."""
        length = self._model.transport.length
        frame = int((x - _MARGIN) * length / max(1, self.width() - 2 * _MARGIN))
        return min(max(frame, 0), length - 1)

    def _shown(self) -> None:
        self._ready = self._model.playback.held_frames()
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Track, ready frames, in and out, notes, playhead."""
        painter = QPainter(self)
        palette, transport = self.palette(), self._model.transport
        top, bottom = 3.0, self.height() - 5.0
        track = QRectF(_MARGIN, top, self.width() - 2 * _MARGIN, bottom - top)
        painter.fillRect(track, palette.color(QPalette.ColorRole.Base))
        played = QRectF(self.x_of(transport.first), top, 0, bottom - top)
        played.setRight(self.x_of(transport.last + 1))
        shade = palette.color(QPalette.ColorRole.Highlight)
        shade.setAlpha(110 if transport.is_ranged else 50)
        painter.fillRect(played, shade)
        self._paint_ready(painter, bottom)
        self._paint_notes(painter, top, bottom)
        if transport.is_ranged:
            painter.setPen(palette.color(QPalette.ColorRole.Text))
            for x in (played.left(), played.right()):
                painter.drawLine(QPointF(x, top), QPointF(x, bottom))
        middle = self.x_of(transport.frame + 0.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(_HEAD)
        painter.setBrush(_HEAD)
        painter.drawLine(QPointF(middle, top), QPointF(middle, bottom))
        painter.drawPolygon(QPolygonF([QPointF(middle - 4, 0), QPointF(middle + 4, 0), QPointF(middle, 6)]))

    def _paint_ready(self, painter: QPainter, bottom: float) -> None:
        start = None
        for frame in range(self._model.transport.length + 1):
            if frame in self._ready:
                start = frame if start is None else start
            elif start is not None:
                left = self.x_of(start)
                painter.fillRect(QRectF(left, bottom - 2, self.x_of(frame) - left, 2), _READY)
                start = None

    def _paint_notes(self, painter: QPainter, top: float, bottom: float) -> None:
        take = self._model.current
        if take is None:
            return
        for note in self._model.notes.of(take.id):
            left = self.x_of(note.first + take.offset)
            width = max(3.0, self.x_of(note.last + take.offset + 1) - left)
            painter.fillRect(QRectF(left, top + 3, width, (bottom - top) / 3), _NOTE)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Go to the frame under the pointer."""
        assert event is not None
        if event.button() == Qt.MouseButton.LeftButton:
            self._model.transport.stop()
            self._model.transport.seek(self.frame_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Scrub, or show the timecode and the notes under the pointer."""
        assert event is not None
        frame = self.frame_at(event.position().x())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._model.transport.seek(frame)
            return
        take = self._model.current
        lines = [f"{self._model.timecode(frame)}  ({frame})"]
        if take is not None:
            notes = self._model.notes.of(take.id)
            lines += [note.text for note in notes if note.first <= frame - take.offset <= note.last]
        self.setToolTip("\n".join(lines))
