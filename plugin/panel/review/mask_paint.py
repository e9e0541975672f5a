"""Editing a matte with a brush, for a follow-up."""

from __future__ import annotations

import numpy as np
from PyQt6.QtCore import QBuffer, QIODevice, QObject, QPointF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QImage, QPainter, QPen

from contract.job import LARGEST_MASK
from plugin.panel.review.qt_images import image_over, pixels_of
from plugin.review_media.pictures import Picture

Part = tuple[float, float]


class MaskPaint(QObject):
    """A matte that is painted on: white is inside.

    Points are in fractions of the picture; `brush` is the brush's radius in fractions of the width. `frame` is the
    shot's frame.
    """

    changed = pyqtSignal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.brush = 0.04
        self.frame = -1
        self.edited = False
        self._image: QImage | None = None
        self._display = (0, 0)

    def begin(self, frame: int, matte: Picture) -> None:
        """Start from a matte, uint8 [h, w], of a frame of the shot."""
        self._image = image_over(matte.pixels, QImage.Format.Format_Grayscale8).copy()
        self._display = (matte.width, matte.height)
        self.frame, self.edited = frame, False
        self.changed.emit()

    def begin_empty(self, frame: int, like: Picture) -> None:
        """Start from nothing, for takes without a matte."""
        self.begin(frame, Picture(np.zeros(like.pixels.shape[:2], np.uint8), like.width, like.height))

    def clear(self) -> None:
        """Discard the matte."""
        self._image, self.frame, self.edited = None, -1, False
        self.changed.emit()

    def stroke(self, start: Part, end: Part, add: bool = True) -> None:
        """Paint with the brush from one point to another, or erase."""
        if self._image is None:
            return
        width, height = self._image.width(), self._image.height()
        colour = QColor(255, 255, 255) if add else QColor(0, 0, 0)
        painter = QPainter(self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(colour, max(1.0, 2 * self.brush * width), Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        first = QPointF(start[0] * width, start[1] * height)
        last = QPointF(end[0] * width, end[1] * height)
        # Qt draws no line of length 0.
        painter.drawLine(first, last if first != last else last + QPointF(0.01, 0))
        painter.end()
        self.edited = True
        self.changed.emit()

    def picture(self) -> Picture | None:
        """The matte as it is now, uint8 [h, w]."""
        return None if self._image is None else Picture(pixels_of(self._image), *self._display)

    def png(self) -> bytes | None:
        """The edited matte as a grey PNG, scaled down to the backend's limit; None when nothing was painted."""
        if self._image is None or not self.edited:
            return None
        image, found = self._image, _png(self._image)
        while len(found) > LARGEST_MASK:
            ways = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            image = image.scaled(image.width() // 2, image.height() // 2, *ways)
            found = _png(image)
        return found


def _png(image: QImage) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.convertToFormat(QImage.Format.Format_Grayscale8).save(buffer, "PNG")
    return buffer.data().data()
