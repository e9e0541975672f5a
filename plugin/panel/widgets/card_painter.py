"""Paints the card of a job or a take in the list."""

from __future__ import annotations

from PyQt6.QtCore import QModelIndex, QObject, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QRegion
from PyQt6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from plugin.panel.models.takes.cards import Card
from plugin.panel.models.takes.takes import CARD_ROLE
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.widgets.theme import Theme, current_theme

_PAD = 6


class CardPainter(QStyledItemDelegate):
    """Paints thumbnail, title, facts, state and progress. `animation_frame` is the frame of moving thumbnails."""

    def __init__(self, thumbnails: Thumbnails, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails
        self.animation_frame = 0
        self.exposed = QRegion()
        """The region that is painted now: a moving thumbnail does not need its text painted again."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """Running jobs are higher, for their picture; failed ones show their whole error."""
        card: Card = index.data(CARD_ROLE)
        line = option.fontMetrics.height()
        if card.kind == "take":
            return QSize(120, round(line * 3.4) + 2 * _PAD)
        lines = 3.4 if card.progress is not None else 2.4
        if card.picture and card.progress is not None:
            lines = 5.2
        height = round(line * lines) + 2 * _PAD
        if card.state == "failed":
            width = max(120, option.rect.width() - 2 * _PAD)
            text = option.fontMetrics.boundingRect(0, 0, width, 2000, Qt.TextFlag.TextWordWrap, card.line)
            height = min(line * 9, text.height() + line * 2) + 2 * _PAD
        return QSize(120, height)

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Paint one card."""
        if painter is None:
            return
        card: Card = index.data(CARD_ROLE)
        theme = current_theme()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        rect = option.rect.adjusted(2, 2, -2, -1)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.setPen(QPen(QColor(theme.accent if selected else theme.line), 1))
        painter.setBrush(QColor(theme.raised if selected else theme.window))
        painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        inner = rect.adjusted(_PAD, _PAD, -_PAD, -_PAD)
        if card.depth:
            self._paint_lineage(painter, theme, inner)
            inner.setLeft(inner.left() + 12)
        if card.picture or card.movie or card.progress is not None:
            inner.setLeft(self._paint_picture(painter, theme, card, inner) + 8)
        if self.exposed.isEmpty() or self.exposed.intersects(inner):
            self._paint_text(painter, theme, card, inner, option.font)
        painter.restore()

    def thumbnail(self, card: Card, rect: QRect) -> QRect:
        """The rectangle of the thumbnail of a card that is painted in `rect`."""
        inner = rect.adjusted(2 + _PAD, 2 + _PAD, -2 - _PAD, -1 - _PAD)
        if card.depth:
            inner.setLeft(inner.left() + 12)
        return QRect(inner.left(), inner.top(), _picture_width(inner), inner.height())

    def _paint_lineage(self, painter: QPainter, theme: Theme, inner: QRect) -> None:
        painter.setPen(QPen(QColor(theme.faint), 1.4))
        middle = inner.center().y()
        painter.drawLine(inner.left() + 2, inner.top(), inner.left() + 2, middle)
        painter.drawLine(inner.left() + 2, middle, inner.left() + 9, middle)

    def _paint_picture(self, painter: QPainter, theme: Theme, card: Card, inner: QRect) -> int:
        area = QRect(inner.left(), inner.top(), _picture_width(inner), inner.height())
        painter.fillRect(area, QColor(theme.base))
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        image = None
        if card.movie:
            moving = self._thumbnails.moving(card.movie, round(inner.height() * ratio))
            image = moving[self.animation_frame % len(moving)] if moving else None
        elif card.picture:
            image = self._thumbnails.still(card.picture, card.stamp, QSize(round(area.width() * ratio), 2000))
        if image is not None:
            size = image.size().scaled(area.size(), Qt.AspectRatioMode.KeepAspectRatio)
            target = QRect(0, 0, size.width(), size.height())
            target.moveCenter(area.center())
            painter.drawImage(target, image)
        elif card.kind == "job":
            painter.setPen(QColor(theme.faint))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, "…" if card.progress is not None else "")
        return area.right()

    def _paint_text(self, painter: QPainter, theme: Theme, card: Card, inner: QRect, font: QFont) -> None:
        bold = QFont(font)
        bold.setWeight(QFont.Weight.DemiBold)
        small, strong = QFontMetrics(font), QFontMetrics(bold)
        line = small.height()
        state = self._paint_state(painter, theme, card, inner, font, small)
        painter.setFont(bold)
        painter.setPen(QColor(theme.text))
        title = QRect(inner.left(), inner.top(), max(10, state - inner.left() - 6), line)
        text = strong.elidedText(card.title, Qt.TextElideMode.ElideRight, title.width())
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter, text)
        painter.setFont(font)
        painter.setPen(QColor(theme.bad if card.state == "failed" else theme.faint))
        below = QRect(inner.left(), inner.top() + line + 2, inner.width(), inner.height() - line - 2)
        if card.progress is not None:
            below.setHeight(below.height() - 9)
            self._paint_progress(painter, theme, card, inner)
            painter.setPen(QColor(theme.faint))
        flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop
        if card.state != "failed" and small.horizontalAdvance(card.line) > below.width() * max(
            1, below.height() // line
        ):
            text = small.elidedText(
                card.line, Qt.TextElideMode.ElideRight, below.width() * (below.height() // line) - 20
            )
        else:
            text = card.line
        painter.drawText(below, flags, text)

    def _paint_progress(self, painter: QPainter, theme: Theme, card: Card, inner: QRect) -> None:
        bar = QRectF(inner.left(), inner.bottom() - 4, inner.width(), 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.base))
        painter.drawRoundedRect(bar, 2, 2)
        painter.setBrush(QColor(theme.accent))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), bar.width() * (card.progress or 0), 4), 2, 2)

    def _paint_state(
        self, painter: QPainter, theme: Theme, card: Card, inner: QRect, font: QFont, metrics: QFontMetrics
    ) -> int:
        """Paint state, notes and placing at the right; returns their left edge."""
        parts = [(card.state_text, _state_colour(theme, card.state))]
        if card.notes:
            text = "1 note" if card.notes == 1 else f"{card.notes} notes"
            parts.insert(0, (text, theme.faint))
        if card.placed:
            parts.insert(0, ("in timeline", theme.accent))
        painter.setFont(font)
        right = inner.right()
        for text, colour in reversed(parts):
            width = metrics.horizontalAdvance(text) + 10
            pill = QRectF(right - width, inner.top(), width, metrics.height())
            painter.setPen(QPen(QColor(colour), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(pill.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
            painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
            right -= width + 4
        return round(right)


def _picture_width(inner: QRect) -> int:
    return min(round(inner.height() * 16 / 9), inner.width() * 2 // 5)


def _state_colour(theme: Theme, state: str) -> str:
    return {
        "approved": theme.good,
        "rejected": theme.bad,
        "failed": theme.bad,
        "retake": theme.warn,
        "awaiting_approval": theme.warn,
        "paused": theme.warn,
        "pending": theme.faint,
        "queued": theme.faint,
        "cancelled": theme.faint,
    }.get(state, theme.accent)
