"""Paints pictures on the canvas: graded, wiped, side by side, as difference, with mattes. Stateless."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import ceil, floor, sqrt

import numpy as np
from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QImage, QPainter

from plugin.panel.review.compare import ComparisonView, Mode
from plugin.panel.review.qt_images import image_over, pixels_of
from plugin.review_media.pictures import Picture

# Display light follows a power of 2.4 (BT.1886), so that a stop multiplies code values by 2^(1/2.4).
_DISPLAY_POWER = 2.4
_MATTE_COLOUR, _MATTE_STRENGTH = (230, 60, 60), 0.55
# From this many screen pixels per picture pixel on, pixels are shown as squares.
_SQUARES = 2.0
GAP = 2


@lru_cache(maxsize=64)
def grade_table(exposure: float, gamma: float) -> bytes | None:
    """The graded code values of 0 to 255; None where nothing changes."""
    if exposure == 0 and gamma == 1:
        return None
    codes = np.arange(256) / 255
    graded = np.clip(codes * 2 ** (exposure / _DISPLAY_POWER), 0, 1) ** (1 / gamma)
    return np.rint(graded * 255).astype(np.uint8).tobytes()


@lru_cache(maxsize=16)
def gain_table(gain: int) -> bytes:
    """The differences 0 to 255 multiplied by `gain`, clipped."""
    return np.minimum(np.arange(256) * gain, 255).astype(np.uint8).tobytes()


@lru_cache(maxsize=1)
def _matte_colours() -> np.ndarray:
    """Premultiplied 32-bit colour for every matte value."""
    alpha = np.arange(256) * _MATTE_STRENGTH
    colours = alpha.astype(np.uint32) << 24
    for shift, part in zip((16, 8, 0), _MATTE_COLOUR, strict=True):
        colours |= (part * alpha / 255).astype(np.uint32) << shift
    return colours.astype(np.uint32)


def fitted_zoom(width: int, height: int, area: QRectF) -> float:
    """Screen pixels per picture pixel that show a whole picture in an area."""
    return max(1e-3, min(area.width() / max(1, width), area.height() / max(1, height)))


def place(width: int, height: int, area: QRectF, view: ComparisonView) -> QRectF:
    """The rectangle of a picture of display size `width` x `height`; it may exceed the area when zoomed in."""
    zoom = view.zoom or fitted_zoom(width, height, area)
    shown_width, shown_height = width * zoom, height * zoom
    x, y = view.centre if view.zoom else (0.5, 0.5)
    middle = area.center()
    return QRectF(middle.x() - x * shown_width, middle.y() - y * shown_height, shown_width, shown_height)


def halves(area: QRectF) -> tuple[QRectF, QRectF]:
    """The areas of side A and side B: left and right, or above each other in a tall view."""
    if area.width() >= area.height():
        width = (area.width() - GAP) / 2
        return (
            QRectF(area.left(), area.top(), width, area.height()),
            QRectF(area.right() - width, area.top(), width, area.height()),
        )
    height = (area.height() - GAP) / 2
    return (
        QRectF(area.left(), area.top(), area.width(), height),
        QRectF(area.left(), area.bottom() - height, area.width(), height),
    )


def sheet_cells(count: int, area: QRectF, aspect: float) -> list[QRectF]:
    """The contact sheet's cells, as large as possible for pictures of an aspect ratio (width over height)."""
    if count < 1:
        return []
    columns = max(
        range(1, count + 1),
        key=lambda many: min(area.width() / many / aspect, area.height() / ceil(count / many)),
    )
    rows = ceil(count / columns)
    width, height = area.width() / columns, area.height() / rows
    return [
        QRectF(
            area.left() + index % columns * width + GAP,
            area.top() + index // columns * height + GAP,
            width - 2 * GAP,
            height - 2 * GAP,
        )
        for index in range(count)
    ]


def paint_single(
    painter: QPainter, area: QRectF, view: ComparisonView, picture: Picture, matte: Picture | None
) -> None:
    """One picture, graded, with the matte over it."""
    rect = place(picture.width, picture.height, area, view)
    table = grade_table(view.exposure, view.gamma)
    _paint(painter, picture.pixels, rect, area, table)
    if matte is not None:
        _paint_matte(painter, matte, rect, area)


def paint_wipe(
    painter: QPainter, area: QRectF, view: ComparisonView, a: Picture, b: Picture, matte: Picture | None
) -> None:
    """Side A left of the line or above it, side B on the other side."""
    rect = place(a.width, a.height, area, view)
    before, behind = QRectF(area), QRectF(area)
    line = wipe_line(rect, view)
    if view.wipe_level:
        before.setBottom(min(max(line, area.top()), area.bottom()))
        behind.setTop(before.bottom())
    else:
        before.setRight(min(max(line, area.left()), area.right()))
        behind.setLeft(before.right())
    table = grade_table(view.exposure, view.gamma)
    for picture, part in ((a, before), (b, behind)):
        painter.save()
        painter.setClipRect(part, Qt.ClipOperation.IntersectClip)
        _paint(painter, picture.pixels, rect, part, table)
        painter.restore()
    if matte is not None:
        _paint_matte(painter, matte, rect, area)


