"""A frame of the shot, on which a region can be drawn."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from contract.box import Box
from plugin.panel.widgets.theme import current_theme


class FramePicture(QWidget):
    """A picture as large as fits; with `drawing`, dragging draws a box (`boxDrawn`, in fractions of the frame)."""

    boxDrawn = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image: QImage | None = None
        self.box: Box | None = None
        self.drawing = False
        self.waiting = ""
        self._from: QPointF | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_image(self, image: QImage | None) -> None:
        """Show another picture."""
        self.image = image
        self._keep_shape()
        self.update()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's names
        """Another width."""
        super().resizeEvent(event)
        self._keep_shape()

    def _keep_shape(self) -> None:
        """The picture's shape at this width, at most eighteen lines of text high."""
        aspect = self.image.width() / self.image.height() if self.image else 16 / 9
        height = max(40, min(round(self.width() / aspect), self.fontMetrics().height() * 18))
        if height != self.height():
            self.setFixedHeight(height)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """The picture, and the box over it."""
        painter, theme = QPainter(self), current_theme()
        painter.fillRect(self.rect(), QColor(theme.base))
        if self.image is None:
            painter.setPen(QColor(theme.faint))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.waiting)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        area = self._area()
        painter.drawImage(area, self.image)
        if self.box is not None:
            left, top, right, bottom = self.box
            box = QRectF(
                area.x() + left * area.width(),
                area.y() + top * area.height(),
                (right - left) * area.width(),
                (bottom - top) * area.height(),
            )
            shade = QColor(0, 0, 0, 130)
            for part in _around(area, box):
                painter.fillRect(part, shade)
            painter.setPen(QPen(QColor(theme.accent), 2))
            painter.drawRect(box)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Start drawing a box."""
        if event is not None and self.drawing and event.button() == Qt.MouseButton.LeftButton:
            self._from = self._place(event.position())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Extend the box."""
        if event is not None and self._from is not None:
            self.box = _box(self._from, self._place(event.position()))
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Finish the box."""
        if event is not None and self._from is not None:
            start, self._from = self._from, None
            self.boxDrawn.emit(_box(start, self._place(event.position())))

    def _area(self) -> QRectF:
        if self.image is None:
            return QRectF(self.rect())
        size = self.image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        return QRectF(
            (self.width() - size.width()) / 2, (self.height() - size.height()) / 2, size.width(), size.height()
        )

    def _place(self, point: QPointF) -> QPointF:
        area = self._area()
        x, y = (point.x() - area.x()) / area.width(), (point.y() - area.y()) / area.height()
        return QPointF(min(1.0, max(0.0, x)), min(1.0, max(0.0, y)))


def _box(one: QPointF, other: QPointF) -> Box:
    return (min(one.x(), other.x()), min(one.y(), other.y()), max(one.x(), other.x()), max(one.y(), other.y()))


def _around(area: QRectF, box: QRectF) -> list[QRectF]:
    return [
        QRectF(area.left(), area.top(), area.width(), box.top() - area.top()),
        QRectF(area.left(), box.bottom(), area.width(), area.bottom() - box.bottom()),
        QRectF(area.left(), box.top(), box.left() - area.left(), box.height()),
        QRectF(box.right(), box.top(), area.right() - box.right(), box.height()),
    ]
