"""Zone 3: queue and results in one list, and the actions of the selected row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, QUrl
from PyQt6.QtGui import QDesktopServices, QKeyEvent, QPaintEvent, QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QListView, QMenu, QToolButton, QVBoxLayout, QWidget

from plugin.panel.existing import existing
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.models.takes.cards import Action, Card
from plugin.panel.models.takes.takes import CARD_ROLE
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.widgets.binding import watch
from plugin.panel.widgets.card_painter import CardPainter
from plugin.panel.widgets.controls import clear, heading, label, tool_button
from plugin.panel.widgets.flow import FlowLayout
from plugin.panel.widgets.transfers import Transfers

_ANIMATION_MS = 125


class CardList(QListView):
    """A list of cards that passes the exposed region to its painter."""

    def __init__(self, painter: CardPainter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._painter = painter
        self.setItemDelegate(painter)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802 - Qt's name
        """Paint the exposed region."""
        if event is not None:
            self._painter.exposed = event.region()
        super().paintEvent(event)

    def area(self) -> QWidget:
        """The widget on which the cards are painted."""
        return existing(self.viewport())


class TakesZone(QWidget):
    """The list and its buttons. Return opens a take or a plan, Delete cancels a job, Ctrl+Up and Ctrl+Down move it."""

    def __init__(self, model: PanelModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model, self._thumbnails = model, thumbnails
        self._chosen = ""
        self.painter = CardPainter(thumbnails, self)
        self.list = CardList(self.painter)
        self.list.setAccessibleName("Queue and takes")
        self.list.setModel(model.takes)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.list.doubleClicked.connect(lambda _: self._open())
        self.list.installEventFilter(self)
        self.all_shots = tool_button("All shots", tip="Show the jobs and takes of all shots")
        self.all_shots.setCheckable(True)
        self.all_shots.toggled.connect(model.show_all_shots)
        self.pause = tool_button("Pause queue", tip="Start no new jobs; the running one continues")
        self.pause.setCheckable(True)
        self.pause.clicked.connect(model.backend.pause_queue)
        self.transfers = Transfers(model.transfers)
        self.empty = label("No takes of this shot yet.", "faint")
        self.placement_line = label(kind="good")
        self.action_row = QWidget()
        self._actions = FlowLayout(self.action_row, 3)
        self._actions.setContentsMargins(0, 0, 0, 0)
        self._lay_out()
        for signal in (model.takes.rowsInserted, model.takes.rowsRemoved, model.takes.rowsMoved):
            signal.connect(self._rows_changed)
        model.takes.dataChanged.connect(lambda *_: self._show_actions())
        existing(self.list.selectionModel()).currentChanged.connect(self._choose)
        watch(model.backend, self._show_pause, "paused", "state")
        watch(model.placements, self._show_place, "current", "placing")
        thumbnails.arrived.connect(lambda key: self.list.area().update())
        self._animation = QTimer(self)
        self._animation.setInterval(_ANIMATION_MS)
        self._animation.timeout.connect(self._animate)
        self._animation.start()
        self._rows_changed()

    def choose(self, row_id: str) -> None:
        """Select a row."""
        row = self.model.takes.row_of(row_id)
        if row >= 0:
            self.list.setCurrentIndex(self.model.takes.index(row))

    def needed_height(self) -> int:
        """The height in pixels that shows all rows."""
        rows = sum(self.list.sizeHintForRow(row) for row in range(min(12, self.model.takes.rowCount())))
        shown = (self.transfers, self.action_row, self.placement_line)
        others = sum(each.sizeHint().height() for each in shown if not each.isHidden())
        return rows + others + self.pause.sizeHint().height() + 40

    @property
    def card(self) -> Card | None:
        """The card of the selected row."""
        return self.list.currentIndex().data(CARD_ROLE)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(heading("Takes"))
        top.addStretch(1)
        top.addWidget(self.all_shots)
        top.addWidget(self.pause)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 6)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self.transfers, 0)
        column.addWidget(self.empty, 0)
        column.addWidget(self.list, 1)
        column.addWidget(self.action_row)
        column.addWidget(self.placement_line)
        column.addStretch(0)

    # Rows -------------------------------------------------------------------------------------------------------------

    def _choose(self, *_: object) -> None:
        card = self.card
        self._chosen = card.row_id if card else ""
        self._show_actions()

    def _rows_changed(self, *_: object) -> None:
        empty = self.model.takes.rowCount() == 0
        self.empty.setVisible(empty)
        self.list.setVisible(not empty)
        if self.card is None and self.model.takes.rowCount():
            self.list.setCurrentIndex(self.model.takes.index(0))
        self._show_actions()

    def _animate(self) -> None:
        if self.list.isVisible() and self.list.area().isVisible():
            self.painter.animation_frame += 1
            for row in self._visible_rows():
                index = self.model.takes.index(row)
                card = index.data(CARD_ROLE)
                if card.movie:
                    self.list.area().update(self.painter.thumbnail(card, self.list.visualRect(index)))

    def _visible_rows(self) -> range:
        count = self.model.takes.rowCount()
        if not count:
            return range(0)
        top = self.list.indexAt(QPoint(8, 4)).row()
        bottom = self.list.indexAt(QPoint(8, self.list.area().height() - 4)).row()
        return range(max(0, top), (bottom if bottom >= 0 else count - 1) + 1)

    # Actions ----------------------------------------------------------------------------------------------------------

    def _show_actions(self) -> None:
        card = self.card
        wanted = [] if card is None else [each for each in card.actions if self._offers(each, card)]
        shown = (wanted, card is not None and card.placed)
        if self.action_row.property("shown") == shown:
            return
        self.action_row.setProperty("shown", shown)
        clear(self._actions)
        if card is not None:
            for each in wanted:
                self._actions.addWidget(self._action_button(each, card))
        self.action_row.setVisible(bool(wanted))
        self.action_row.updateGeometry()

    def _action_button(self, action: Action, card: Card) -> QToolButton:
        text, tip = self._action_text(action, card)
        made = tool_button(text, lambda: self.act(action), tip)
        if action in ("place", "plan", "retry"):
            made.setObjectName("")
        return made

    def _offers(self, action: Action, card: Card) -> bool:
        """Whether the host can do what an action needs."""
        if action == "version":
            return self.model.placements.takes_versions and not card.placed
        return action != "place" or self.model.placements.possible

    def act(self, action: Action) -> None:
        """Carry out an action on the selected row."""
        card, model = self.card, self.model
        if card is None:
            return
        does: dict[Action, Callable[[], object]] = {
            "pause": lambda: model.jobs.pause(card.job),
            "cancel": lambda: model.jobs.cancel(card.job),
            "retry": lambda: model.jobs.retry(card.job),
            "retry_small": lambda: model.jobs.retry(card.job, small=True),
            "up": lambda: model.jobs.move(card.job, -1),
            "down": lambda: model.jobs.move(card.job, 1),
            "dismiss": lambda: model.jobs.dismiss(card.job),
            "plan": lambda: model.open_plan(card.job),
            "review": lambda: model.reviewRequested.emit(card.id),
            "place": lambda: model.decisions.approve_and_place(card.id),
            "version": lambda: model.decisions.add_version(card.id),
            "again": lambda: model.decisions.use_again(card.id),
            "folder": lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(card.folder)))),
        }
        does[action]()

    def _action_text(self, action: Action, card: Card) -> tuple[str, str]:
        resumable = card.state in ("paused", "cancelled")
        swap = self.model.placements.current is not None and not card.placed
        place = "Swap in" if swap else "Approve and place"
        return {
            "pause": ("Pause", "Stop after this step and leave the queue; finished work is kept"),
            "cancel": ("Cancel", "Cancel this job (Delete)"),
            "retry": (
                ("Continue", "Queue it again; it resumes after its last step")
                if resumable
                else ("Retry", "Resume after the last finished step")
            ),
            "retry_small": ("Retry with less memory", "Slower, same method"),
            "up": ("Earlier", "Move up in the queue (Ctrl+Up)"),
            "down": ("Later", "Move down in the queue (Ctrl+Down)"),
            "dismiss": ("Dismiss", "Remove it from the list; its files are kept"),
            "plan": ("Open plan", "Read and edit it, then generate (Return)"),
            "review": ("Review", "Compare it with the original (Return)"),
            "place": (place, "On a new track directly above the clip"),
            "version": ("Add to take selector", "Add it to the placed take's own versions in the editing application"),
            "again": ("Use again", "Reuse its instruction and seed"),
            "folder": ("Folder", "Show its files"),
        }[action]

    def _open(self) -> None:
        card = self.card
        if card is not None:
            action = next((each for each in ("review", "plan") if each in card.actions), None)
            if action:
                self.act(action)

    def _show_menu(self, point: QPoint) -> None:
        card = self.card
        if card is None:
            return
        menu = QMenu(self)
        for each in card.actions:
            if self._offers(each, card):
                menu.addAction(self._action_text(each, card)[0], lambda each=each: self.act(each))
        if card.kind == "take":
            status = existing(menu.addMenu("Status"))
            for value, text in (
                ("pending", "Pending"),
                ("approved", "Approved"),
                ("rejected", "Rejected"),
                ("retake", "Retake"),
            ):
                status.addAction(text, lambda value=value: self.model.decisions.set_status(card.id, value))
        menu.popup(self.list.area().mapToGlobal(point))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """The list's keys."""
        if watched is self.list and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            card, key = self.card, event.key()
            control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._open()
                return True
            for wanted, action in (
                (key == Qt.Key.Key_Delete, "cancel"),
                (key == Qt.Key.Key_Delete, "dismiss"),
                (control and key == Qt.Key.Key_Up, "up"),
                (control and key == Qt.Key.Key_Down, "down"),
            ):
                if wanted and card is not None and action in card.actions:
                    self.act(action)
                    return True
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's name
        """Lay out again: cards that show their whole error change their height."""
        super().resizeEvent(event)
        self.list.scheduleDelayedItemsLayout()

    def _show_pause(self) -> None:
        self.pause.setChecked(self.model.backend.paused)
        self.pause.setEnabled(self.model.backend.ready)

    def _show_place(self) -> None:
        self.placement_line.setText(self.model.placements.status_text)
        self.placement_line.setVisible(bool(self.model.placements.status_text))
        self.action_row.setProperty("shown", None)
        self._show_actions()
