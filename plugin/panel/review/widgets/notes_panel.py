"""The current take's status and notes, and the field for a new note."""

from __future__ import annotations

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QColor, QKeyEvent, QResizeEvent
from PyQt6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from plugin.panel.review.model import ReviewModel
from plugin.panel.review.notes import CATEGORIES, STATUSES
from plugin.panel.review.widgets.page_progress import PageProgress
from plugin.panel.review.widgets.take_strip import STATUS_COLOURS
from plugin.panel.widgets.flow import FlowLayout

_NOTE = Qt.ItemDataRole.UserRole


class NotesPanel(QWidget):
    """Shows the notes of the current take. Return in the field adds a note, Escape returns to the picture."""

    def __init__(self, model: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 2, 4, 4)
        column.setSpacing(4)
        column.addWidget(self._status_row())
        self.list = QTreeWidget(self)
        self.list.setHeaderLabels(["Frames", "Note", "Category", "By"])
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setAllColumnsShowFocus(True)
        header = self.list.header()
        if header is not None:
            header.setStretchLastSection(False)
            header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._menu)
        self.list.itemClicked.connect(lambda item, _: self._go(item, loop=False))
        self.list.itemActivated.connect(lambda item, _: self._go(item, loop=True))
        self.list.setToolTip("Click to go to the frame. Double-click or press Return to loop the note's range")
        column.addWidget(self.list, 1)
        column.addWidget(PageProgress(model, self))
        column.addLayout(self._writing_row())
        model.currentChanged.connect(self._show)
        model.takesChanged.connect(self._show)
        model.notes.notesChanged.connect(self._show)
        model.notes.statusChanged.connect(self._show_status)
        model.transport.rangeChanged.connect(self._show_range)
        self._show()

    def write(self) -> None:
        """Focus the field for a new note."""
        if self.line.isEnabled():
            self.line.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _status_row(self) -> QWidget:
        row = QWidget(self)
        line = FlowLayout(row)
        line.setContentsMargins(0, 2, 0, 2)
        self._group = QButtonGroup(self)
        names = {
            "pending": ("Pending", "Shift+P"),
            "approved": ("Approved", "Shift+A"),
            "rejected": ("Rejected", "Shift+X"),
            "retake": ("Retake", "Shift+R"),
        }
        self._buttons: dict[str, QToolButton] = {}
        for status in STATUSES:
            button = QToolButton(row)
            text, key = names[status]
            button.setText(text)
            button.setToolTip(key)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            colour = STATUS_COLOURS[status].name()
            button.setStyleSheet(f"QToolButton:checked {{ background: {colour}; color: #16181b; font-weight: bold; }}")
            button.clicked.connect(lambda _, status=status: self._model.set_status(status))
            self._group.addButton(button)
            line.addWidget(button)
            self._buttons[status] = button
        self._export = QToolButton(row)
        self._export.setText("Export")
        self._export.setToolTip("Export the notes of all takes as a table, as markers or as a review page")
        self._export.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._export.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        menu = QMenu(self._export)
        menu.addAction("Table (CSV)…", self._export_csv)
        menu.addAction("Markers (OTIO)…", self._export_markers)
        menu.addSeparator()
        menu.addAction("Review page…", self._write_page)
        menu.addAction("Import decisions…", self._read_decisions)
        self._export.setMenu(menu)
        line.addWidget(self._export)
        return row

    def _writing_row(self) -> QVBoxLayout:
        self.line = _NoteLine(self)
        self.line.setPlaceholderText("Note on this frame… (N)")
        self.line.setAccessibleName("New note")
        self.line.returnPressed.connect(self._add)
        self._category = QComboBox(self)
        for category in CATEGORIES:
            self._category.addItem(self.category_name(category), category)
        self._category.setAccessibleName("Category")
        self._category.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._ranged = QToolButton(self)
        self._ranged.setText("In to out")
        self._ranged.setToolTip("Put the note on the frames from in to out instead of this frame")
        self._ranged.setCheckable(True)
        self._ranged.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._add_button = QPushButton("Add", self)
        self._add_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._add_button.clicked.connect(self._add)
        rows = QVBoxLayout()
        rows.setSpacing(4)
        rows.addWidget(self.line)
        row = QHBoxLayout()
        row.addWidget(self._category)
        row.addWidget(self._ranged)
        row.addStretch(1)
        row.addWidget(self._add_button)
        rows.addLayout(row)
        return rows

    def category_name(self, category: str) -> str:
        """The displayed name of a category; categories of other programs are shown unchanged."""
        names = {
            "look": "Look",
            "placement": "Placement",
            "motion": "Motion",
            "matte": "Matte",
            "light": "Light",
            "technical": "Technical",
            "other": "Other",
        }
        return names.get(category, category)

    def _add(self) -> None:
        note = self._model.add_note(self.line.text(), self._category.currentData(), self._ranged.isChecked())
        if note is not None:
            self.line.clear()

    def _show(self) -> None:
        take = self._model.current
        for widget in (self.line, self._category, self._ranged, self._add_button, self.list, *self._buttons.values()):
            widget.setEnabled(take is not None)
        self._export.setEnabled(bool(self._model.takes))
        self.list.clear()
        offset = take.offset if take is not None else 0
        for note in self._model.notes.of(take.id) if take else ():
            frames = str(note.first) if note.first == note.last else f"{note.first} – {note.last}"
            item = QTreeWidgetItem([frames, note.text, self.category_name(note.category), note.author])
            item.setData(0, _NOTE, note)
            begin = self._model.timecode(note.first + offset)
            item.setToolTip(0, begin)
            item.setToolTip(1, note.text)
            item.setForeground(2, QColor(150, 150, 150))
            self.list.addTopLevelItem(item)
        for column in (0, 2, 3):
            self.list.resizeColumnToContents(column)
        self._fit_columns()
        self._show_status()
        self._show_range()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Fit the columns to the new width."""
        super().resizeEvent(event)
        self._fit_columns()

    def _fit_columns(self) -> None:
        self.list.setColumnHidden(3, self.width() < 40 * self.fontMetrics().averageCharWidth())

    def _show_status(self) -> None:
        take = self._model.current
        status = self._model.notes.status(take.id) if take else ""
        self._group.setExclusive(False)
        for name, button in self._buttons.items():
            button.setChecked(name == status)
        self._group.setExclusive(True)

    def _show_range(self) -> None:
        transport = self._model.transport
        self._ranged.setEnabled(transport.is_ranged and self._model.current is not None)
        self._ranged.setChecked(transport.is_ranged)
        if transport.is_ranged:
            self.line.setPlaceholderText(f"Note on frames {transport.first} to {transport.last}… (N)")
        else:
            self.line.setPlaceholderText("Note on this frame… (N)")

    def _go(self, item: QTreeWidgetItem, loop: bool) -> None:
        self._model.go_to_note(item.data(0, _NOTE), loop)

    def _menu(self, point: QPoint) -> None:
        item, take = self.list.itemAt(point), self._model.current
        if item is None or take is None:
            return
        note = item.data(0, _NOTE)
        menu = QMenu(self)
        menu.addAction("Go to frame", lambda: self._model.go_to_note(note))
        menu.addAction("Loop range", lambda: self._model.go_to_note(note, loop=True))
        menu.addAction("Delete", lambda: self._model.notes.remove(take.id, note))
        port = self.list.viewport()
        if port is not None:
            menu.popup(port.mapToGlobal(point))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Delete removes the selected note."""
        assert event is not None
        item, take = self.list.currentItem(), self._model.current
        if event.key() == Qt.Key.Key_Delete and item is not None and take is not None and self.list.hasFocus():
            self._model.notes.remove(take.id, item.data(0, _NOTE))
        else:
            super().keyPressEvent(event)

    def _export_csv(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Export notes", "notes.csv", "Table (*.csv)")
        if path:
            self._model.export_csv(path)

    def _export_markers(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Export markers", "notes.otio", "OpenTimelineIO (*.otio)")
        if path:
            self._model.export_markers(path)

    def _write_page(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the review page")
        if folder:
            self._model.page_export.write(folder, self._model.shot_name)

    def _read_decisions(self) -> None:
        kind = "Decisions (*.json)"
        path, _ = QFileDialog.getOpenFileName(self, "Import decisions", "", kind)
        if path:
            self._model.page_export.import_decisions(path)


class _NoteLine(QLineEdit):
    """A line whose Escape key returns the focus to the picture."""

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        assert event is not None
        if event.key() == Qt.Key.Key_Escape:
            self.clearFocus()
            event.ignore()
        else:
            super().keyPressEvent(event)
