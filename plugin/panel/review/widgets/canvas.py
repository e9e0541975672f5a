"""The canvas: shows the comparison, and handles wipe, zoom, pan, hold and box with the mouse."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from plugin.panel.review import render
from plugin.panel.review.compare import ORIGINAL, Mode
from plugin.panel.review.follow_up import Box, box_between
from plugin.panel.review.mask_paint import MaskPaint
from plugin.panel.review.model import ReviewModel
from plugin.panel.review.widgets.overlay import Overlay
from plugin.review_media.pictures import Picture

_BACKGROUND = QColor(18, 18, 18)
_GRIP = 8
_WHEEL_STEP = 1.2


class Canvas(QWidget):
    """Left button drags the wipe (near its line), pans when zoomed in, or picks from the contact sheet.

    The middle button pans, the right one shows the other side while it is held; the wheel zooms at the pointer.
    While `drawing_box` the left button draws a box; `boxDrawn` carries it in fractions of the frame, None if too small.
    """

    boxDrawn = pyqtSignal(object)

    def __init__(self, model: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.drawing_box = False
        self.box: Box | None = None
        self.matte: MaskPaint | None = None
        self.painting_mask = False
        self._drag: Callable[[QPointF], None] | None = None
        self._overlay = Overlay(self, model)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Picture")
        model.playback.shownChanged.connect(self._new_pictures)
        model.compare.changed.connect(self._view_changed)
        model.currentChanged.connect(self.update)
        model.takesChanged.connect(self.update)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """A comfortable size beside a timeline."""
        return QSize(640, 360)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Small enough for a narrow panel."""
        return QSize(160, 120)

    # Geometry ---------------------------------------------------------------------------------------------------------

    def area(self) -> QRectF:
        """The whole canvas."""
        return QRectF(self.rect())

    def _picture_area(self) -> QRectF:
        """The area of one side's picture."""
        return render.halves(self.area())[0] if self._model.compare.view.mode is Mode.SIDE else self.area()

    def _reference(self) -> Picture | None:
        """A shown picture, for the size of all of them; None when none is shown."""
        return next((each for each in self._model.playback.shown.pictures.values() if each is not None), None)

    def picture_rect(self) -> QRectF:
        """The rectangle of side A's picture, or of the only one."""
        reference = self._reference()
        if reference is None:
            return QRectF()
        return render.place(reference.width, reference.height, self._picture_area(), self._model.compare.view)

    def fitted(self) -> float:
        """The zoom that fits a picture."""
        reference = self._reference()
        return render.fitted_zoom(reference.width, reference.height, self._picture_area()) if reference else 1.0

    def part_at(self, point: QPointF) -> tuple[float, float]:
        """The point of the picture under a point of the canvas, in fractions of its size."""
        rect = self.picture_rect()
        if self._model.compare.view.mode is Mode.SIDE:
            first, second = render.halves(self.area())
            if second.contains(point) and not first.contains(point):
                point = point - (second.topLeft() - first.topLeft())
        if rect.isEmpty():
            return 0.5, 0.5
        return (point.x() - rect.left()) / rect.width(), (point.y() - rect.top()) / rect.height()

    def cells(self) -> list[tuple[str, QRectF]]:
        """The contact sheet's sources and where they are."""
        reference = self._reference()
        if reference is None:
            return []
        sources = list(self._model.playback.shown.pictures)
        cells = render.sheet_cells(len(sources), self.area(), reference.width / reference.height)
        return list(zip(sources, cells, strict=True))

    def _update_scale(self) -> None:
        reference = self._reference()
        if reference is None:
            return
        ratio = self.devicePixelRatioF()
        sources = max(1, len(self._model.playback.sheet))
        cells = render.sheet_cells(sources, self.area(), reference.width / reference.height)
        cell = render.fitted_zoom(reference.width, reference.height, cells[0])
        zoom = self._model.compare.view.zoom or self.fitted()
        self._model.playback.set_scale(zoom * ratio, cell * ratio)

    def _new_pictures(self) -> None:
        self._update_scale()
        self.update()

    def _view_changed(self) -> None:
        self._update_scale()
        self._set_cursor(QPointF(self.mapFromGlobal(self.cursor().pos())))
        self.update()

    # Painting ---------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """The comparison and its overlay."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), _BACKGROUND)
        view, playback = self._model.compare.view, self._model.playback
        pictures = playback.shown.pictures
        if not pictures:
            self._paint_hint(painter)
            return
        matte = self._matte()
        a, b = pictures.get(playback.a), pictures.get(playback.b)
        if view.mode is Mode.SHEET:
            render.paint_sheet(painter, self.area(), view, pictures)
        elif view.mode is not Mode.TAKE and a is not None and b is not None:
            render.PAINTERS[view.mode](painter, self.area(), view, a, b, matte)
        elif (single := self._single(a, b)) is not None:
            render.paint_single(painter, self.area(), view, single, matte)
        self._overlay.paint(painter)

    def _matte(self) -> Picture | None:
        """The matte over the picture: the one that is being painted, else the take's."""
        shown = self._model.playback.shown
        if self.matte is not None and self.matte.frame == shown.frame and (self.painting_mask or self.matte.edited):
            return self.matte.picture()
        return shown.pictures.get(self._model.playback.matte) if self._model.compare.view.matte else None

    def _single(self, a: Picture | None, b: Picture | None) -> Picture | None:
        """The one picture to show; outside a take's range that is the original."""
        if self._model.compare.view.mode is Mode.TAKE:
            return self._reference()
        return b if b is not None else a

    def _paint_hint(self, painter: QPainter) -> None:
        if self._model.original is None:
            text = "No shot is open."
        else:
            text = "Reading the shot…"
        painter.setPen(QColor(150, 150, 150))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, text)

    # Mouse ------------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Start a drag, or show the other side."""
        assert event is not None
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        view, point = self._model.compare.view, event.position()
        if event.button() == Qt.MouseButton.RightButton:
            self._model.compare.hold(True)
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._drag = self._panning(point)
        elif event.button() == Qt.MouseButton.LeftButton:
            if view.mode is Mode.SHEET:
                self._pick_at(point)
            elif self.drawing_box:
                self._drag = self._boxing(point)
            elif self.painting_mask:
                erase = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
                self._drag = self._brushing(point, not erase)
                self._drag(point)
            elif view.mode is Mode.WIPE and (self._near_line(point) or view.zoom is None):
                self._drag = self._wiping
                self._wiping(point)
            elif view.zoom is not None:
                self._drag = self._panning(point)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Continue a drag."""
        assert event is not None
        if self._drag is not None:
            self._drag(event.position())
        else:
            self._set_cursor(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """End a drag, or stop showing the other side."""
        assert event is not None
        if event.button() == Qt.MouseButton.RightButton:
            self._model.compare.hold(False)
        elif self._drag is not None:
            if self.drawing_box and event.button() == Qt.MouseButton.LeftButton:
                self.boxDrawn.emit(self.box)
            self._drag = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Fit the picture; in the contact sheet, show the take alone."""
        assert event is not None
        if self._model.compare.view.mode is Mode.SHEET:
            self._pick_at(event.position())
            self._model.compare.set(mode=Mode.TAKE)
        elif self._model.compare.view.mode is not Mode.WIPE:
            self._model.compare.set(zoom=None, centre=(0.5, 0.5))

    def wheelEvent(self, event: QWheelEvent | None) -> None:  # noqa: N802
        """Zoom at the pointer."""
        assert event is not None
        turned = event.angleDelta().y() / 120
        if turned and self._model.compare.view.mode is not Mode.SHEET:
            self._model.compare.zoom_by(_WHEEL_STEP**turned, self.fitted(), self.part_at(event.position()))
        event.accept()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Another size may need other levels."""
        self._update_scale()

    def _near_line(self, point: QPointF) -> bool:
        view = self._model.compare.view
        place = point.y() if view.wipe_level else point.x()
        return abs(place - render.wipe_line(self.picture_rect(), view)) <= _GRIP

    def _wiping(self, point: QPointF) -> None:
        part = self.part_at(point)
        self._model.compare.set(wipe=part[1] if self._model.compare.view.wipe_level else part[0])

    def _panning(self, start: QPointF) -> Callable[[QPointF], None]:
        last = [start]

        def pan(point: QPointF) -> None:
            rect, moved = self.picture_rect(), point - last[0]
            last[0] = point
            if not rect.isEmpty():
                x, y = -moved.x() / rect.width(), -moved.y() / rect.height()
                self._model.compare.pan_by(x, y, self.fitted())

        return pan

    def _boxing(self, start: QPointF) -> Callable[[QPointF], None]:
        begin = self.part_at(start)

        def draw(point: QPointF) -> None:
            self.box = box_between(begin, self.part_at(point))
            self.update()

        return draw

    def _brushing(self, start: QPointF, add: bool) -> Callable[[QPointF], None]:
        last = [start]

        def brush(point: QPointF) -> None:
            if self.matte is not None and self.matte.frame == self._model.playback.shown.frame:
                self.matte.stroke(self.part_at(last[0]), self.part_at(point), add)
            last[0] = point

        return brush

    def _pick_at(self, point: QPointF) -> None:
        for source, cell in self.cells():
            if cell.contains(point) and source != ORIGINAL:
                self._model.pick(source.partition(":")[2])

    def _set_cursor(self, point: QPointF) -> None:
        view = self._model.compare.view
        shape = Qt.CursorShape.ArrowCursor
        if self.drawing_box or self.painting_mask:
            shape = Qt.CursorShape.CrossCursor
        elif view.mode is Mode.WIPE and self._near_line(point):
            shape = Qt.CursorShape.SizeVerCursor if view.wipe_level else Qt.CursorShape.SizeHorCursor
        elif view.mode is Mode.SHEET:
            shape = Qt.CursorShape.PointingHandCursor
        elif view.zoom is not None:
            shape = Qt.CursorShape.OpenHandCursor
        self.setCursor(shape)
