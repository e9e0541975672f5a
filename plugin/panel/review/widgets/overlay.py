"""The overlay of the pictures: names, the wipe line, the box."""

from __future__ import annotations

from typing import Protocol

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPen

from plugin.panel.review import render
from plugin.panel.review.compare import ORIGINAL, Mode
from plugin.panel.review.follow_up import Box
from plugin.panel.review.model import ReviewModel

_LINE, _SHADOW = QColor(255, 255, 255, 200), QColor(0, 0, 0, 160)
_CHIP, _WRITING = QColor(0, 0, 0, 150), QColor(235, 235, 235)
_CHOSEN, _BOX = QColor(90, 160, 250), QColor(255, 200, 60)


class CanvasGeometry(Protocol):
    """The part of the canvas that the overlay uses."""

    box: Box | None

    def area(self) -> QRectF:
        """The whole canvas."""

    def picture_rect(self) -> QRectF:
        """The rectangle of side A's picture."""

    def cells(self) -> list[tuple[str, QRectF]]:
        """The contact sheet's sources and cells."""


class Overlay:
    """Paints over the comparison of a ReviewModel."""

    def __init__(self, geometry: CanvasGeometry, model: ReviewModel) -> None:
        self._geometry, self._model = geometry, model

    def paint(self, painter: QPainter) -> None:
        """Paint the overlay of the current mode."""
        view, area = self._model.compare.view, self._geometry.area()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        a, b = self._names()
        hdr = next((each.hdr for each in self._model.playback.shown.pictures.values() if each and each.hdr), "")
        if hdr:
            # Bottom right, where nothing else is drawn: a level wipe has its name on the left.
            _chip(painter, f"{hdr} tone-mapped for this screen", area, right=True, below=True)
        if view.mode is Mode.SHEET:
            self._sheet(painter)
            return
        if view.mode is Mode.SIDE:
            for name, part in zip((a, b), render.halves(area), strict=True):
                _chip(painter, name, part)
        elif view.mode is Mode.WIPE:
            self._wipe_line(painter)
            _chip(painter, a, area)
            _chip(painter, b, area, right=not view.wipe_level, below=view.wipe_level)
        elif view.mode is Mode.DIFFERENCE:
            _chip(painter, f"{b} against {a}, × {view.gain}", area)
        else:
            _chip(painter, a if self._model.compare.shows_original or not b else b, area)
        if self._geometry.box is not None:
            self._box(painter, self._geometry.box)

    def _names(self) -> tuple[str, str]:
        against, current = self._model.against, self._model.current
        return against.label if against else "Original", current.label if current else ""

    def _wipe_line(self, painter: QPainter) -> None:
        view, rect = self._model.compare.view, self._geometry.picture_rect()
        line = render.wipe_line(rect, view)
        seen = rect.intersected(self._geometry.area())
        if view.wipe_level:
            start, end = QPointF(seen.left(), line), QPointF(seen.right(), line)
        else:
            start, end = QPointF(line, seen.top()), QPointF(line, seen.bottom())
        for colour, width in ((_SHADOW, 3), (_LINE, 1)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(start, end)
        painter.setBrush(_LINE)
        painter.drawEllipse((start + end) / 2, 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _sheet(self, painter: QPainter) -> None:
        for source, cell in self._geometry.cells():
            take = self._model.take(source.partition(":")[2]) if source != ORIGINAL else None
            _chip(painter, f"{take.number}  {take.label}" if take else "Original", cell)
            if take is not None and take is self._model.current:
                painter.setPen(QPen(_CHOSEN, 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(cell)

    def _box(self, painter: QPainter, box: Box) -> None:
        rect = self._geometry.picture_rect()
        left, top, right, bottom = box
        drawn = QRectF(
            QPointF(rect.left() + left * rect.width(), rect.top() + top * rect.height()),
            QPointF(rect.left() + right * rect.width(), rect.top() + bottom * rect.height()),
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(_SHADOW, 3), QPen(_BOX, 1.5, Qt.PenStyle.DashLine)):
            painter.setPen(pen)
            painter.drawRect(drawn)


def _chip(painter: QPainter, text: str, area: QRectF, right: bool = False, below: bool = False) -> None:
    """A line of text on a dark background in a corner of an area."""
    if not text:
        return
    metrics = painter.fontMetrics()
    room = int(area.width() / (2 if right else 1)) - 24
    text = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, max(room, 20))
    size = QSize(metrics.horizontalAdvance(text) + 12, metrics.height() + 6)
    x = area.right() - size.width() - 6 if right else area.left() + 6
    y = area.bottom() - size.height() - 6 if below else area.top() + 6
    rect = QRectF(x, y, size.width(), size.height())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_CHIP)
    painter.drawRoundedRect(rect, 3, 3)
    painter.setPen(_WRITING)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
