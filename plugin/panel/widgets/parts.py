"""Small parts that several zones use."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget


def heading(text: str) -> QLabel:
    """A zone's name."""
    label = QLabel(text.upper())
    label.setObjectName("zone")
    return label


def words(text: str = "", kind: str = "", wrap: bool = True) -> QLabel:
    """A line of text; `kind` is faint, warn, bad, good or title."""
    label = QLabel(text)
    label.setObjectName(kind)
    label.setWordWrap(wrap)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if wrap:
        label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def button(text: str, does: Callable[[], None], tip: str = "", primary: bool = False) -> QPushButton:
    """A push button."""
    made = QPushButton(text)
    made.setAutoDefault(False)
    made.setToolTip(tip)
    made.clicked.connect(lambda: does())
    if primary:
        made.setObjectName("primary")
    return made


def tool(text: str, does: Callable[[], None] | None = None, tip: str = "", plain: bool = False) -> QToolButton:
    """A small button."""
    made = QToolButton()
    made.setText(text)
    made.setToolTip(tip)
    made.setAccessibleName(tip or text)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if plain:
        made.setObjectName("plain")
    if does is not None:
        made.clicked.connect(lambda: does())
    return made


def segments(texts: list[str], tips: list[str] | None = None) -> tuple[QWidget, QButtonGroup]:
    """Buttons side by side of which one is pressed; arrow keys move between them."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    group = QButtonGroup(row)
    for place, text in enumerate(texts):
        each = QToolButton()
        each.setText(text)
        each.setCheckable(True)
        each.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        each.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        each.setToolTip(tips[place] if tips else "")
        group.addButton(each, place)
        layout.addWidget(each, 1)
    return row, group