def wipe_line(rect: QRectF, view: ComparisonView) -> float:
    """The line's x (or y, for a level line) for a picture that lies in `rect`; on a whole pixel."""
    if view.wipe_level:
        return round(rect.top() + rect.height() * view.wipe)
    return round(rect.left() + rect.width() * view.wipe)


def paint_side(
    painter: QPainter, area: QRectF, view: ComparisonView, a: Picture, b: Picture, matte: Picture | None
) -> None:
    """Both sides next to each other, at the same zoom and centre."""
    for picture, part in zip((a, b), halves(area), strict=True):
        painter.save()
        painter.setClipRect(part, Qt.ClipOperation.IntersectClip)
        paint_single(painter, part, view, picture, matte)
        painter.restore()


def paint_difference(
    painter: QPainter, area: QRectF, view: ComparisonView, a: Picture, b: Picture, matte: Picture | None
) -> None:
    """The difference of the graded sides in every channel, multiplied by `view.gain`."""
    rect = place(a.width, a.height, area, view)
    ours, theirs = a.pixels, b.pixels
    if ours.shape != theirs.shape:
        theirs = _resized(theirs, ours.shape)
    cut, target = _visible(ours, rect, area)
    if target.isEmpty():
        return
    table = grade_table(view.exposure, view.gamma)
    ours, theirs = _graded(ours[cut], table), _graded(theirs[cut], table)
    apart = np.maximum(ours, theirs) - np.minimum(ours, theirs)
    _draw(painter, _graded(apart, gain_table(view.gain)), target, rect.width() / a.pixels.shape[1])
    if matte is not None:
        _paint_matte(painter, matte, rect, area)


def paint_sheet(painter: QPainter, area: QRectF, view: ComparisonView, pictures: Mapping[str, Picture | None]) -> None:
    """Every source in its cell, graded; zoom and pan are ignored."""
    known = [picture for picture in pictures.values() if picture is not None]
    if not known:
        return
    cells = sheet_cells(len(pictures), area, known[0].width / known[0].height)
    whole = ComparisonView(exposure=view.exposure, gamma=view.gamma)
    for cell, picture in zip(cells, pictures.values(), strict=True):
        if picture is not None:
            paint_single(painter, cell, whole, picture, None)


PAINTERS = {Mode.WIPE: paint_wipe, Mode.SIDE: paint_side, Mode.DIFFERENCE: paint_difference}


def _visible(pixels: np.ndarray, rect: QRectF, area: QRectF) -> tuple[tuple[slice, slice], QRectF]:
    """The part of an array that is seen, a pixel more on each side, and where that part lies on the screen."""
    height, width = pixels.shape[:2]
    seen = rect.intersected(area)
    if seen.isEmpty():
        return (slice(0, 0), slice(0, 0)), QRectF()
    across, down = rect.width() / width, rect.height() / height
    left = max(0, floor((seen.left() - rect.left()) / across) - 1)
    top = max(0, floor((seen.top() - rect.top()) / down) - 1)
    right = min(width, ceil((seen.right() - rect.left()) / across) + 1)
    bottom = min(height, ceil((seen.bottom() - rect.top()) / down) + 1)
    corner = QPointF(rect.left() + left * across, rect.top() + top * down)
    target = QRectF(corner.x(), corner.y(), (right - left) * across, (bottom - top) * down)
    return (slice(top, bottom), slice(left, right)), target


def _graded(pixels: np.ndarray, table: bytes | None) -> np.ndarray:
    if table is None:
        return pixels
    return np.frombuffer(pixels.tobytes().translate(table), np.uint8).reshape(pixels.shape)


def _paint(painter: QPainter, pixels: np.ndarray, rect: QRectF, area: QRectF, table: bytes | None) -> None:
    cut, target = _visible(pixels, rect, area)
    if not target.isEmpty():
        _draw(painter, _graded(pixels[cut], table), target, rect.width() / pixels.shape[1])


def _paint_matte(painter: QPainter, matte: Picture, rect: QRectF, area: QRectF) -> None:
    cut, target = _visible(matte.pixels, rect, area)
    if not target.isEmpty():
        colours = _matte_colours()[matte.pixels[cut]]
        scale = rect.width() / matte.pixels.shape[1]
        _draw(painter, colours.view(np.uint8).reshape(*colours.shape, 4), target, scale, True)


def _draw(painter: QPainter, pixels: np.ndarray, target: QRectF, scale: float, alpha: bool = False) -> None:
    """Draw uint8 [h, w, 4] into `target`, rows of the array not necessarily one after another in memory."""
    if pixels.strides[1:] != (4, 1):
        pixels = np.ascontiguousarray(pixels)
    image = image_over(pixels, QImage.Format.Format_ARGB32_Premultiplied if alpha else QImage.Format.Format_RGB32)
    device = painter.device()
    smooth = scale * (device.devicePixelRatioF() if device is not None else 1.0) < _SQUARES
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawImage(target, image)


def _resized(pixels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pixels scaled to another shape, for sides that differ in size."""
    image = QImage(shape[1], shape[0], QImage.Format.Format_RGB32)
    image.fill(QColor(0, 0, 0))
    painter = QPainter(image)
    _draw(painter, pixels, QRectF(0, 0, shape[1], shape[0]), sqrt(shape[0] * shape[1]) / max(1, sqrt(pixels.size / 4)))
    painter.end()
    return pixels_of(image)
