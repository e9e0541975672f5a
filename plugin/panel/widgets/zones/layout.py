"""The layout of the zones and how the space is divided between them."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt, QTimer
from PyQt6.QtWidgets import QFrame, QScrollArea, QSplitter, QVBoxLayout, QWidget

from plugin.panel.existing import existing
from plugin.panel.widgets.zones.ask_zone import AskZone
from plugin.panel.widgets.zones.shot_zone import ShotZone
from plugin.panel.widgets.zones.takes_zone import TakesZone

_ASKING_WIDEST = 560


class Zones(QSplitter):
    """Shot and Ask, which scroll together, and Takes; the two buttons of Ask are always visible."""

    def __init__(self, shot: ShotZone, ask: AskZone, takes: TakesZone, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self._ask, self._takes = ask, takes
        self._by_hand = False
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(shot)
        column.addWidget(_line())
        column.addWidget(ask, 1)
        self.scroll_area = QScrollArea()
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setWidget(inside)
        upper = QWidget()
        rows = QVBoxLayout(upper)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.scroll_area, 1)
        rows.addWidget(ask.buttons)
        self.addWidget(upper)
        self.addWidget(takes)
        self.setChildrenCollapsible(False)
        self.splitterMoved.connect(self._moved)
        inside.installEventFilter(self)
        rows_of_takes = existing(takes.list.model())
        for signal in (rows_of_takes.rowsInserted, rows_of_takes.rowsRemoved):
            signal.connect(lambda *_: QTimer.singleShot(0, self.divide))

    def put_side_by_side(self, on: bool) -> None:
        """Put the takes beside the other zones, or below them."""
        orientation = Qt.Orientation.Horizontal if on else Qt.Orientation.Vertical
        if self.orientation() != orientation:
            self.setOrientation(orientation)

    def divide(self) -> None:
        """Give the upper zones the height they need and the takes the rest, until the artist moves the splitter."""
        if self.orientation() == Qt.Orientation.Horizontal:
            column = min(_ASKING_WIDEST, self.width() * 3 // 5)
            self.setSizes([column, self.width() - column])
        elif not self._by_hand:
            height, width = self.height(), existing(self.scroll_area.viewport()).width()
            inside = existing(self.scroll_area.widget())
            needed = inside.heightForWidth(width) if inside.hasHeightForWidth() else inside.sizeHint().height()
            upper = needed + self._ask.buttons.sizeHint().height() + 4
            # The takes keep the height of their rows, at most two fifths.
            upper = min(upper, height - min(self._takes.needed_height(), height * 2 // 5))
            self.setSizes([upper, height - upper])

    def division(self) -> tuple[int, ...]:
        """Sizes that the artist chose; empty when the artist chose none."""
        return tuple(self.sizes()) if self._by_hand and self.orientation() == Qt.Orientation.Vertical else ()

    def restore(self, sizes: tuple[int, ...]) -> None:
        """Restore sizes that the artist chose."""
        if sizes:
            self._by_hand = True
            self.setSizes([int(each) for each in sizes])

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Divide again when the zones need another height."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            QTimer.singleShot(0, self.divide)
        return super().eventFilter(watched, event)

    def _moved(self) -> None:
        if self.orientation() == Qt.Orientation.Vertical:
            self._by_hand = True


def _line() -> QFrame:
    line = QFrame()
    line.setObjectName("line")
    line.setFixedHeight(1)
    return line
