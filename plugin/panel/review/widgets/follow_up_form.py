"""The form for a follow-up: another instruction, a region, an edited matte, later iterations only."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QSlider, QVBoxLayout, QWidget

from contract.box import Box
from plugin.panel.review.follow_up import FollowUp, levels_of
from plugin.panel.review.mask_paint import MaskPaint
from plugin.panel.review.model import ReviewModel


class FollowUpForm(QWidget):
    """Edits a follow-up of the current take. `drawRequested` asks the canvas for a box; `closed` closes the form."""

    drawRequested = pyqtSignal(bool)
    paintRequested = pyqtSignal(bool)
    closed = pyqtSignal()

    def __init__(self, model: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.box: Box | None = None
        self.matte = MaskPaint(self)
        self.matte.changed.connect(self._show_mask)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 6)
        column.setSpacing(4)
        self._title = QLabel(self)
        self._title.setWordWrap(True)
        column.addWidget(self._title)
        self.instruction = QPlainTextEdit(self)
        self.instruction.setTabChangesFocus(True)
        self.instruction.setFixedHeight(3 * self.fontMetrics().height() + 12)
        self.instruction.setAccessibleName("Instruction")
        self.instruction.textChanged.connect(self._check)
        column.addWidget(self.instruction)
        row = QHBoxLayout()
        self._draw = QPushButton("Draw a region", self)
        self._draw.setCheckable(True)
        self._draw.setToolTip("Draw the region that may change on the picture")
        self._draw.toggled.connect(self.drawRequested)
        row.addWidget(self._draw)
        self._clear_region = QPushButton("Clear region", self)
        self._clear_region.clicked.connect(lambda: self.set_box(None))
        row.addWidget(self._clear_region)
        row.addStretch(1)
        column.addLayout(row)
        column.addLayout(self._mask_row())
        self.iterations = QComboBox(self)
        self.iterations.setAccessibleName("Passes")
        self.iterations.currentIndexChanged.connect(self._check)
        column.addWidget(self.iterations)
        self._hindrance = QLabel(self)
        self._hindrance.setWordWrap(True)
        column.addWidget(self._hindrance)
        last = QHBoxLayout()
        last.addStretch(1)
        cancel = QPushButton("Cancel", self)
        cancel.clicked.connect(self.closed)
        last.addWidget(cancel)
        self.ask = QPushButton("Follow up", self)
        self.ask.setDefault(True)
        self.ask.clicked.connect(self._send)
        last.addWidget(self.ask)
        column.addLayout(last)
        column.addStretch(1)
        model.currentChanged.connect(self.begin)
        self.begin()

    def _mask_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._paint = QPushButton("Edit the matte", self)
        self._paint.setCheckable(True)
        self._paint.setToolTip("Paint where the content may be; hold Shift to erase")
        self._paint.toggled.connect(self._paint_toggled)
        row.addWidget(self._paint)
        self._brush = QSlider(Qt.Orientation.Horizontal, self)
        self._brush.setRange(5, 150)
        self._brush.setValue(int(self.matte.brush * 1000))
        self._brush.setToolTip("Brush size")
        self._brush.setAccessibleName("Brush size")
        self._brush.valueChanged.connect(self._brush_changed)
        row.addWidget(self._brush, 1)
        self._reset_matte = QPushButton("Reset matte", self)
        self._reset_matte.clicked.connect(self._forget_mask)
        row.addWidget(self._reset_matte)
        return row

    def _brush_changed(self, value: int) -> None:
        self.matte.brush = value / 1000

    def _paint_toggled(self, on: bool) -> None:
        if on:
            self._draw.setChecked(False)
        self.paintRequested.emit(on)
        self._show_mask()

    def discard_drawing(self) -> None:
        """Discard the region and the painted matte, and stop drawing."""
        self._forget_mask()
        self.set_box(None)

    def _forget_mask(self) -> None:
        self.matte.clear()
        self._paint.setChecked(False)

    def _show_mask(self) -> None:
        self._brush.setVisible(self._paint.isChecked())
        self._reset_matte.setVisible(self.matte.edited)
        edited = f"Matte of frame {self.matte.frame} edited"
        self._paint.setText(edited if self.matte.edited else "Edit the matte")
        self._check()

    def begin(self) -> None:
        """Reset the form to the current take."""
        take = self._model.current
        self.setEnabled(take is not None)
        self.iterations.clear()
        if take is None:
            return
        ancestors = [each.label for each in self._model.lineage()]
        line = " → ".join([*ancestors, take.label, "new take"])
        self._title.setText(f"Starts from {take.label}.  {line}")
        self.instruction.setPlainText(take.take.instruction)
        count = len(levels_of(take.take))
        self.iterations.addItem("All passes: may change everything", 0)
        for skip in range(1, count):
            self.iterations.addItem(f"From pass {skip + 1} of {count}", skip)
        if count > 1:
            self.iterations.setItemText(count - 1, "Last pass only: details")
        self.discard_drawing()

    def set_box(self, box: Box | None) -> None:
        """Set the region, or remove it with None."""
        self.box = box
        self._clear_region.setVisible(box is not None)
        self._draw.setChecked(False)
        self._draw.setText("Draw a region" if box is None else "Redraw region")
        self._check()

    def wanted(self) -> FollowUp:
        """The follow-up as edited."""
        take = self._model.current
        return FollowUp(
            self.instruction.toPlainText(),
            region=self.box,
            mask=self.matte.png(),
            mask_frame=self.matte.frame - take.offset if take and self.matte.edited else 0,
            skip=int(self.iterations.currentData() or 0),
        )

    def _check(self) -> None:
        take = self._model.current
        why = self.wanted().problem(take) if take else ""
        texts = {
            "no_instruction": "Describe what the take should show.",
            "no_change": "Change the instruction or the matte, draw a region, or choose later passes.",
        }
        self._hindrance.setText(texts.get(why, ""))
        self._hindrance.setVisible(bool(why))
        self.ask.setEnabled(take is not None and not why)

    def _send(self) -> None:
        if self._model.ask_follow_up(self.wanted()):
            self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Escape closes the form."""
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)
