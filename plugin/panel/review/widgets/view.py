"""The review view: canvas, comparison, transport, takes, notes and follow-up in one widget."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, Qt
from PyQt6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PyQt6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from plugin.panel.review.compare import Mode
from plugin.panel.review.key_bindings import BINDINGS, HOLD, NEW_NOTE, SHOW_KEYS, KeyDispatcher
from plugin.panel.review.model import ReviewModel
from plugin.panel.review.widgets.canvas import Canvas
from plugin.panel.review.widgets.compare_bar import CompareBar
from plugin.panel.review.widgets.follow_up_form import FollowUpForm
from plugin.panel.review.widgets.notes_panel import NotesPanel
from plugin.panel.review.widgets.scrub_bar import ScrubBar
from plugin.panel.review.widgets.take_strip import TakeStrip
from plugin.panel.review.widgets.transport_bar import TransportBar

# From this width on (in average letters) the notes are beside the picture, else below it.
_BESIDE = 110
# Their width there, in average letters.
_NOTES = 54


class ReviewView(QWidget):
    """Shows a ReviewModel, which the caller closes. Keys work wherever the focus is, except in text fields.

    `shows_problems` may be turned off where the model's problems are shown elsewhere.
    """

    def __init__(self, model: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self._keys = KeyDispatcher(model)
        self.shows_problems = True
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Explicit, because the layout's own minimum is that of the wide arrangement.
        self.setMinimumSize(320, 360)
        self.canvas = Canvas(model, self)
        self.setFocusProxy(self.canvas)
        self.notes = NotesPanel(model, self)
        self.follow_up = FollowUpForm(model, self)
        self.follow_up.hide()
        self._problem = QLabel(self)
        self._problem.setWordWrap(True)
        self._problem.setStyleSheet("QLabel { color: #ffb4a8; padding: 4px 6px; }")
        self._problem.hide()
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._picture_side())
        self.splitter.addWidget(self._notes_side())
        self.splitter.setStretchFactor(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.splitter)
        self.follow_up.drawRequested.connect(self._draw_box)
        self.follow_up.closed.connect(lambda: self.show_follow_up(False))
        self.follow_up.paintRequested.connect(self._paint_mask)
        self.canvas.matte = self.follow_up.matte
        self.follow_up.matte.changed.connect(self.canvas.update)
        model.playback.shownChanged.connect(self._begin_mask)
        self.canvas.boxDrawn.connect(self.follow_up.set_box)
        self.canvas.boxDrawn.connect(lambda _: self._draw_box(False))
        model.currentChanged.connect(self._show)
        model.takesChanged.connect(self._show)
        model.shotChanged.connect(self._problem.hide)
        model.problemFound.connect(self._show_problem)
        self._show()

    def _picture_side(self) -> QWidget:
        side = QWidget(self)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(CompareBar(self.model, side))
        column.addWidget(self._problem)
        column.addWidget(self.canvas, 1)
        column.addWidget(ScrubBar(self.model, side))
        column.addWidget(TransportBar(self.model, side))
        column.addWidget(TakeStrip(self.model, side))
        return side

    def _notes_side(self) -> QWidget:
        side = QWidget(self)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notes, 1)
        column.addWidget(self.follow_up)
        row = QHBoxLayout()
        row.setContentsMargins(4, 2, 4, 4)
        self.follow_up_button = QPushButton("Follow up…", side)
        self.follow_up_button.setToolTip("Make a new take that starts from this one")
        self.follow_up_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.follow_up_button.clicked.connect(lambda: self.show_follow_up(self.follow_up.isHidden()))
        self.place_button = QPushButton("Approve and place", side)
        self.place_button.setToolTip("Approve this take and put it on a track above the clip")
        self.place_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.place_button.clicked.connect(self._place)
        row.addWidget(self.follow_up_button)
        row.addStretch(1)
        row.addWidget(self.place_button)
        column.addLayout(row)
        return side

    def show_follow_up(self, on: bool) -> None:
        """Open or close the form for a follow-up."""
        if on:
            self.follow_up.begin()
        else:
            self.follow_up.discard_drawing()
        self.follow_up.setVisible(on)
        self._divide()
        self._draw_box(False)
        self.canvas.box = self.follow_up.box if on else None
        self.canvas.update()
        (self.follow_up.instruction if on else self.canvas).setFocus()

    def allow_placing(self, on: bool) -> None:
        """Show the button that places a take; hosts that cannot place have none."""
        self.place_button.setVisible(on)

    def _place(self) -> None:
        # The take is approved once it is in the timeline: when placing fails, its status is unchanged.
        self.model.ask_place()

    def _draw_box(self, on: bool) -> None:
        self.canvas.drawing_box = on
        if not on:
            self.canvas.box = self.follow_up.box if self.follow_up.isVisible() else None
            self.canvas.update()

    def _paint_mask(self, on: bool) -> None:
        self.canvas.painting_mask = on
        if on:
            self.model.transport.stop()
            self.model.compare.set(mode=Mode.TAKE, matte=True, original=False)
            self._begin_mask()
        self.canvas.update()

    def _begin_mask(self) -> None:
        """Start from the matte of the frame that is shown, as soon as it is there."""
        playback, mask = self.model.playback, self.follow_up.matte
        if not self.canvas.painting_mask or mask.edited or mask.frame == playback.shown.frame:
            return
        matte, picture = playback.picture(playback.matte), playback.picture(playback.b)
        if matte is not None:
            mask.begin(playback.shown.frame, matte)
        elif picture is not None and not playback.matte:
            mask.begin_empty(playback.shown.frame, picture)

    def _show(self) -> None:
        chosen = self.model.current is not None
        self.follow_up_button.setEnabled(chosen)
        self.place_button.setEnabled(chosen)
        if not chosen:
            self.follow_up.hide()

    def _show_problem(self, what: str, why: str, remedy: str) -> None:
        if not self.shows_problems:
            return
        self._problem.setText(" ".join(part for part in (what, remedy) if part))
        self._problem.setToolTip(why)
        self._problem.show()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Notes stand beside the picture, or below it where the panel is narrow."""
        super().resizeEvent(event)
        beside = self.width() >= _BESIDE * self.fontMetrics().averageCharWidth()
        wanted = Qt.Orientation.Horizontal if beside else Qt.Orientation.Vertical
        self._divide()
        if self.splitter.orientation() != wanted or not event or not event.oldSize().isValid():
            self.splitter.setOrientation(wanted)
            whole = self.width() if beside else self.height()
            # The picture is what people look at: beside it the notes get no more than their lines need.
            notes = min(whole // 3, _NOTES * self.fontMetrics().averageCharWidth()) if beside else int(whole * 0.38)
            self.splitter.setSizes([whole - notes, notes])

    def _divide(self) -> None:
        """Show either the notes or the follow-up when they are below the picture."""
        beside = self.width() >= _BESIDE * self.fontMetrics().averageCharWidth()
        self.notes.setVisible(beside or self.follow_up.isHidden())

    def event(self, event: QEvent | None) -> bool:
        """Bound keys, and Escape while the picture has no focus, override the window's shortcuts."""
        if event is not None and event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            writing = not self.canvas.hasFocus() and event.key() == Qt.Key.Key_Escape
            if writing or self._keys.is_bound(event.key(), event.modifiers()):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Handle keys that no child has handled."""
        assert event is not None
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier)
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # Leave the text field.
            self.canvas.setFocus()
        elif event.key() == NEW_NOTE and plain:
            self.notes.write()
        elif event.key() == SHOW_KEYS and plain:
            self.show_keys()
        elif event.key() == HOLD and event.isAutoRepeat():
            event.accept()
        elif not self._keys.press(event.key(), event.modifiers(), event.isAutoRepeat()):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Release held keys."""
        assert event is not None
        if event.isAutoRepeat() or not self._keys.release(event.key()):
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent | None) -> None:  # noqa: N802
        """Release held keys: their release events go elsewhere."""
        self._keys.release_all()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Release held keys when the window loses the focus."""
        if event is not None and event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self._keys.release_all()
        super().changeEvent(event)

    def show_keys(self) -> QDialog:
        """Open the list of all keys."""
        dialog = QDialog(self)
        dialog.setWindowTitle("Keys")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        tree = QTreeWidget(dialog)
        tree.setHeaderHidden(True)
        tree.setColumnCount(2)
        tree.setRootIsDecorated(False)
        rows = [(each.name, each.text) for each in BINDINGS]
        rows += [("A", "Hold: the other side"), ("N", "Write a note"), ("?", "These keys")]
        for name, text in rows:
            tree.addTopLevelItem(QTreeWidgetItem([name, text]))
        tree.resizeColumnToContents(0)
        column = QVBoxLayout(dialog)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(tree)
        dialog.resize(int(60 * self.fontMetrics().averageCharWidth()), int(30 * self.fontMetrics().height()))
        dialog.show()
        return dialog
