"""Zone 1: the selected clip."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QCompleter,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from plugin.panel.models.shot.shot import ShotModel
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.widgets.binding import watch
from plugin.panel.widgets.controls import ElidedLabel, button, clear, heading, label, tool_button
from plugin.panel.widgets.filmstrip import Filmstrip


class ShotZone(QWidget):
    """Timeline, clip, filmstrip, facts and warnings.

    `openRequested` asks for the dialog that opens a timeline, `mediaRequested` for the one that names a media folder.
    """

    openRequested = pyqtSignal()
    mediaRequested = pyqtSignal()

    def __init__(self, model: ShotModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.open_button = tool_button("Open…", self.openRequested.emit, "Open a timeline or movie (Ctrl+O)")
        media_tip = "Name a folder where the timeline's media is looked for by name"
        self.media_button = tool_button("Media…", self.mediaRequested.emit, media_tip)
        self.title = ElidedLabel()
        self.title.setObjectName("faint")
        self.clips = QComboBox()
        self.clips.setAccessibleName("Clip")
        self.clips.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.clips.activated.connect(self._chosen)
        self._make_searchable()
        self.filmstrip = Filmstrip(model, thumbnails)
        self.filmstrip.partChosen.connect(model.choose_part)
        self.error = label(kind="bad")
        self.facts = QWidget()
        self._grid = QGridLayout(self.facts)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(1)
        self._grid.setColumnStretch(1, 1)
        self.warnings = label(kind="warn")
        self._export_row()
        self._part_row()
        self._lay_out()
        watch(model, self._show_clips, "clips", "current", "title")
        watch(model, self._show_facts, "shot", "media_info", "model_input", "warnings", "part")
        watch(model, self._show_error, "problem", "clips", "current")
        watch(model.exports, self._show_export, "now")

    def _make_searchable(self) -> None:
        """Typing in the list of clips shows those whose line holds what is typed."""
        self.clips.setEditable(True)
        self.clips.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        completer, line = self.clips.completer(), self.clips.lineEdit()
        if completer is not None and line is not None:
            completer.setFilterMode(Qt.MatchFlag.MatchContains)
            completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
            line.editingFinished.connect(self._show_current)

    def _show_current(self) -> None:
        """What was typed and chose nothing goes."""
        self.clips.setEditText(self.clips.itemText(self.clips.currentIndex()))

    def _export_row(self) -> None:
        self.export = QWidget()
        self.export_label = label(kind="faint")
        self.export_bar = QProgressBar()
        self.export_bar.setTextVisible(False)
        self.export_bar.setMaximumHeight(6)
        self.export_cancel = button("Cancel", self.model.exports.cancel)
        row = QHBoxLayout(self.export)
        row.setContentsMargins(0, 0, 0, 0)
        left = QVBoxLayout()
        left.addWidget(self.export_label)
        left.addWidget(self.export_bar)
        row.addLayout(left, 1)
        row.addWidget(self.export_cancel)

    def _part_row(self) -> None:
        self.part = QWidget()
        row = QHBoxLayout(self.part)
        row.setContentsMargins(0, 0, 0, 0)
        self.first, self.last = QSpinBox(), QSpinBox()
        for spin, name in ((self.first, "First frame"), (self.last, "Last frame")):
            spin.setAccessibleName(name)
            spin.setKeyboardTracking(False)
            spin.editingFinished.connect(self._part_typed)
        row.addWidget(label("Part", "faint", wrap=False))
        row.addWidget(self.first)
        row.addWidget(QLabel("–"))
        row.addWidget(self.last)
        row.addStretch(1)
        self.whole = button("Whole clip", self._whole)
        row.addWidget(self.whole)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(heading("Shot"))
        top.addWidget(self.title, 1)
        top.addWidget(self.media_button)
        top.addWidget(self.open_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 4)
        column.setSpacing(4)
        column.addLayout(top)
        for each in (self.clips, self.filmstrip, self.error, self.export, self.facts, self.part, self.warnings):
            column.addWidget(each)

    def _show_clips(self) -> None:
        model = self.model
        self.title.setText(model.title)
        self.title.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.clips.setVisible(bool(model.clips))
        self.clips.setEnabled(model.can_choose)
        self.clips.blockSignals(True)
        self.clips.clear()
        for each in model.clips:
            mark = "" if not each.error else "  (cannot be used)"
            self.clips.addItem(f"{each.index}  {each.name}  ·  {each.track}  {each.record_in}{mark}", each.index)
            self.clips.setItemData(self.clips.count() - 1, each.error, Qt.ItemDataRole.ToolTipRole)
        chosen = self.clips.findData(model.current) if model.current is not None else -1
        self.clips.setCurrentIndex(chosen)
        line = self.clips.lineEdit()
        if line is not None:
            line.setPlaceholderText(f"Choose a clip, or type to search ({len(model.clips)})")
            line.setCursorPosition(0)
        self.clips.blockSignals(False)

    def _show_facts(self) -> None:
        clear(self._grid)
        for row, (name, value) in enumerate(self.model.facts):
            self._grid.addWidget(label(name, "faint", wrap=False), row, 0, Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(label(value), row, 1)
        self.facts.setVisible(bool(self.model.facts))
        self.warnings.setText("\n".join(each.text for each in self.model.warnings))
        self.warnings.setVisible(bool(self.model.warnings))
        whole, part = self.model.whole, self.model.part
        self.part.setVisible(whole is not None and part is not None)
        if whole is not None:
            first, last = part or (0, whole.frame_count - 1)
            for spin, frame in ((self.first, first), (self.last, last)):
                spin.blockSignals(True)
                spin.setRange(0, whole.frame_count - 1)
                spin.setValue(frame)
                spin.blockSignals(False)

    def _show_error(self) -> None:
        problem = self.model.problem
        text = " ".join(part for part in (problem.what, problem.remedy) if part) if problem else ""
        self.error.setText(text)
        self.error.setToolTip(problem.why if problem else "")
        self.error.setVisible(bool(text))

    def _show_export(self) -> None:
        """Show why the host has to render the clip, and the progress. Instant exports are not shown."""
        now = self.model.exports.now
        self.export.setVisible(now is not None and bool(now.reason))
        if now is None:
            return
        name = self.model.host.name
        text = f"{name} renders this clip before its plan is made ({now.reason})."
        if now.running:
            text = f"{name} is rendering the clip ({now.reason})…"
        self.export_label.setText(now.text or text)
        self.export_bar.setRange(0, now.total)
        self.export_bar.setValue(now.done)
        self.export_bar.setVisible(now.running)
        self.export_cancel.setVisible(now.running)

    def _chosen(self, place: int) -> None:
        self.model.choose(self.clips.itemData(place))

    def _part_typed(self) -> None:
        if self.model.part is not None and (self.first.value(), self.last.value()) != self.model.part:
            self.model.choose_part(self.first.value(), self.last.value())

    def _whole(self) -> None:
        if self.model.whole is not None:
            self.model.choose_part(0, self.model.whole.frame_count - 1)
