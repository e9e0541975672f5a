"""Icons, drawn in the palette's colours for any pixel ratio."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPalette, QPen, QPixmap, QPolygonF

_SIDE = 16
_Draw = Callable[[QPainter], None]


def icon(name: str, palette: QPalette) -> QIcon:
    """The icon with a name, in the colour of button texts; checked in the highlight colour."""
    made = QIcon()
    normal = palette.color(QPalette.ColorRole.ButtonText)
    faint = palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText)
    bright = palette.color(QPalette.ColorRole.Highlight).lighter(135)
    for mode, state, colour in (
        (QIcon.Mode.Normal, QIcon.State.Off, normal),
        (QIcon.Mode.Normal, QIcon.State.On, bright),
        (QIcon.Mode.Disabled, QIcon.State.Off, faint),
    ):
        for ratio in (1, 2, 3):
            made.addPixmap(_pixmap(_DRAWINGS[name], colour, ratio), mode, state)
    return made


def _pixmap(draw: _Draw, colour: QColor, ratio: int) -> QPixmap:
    pixmap = QPixmap(QSize(_SIDE, _SIDE) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.4))
    painter.setBrush(colour)
    draw(painter)
    painter.end()
    return pixmap


def _triangle(left: float, right: float) -> _Draw:
    return lambda painter: painter.drawPolygon(QPolygonF([QPointF(left, 3.5), QPointF(right, 8), QPointF(left, 12.5)]))


def _bar(x: float, width: float = 2) -> _Draw:
    return lambda painter: painter.drawRect(QRectF(x, 3.5, width, 9))


def _all(*draws: _Draw) -> _Draw:
    def draw(painter: QPainter) -> None:
        for each in draws:
            each(painter)

    return draw


def _outline(draw: _Draw) -> _Draw:
    def hollow(painter: QPainter) -> None:
        brush = painter.brush()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        draw(painter)
        painter.setBrush(brush)

    return hollow


def _frame(x: float = 2, width: float = 12) -> _Draw:
    return _outline(lambda painter: painter.drawRect(QRectF(x, 3.5, width, 9)))


def _fill(x: float, width: float, y: float = 3.5, height: float = 9) -> _Draw:
    return lambda painter: painter.drawRect(QRectF(x, y, width, height))


def _line(*points: tuple[float, float]) -> _Draw:
    return _outline(lambda painter: painter.drawPolyline(QPolygonF([QPointF(*point) for point in points])))


def _arc(painter: QPainter) -> None:
    painter.drawArc(QRectF(3, 3, 10, 10), 60 * 16, 290 * 16)


def _speaker(painter: QPainter) -> None:
    points = [QPointF(2, 6), QPointF(5, 6), QPointF(8.5, 3), QPointF(8.5, 13), QPointF(5, 10), QPointF(2, 10)]
    painter.drawPolygon(QPolygonF(points))


_DRAWINGS: dict[str, _Draw] = {
    "play": _triangle(4, 13),
    "reverse": _triangle(12, 3),
    "stop": _all(_bar(4, 2.5), _bar(9.5, 2.5)),
    "next": _all(_triangle(3, 9), _bar(11)),
    "before": _all(_triangle(13, 7), _bar(3)),
    "first": _all(_bar(2), _triangle(9, 5), _triangle(14, 10)),
    "last": _all(_triangle(2, 6), _triangle(7, 11), _bar(12)),
    "in": _line((11, 3), (6, 3), (6, 13), (11, 13)),
    "out": _line((5, 3), (10, 3), (10, 13), (5, 13)),
    "loop": _all(_outline(_arc), _fill(0, 0), lambda p: p.drawPolygon(
        QPolygonF([QPointF(9, 0.5), QPointF(14, 3.2), QPointF(9.5, 6.2)]))),
    "sound": _all(_speaker, _outline(lambda p: p.drawArc(QRectF(8, 4, 6, 8), -60 * 16, 120 * 16))),
    "take": _all(_frame(), _fill(4.5, 7, 5.5, 5)),
    "wipe": _all(_frame(), _fill(8, 6)),
    "side": _all(_frame(1, 6), _fill(9, 6)),
    "difference": _all(_frame(1.5, 8), _frame(6.5, 8), _fill(6.5, 3)),
    "sheet": _all(*(_fill(x, 4.4, y, 4.4) for x in (2, 9) for y in (3, 9))),
    "matte": _all(_frame(), lambda p: p.drawEllipse(QPointF(8, 8), 2.8, 2.8)),
    "fit": _all(_line((2, 6), (2, 3), (5, 3)), _line((11, 3), (14, 3), (14, 6)), _line((14, 10), (14, 13), (11, 13)),
                _line((5, 13), (2, 13), (2, 10))),
    "eye": _all(_outline(lambda p: p.drawEllipse(QRectF(1.5, 4, 13, 8))), lambda p: p.drawEllipse(QPointF(8, 8), 2, 2)),
}  # fmt: skip
