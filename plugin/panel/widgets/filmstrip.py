"""The filmstrip of the clip, with the chosen part."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from plugin.panel.models.shot.shot import ShotModel
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.widgets.theme import current_theme


class Filmstrip(QWidget):
    """Pictures side by side; dragging chooses a part of the clip (`partChosen` with its first and last frame)."""

    partChosen = pyqtSignal(int, int)

    def __init__(self, model: ShotModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._thumbnails = model, thumbnails
        self._drag: tuple[float, float] | None = None
        self._shown: tuple[str, tuple[QImage, ...]] = ("", ())
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Filmstrip of the clip")
        self.setToolTip("Drag to work on a part of the clip; double-click for the whole clip")
        model.changed.connect(lambda _: self.update())
        thumbnails.arrived.connect(lambda key: self.update() if key.startswith("strip:") else None)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as four lines of text."""
        return QSize(300, self.fontMetrics().height() * 4)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Paint the thumbnails, darkened outside the chosen part."""
        painter, theme, shot = QPainter(self), current_theme(), self._model.whole
        painter.fillRect(self.rect(), QColor(theme.base))
        if shot is None:
            painter.setPen(QColor(theme.faint))
            text = "Drop a timeline or a movie here"
            if self._model.clips:
                chosen = self._model.current is not None
                text = "This clip cannot be used" if chosen else "Select a clip"
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
            return
        media_info = self._model.media_info
        aspect = media_info.width / media_info.height if media_info else 16 / 9
        count = max(2, min(24, round(self.width() / (self.height() * aspect))))
        found = self._thumbnails.filmstrip(shot, count, round(self.height() * self.devicePixelRatioF()))
        if found or self._shown[0] != shot.media_path:
            self._shown = (shot.media_path, found)
        # Stretch the previous strip while the one for the new width is read.
        found = self._shown[1]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        width = self.width() / max(1, len(found))
        for place, image in enumerate(found):
            target = QRectF(place * width, 0, width + 0.5, self.height())
            painter.drawImage(target, image, _cropped(image.size(), target))
        self._paint_part(painter, shot.frame_count)

    def _paint_part(self, painter: QPainter, length: int) -> None:
        theme, part = current_theme(), self._model.part
        if self._drag is not None:
            first, last = sorted(self._drag)
        elif part is not None:
            first, last = part[0] / length * self.width(), (part[1] + 1) / length * self.width()
        else:
            return
        shade = QColor(theme.base)
        shade.setAlphaF(0.75)
        painter.fillRect(QRectF(0, 0, first, self.height()), shade)
        painter.fillRect(QRectF(last, 0, self.width() - last, self.height()), shade)
        painter.setPen(QColor(theme.accent))
        painter.drawRect(QRectF(first, 0.5, max(1.0, last - first - 1), self.height() - 1.5))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Start choosing a part."""
        if event is not None and self._model.whole is not None and event.button() == Qt.MouseButton.LeftButton:
            self._drag = (event.position().x(), event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Extend the part."""
        if event is not None and self._drag is not None:
            self._drag = (self._drag[0], min(max(0.0, event.position().x()), float(self.width())))
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Choose the part, unless it was only a click."""
        drag, self._drag = self._drag, None
        if drag is not None and abs(drag[0] - drag[1]) > 4 and self._model.whole is not None:
            length = self._model.whole.frame_count
            first, last = (min(length - 1, int(x / max(1, self.width()) * length)) for x in sorted(drag))
            self.partChosen.emit(first, last)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Choose the whole clip."""
        self._drag = None
        if self._model.whole is not None:
            self.partChosen.emit(0, self._model.whole.frame_count - 1)


def _cropped(size: QSize, target: QRectF) -> QRectF:
    """The centre of a picture, cropped to the target's aspect ratio."""
    width, height = float(size.width()), float(size.height())
    if width / height > target.width() / target.height():
        narrow = height * target.width() / target.height()
        return QRectF((width - narrow) / 2, 0, narrow, height)
    low = width * target.height() / target.width()
    return QRectF(0, (height - low) / 2, width, low)
