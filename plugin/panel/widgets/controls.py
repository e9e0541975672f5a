"""Labels and buttons that several zones use."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QEvent, QSize, Qt
from PyQt6.QtGui import QFont, QResizeEvent
from PyQt6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QLayout, QPushButton, QSizePolicy, QToolButton, QWidget


def heading(text: str) -> QLabel:
    """The heading of a zone."""
    label = QLabel(text.upper())
    label.setObjectName("zone")
    return label


def label(text: str = "", kind: str = "", wrap: bool = True) -> QLabel:
    """A line of text; `kind` is faint, warn, bad, good or title."""
    label = QLabel(text)
    label.setObjectName(kind)
    if kind == "title":
        font = label.font()
        font.setPointSizeF(font.pointSizeF() * 1.4)
        font.setWeight(QFont.Weight.DemiBold)
        label.setFont(font)
    label.setWordWrap(wrap)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if wrap:
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def button(text: str, action: Callable[[], None], tip: str = "", primary: bool = False) -> QPushButton:
    """A push button."""
    made = QPushButton(text)
    made.setAutoDefault(False)
    made.setToolTip(tip)
    made.clicked.connect(lambda: action())
    if primary:
        made.setObjectName("primary")
    return made


def tool_button(text: str, action: Callable[[], None] | None = None, tip: str = "", plain: bool = False) -> QToolButton:
    """A small button."""
    made = QToolButton()
    made.setText(text)
    made.setToolTip(tip)
    made.setAccessibleName(tip or text)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if plain:
        made.setObjectName("plain")
    if action is not None:
        made.clicked.connect(lambda: action())
    return made


def segments(texts: list[str], tips: list[str] | None = None) -> tuple[QWidget, QButtonGroup]:
    """Exclusive buttons side by side; arrow keys move between them."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    group = QButtonGroup(row)
    for place, text in enumerate(texts):
        each = Segment(text)
        each.setCheckable(True)
        each.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        each.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        each.setToolTip(tips[place] if tips else "")
        group.addButton(each, place)
        layout.addWidget(each, 1)
    return row, group


class Segment(QToolButton):
    """A button whose text is elided in a narrow window; screen readers read the whole text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._whole = text
        self.setText(text)
        self.setAccessibleName(text)
        self._hint = super().sizeHint()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's names
        """Room for the whole text."""
        return self._hint

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Room for a few letters."""
        return QSize(min(self._hint.width(), self.fontMetrics().averageCharWidth() * 9), self._hint.height())

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Measure the text again for the new font or style."""
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.setText(self._whole)
            self._hint = super().sizeHint()
            self._elide()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Another width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        around = self._hint.width() - self.fontMetrics().horizontalAdvance(self._whole)
        room = self.width() - around
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, max(0, room)))


def set_kind(widget: QWidget, kind: str) -> None:
    """Set a widget's kind in the style sheet: "faint", "bad", "primary", ..., or "" for the default."""
    if widget.objectName() == kind:
        return
    widget.setObjectName(kind)
    style = widget.style()
    if style is not None:
        style.unpolish(widget)
        style.polish(widget)


def clear(layout: QLayout) -> None:
    """Remove all widgets of a layout: hidden at once, deleted by Qt a moment later."""
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()


class ElidedLabel(QLabel):
    """One line of text, elided to the width; the tool tip shows all of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._whole = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def setText(self, text: str | None) -> None:  # noqa: N802 - Qt's names
        """Show another text."""
        self._whole = text or ""
        self.setToolTip(self._whole)
        self._elide()

    def text(self) -> str:
        """The whole text."""
        return self._whole

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Another width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        room = self.contentsRect().width()
        super().setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, room))
