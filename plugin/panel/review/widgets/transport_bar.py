"""Buttons, timecode and frame of the playback."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QFontDatabase
from PyQt6.QtWidgets import QLabel, QLineEdit, QToolButton, QWidget

from plugin.panel.review.model import ReviewModel
from plugin.panel.review.widgets.compare_bar import icon_button, key_for
from plugin.panel.widgets.flow import FlowLayout


class TransportBar(QWidget):
    """Controls a Transport. A timecode or a frame number can be typed."""

    def __init__(self, model: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        transport = model.transport
        line = FlowLayout(self)
        self._code = QLineEdit(self)
        self._code.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._code.setToolTip("Timecode of the frame; type a timecode or a frame number to go there")
        self._code.setAccessibleName("Timecode")
        self._code.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._code.setFixedWidth(self._code.fontMetrics().horizontalAdvance("00:00:00:00") + 22)
        self._code.returnPressed.connect(self._typed)
        self._code.editingFinished.connect(self._show)
        line.addWidget(self._code)
        self._frame = QLabel(self)
        self._frame.setToolTip("Frame of the shot, counted from 0, and the number of frames")
        line.addWidget(self._frame)
        buttons = (
            ("first", "In point", "In point", lambda: self._go(transport.first)),
            ("before", "Previous frame", "Previous frame", lambda: transport.step(-1)),
            ("reverse", "Play backward", "Play backward; again: faster", lambda: transport.shuttle(-1)),
            ("play", "Play or stop", "Play or stop", transport.toggle),
            ("next", "Next frame", "Next frame", lambda: transport.step(1)),
            ("last", "Out point", "Out point", lambda: self._go(transport.last)),
            ("in", "Set in; Clear: X", "Set in", lambda: transport.set_in()),
            ("out", "Set out; Clear: X", "Set out", lambda: transport.set_out()),
        )
        self._buttons: dict[str, QToolButton] = {}
        for name, tip, binding, act in buttons:
            button = icon_button(self, name, f"{tip} ({key_for(binding)})", name in ("play", "reverse"))
            button.clicked.connect(lambda _, act=act: act())
            line.addWidget(button)
            self._buttons[name] = button
        self._loop = icon_button(self, "loop", f"Loop ({key_for('Loop on or off')})", True)
        self._loop.toggled.connect(transport.loop)
        line.addWidget(self._loop)
        self._sound = icon_button(self, "sound", "", True)
        self._sound.toggled.connect(self._sound_toggled)
        line.addWidget(self._sound)
        self._state = QLabel(self)
        self._late = QLabel(self)
        line.addWidget(self._state)
        line.addWidget(self._late)
        for signal in (transport.speedChanged, transport.rangeChanged, model.shotChanged):
            signal.connect(self._show)
        transport.frameChanged.connect(self._show_frame)
        model.playback.shownChanged.connect(self._show_frame)
        model.sound.changed.connect(self._show)
        self._show()

    def _go(self, frame: int) -> None:
        self._model.transport.stop()
        self._model.transport.seek(frame)

    def _typed(self) -> None:
        self._model.go_to(self._code.text())
        self._code.setModified(False)

    def _sound_toggled(self, on: bool) -> None:
        self._model.sound.set_on(on)

    def _show(self) -> None:
        model, transport = self._model, self._model.transport
        self._buttons["play"].setChecked(transport.speed > 0)
        self._buttons["reverse"].setChecked(transport.speed < 0)
        for button in (self._loop, self._sound):
            button.blockSignals(True)
        self._loop.setChecked(transport.looping)
        self._sound.setChecked(model.sound.on)
        for button in (self._loop, self._sound):
            button.blockSignals(False)
        self._sound.setEnabled(model.sound.available)
        self._sound.setToolTip(model.sound.status_text())
        speed = f"   {transport.speed}×" if abs(transport.speed) > 1 or transport.speed < 0 else ""
        self._state.setText(f"{float(model.rate):.5g} fps{speed}")
        # Fixed widths, so that text that changes with every frame does not trigger a layout of the whole panel.
        letters = self.fontMetrics()
        self._frame.setFixedWidth(letters.horizontalAdvance(f"{transport.length} / {transport.length}") + 4)
        self._late.setFixedWidth(letters.horizontalAdvance("8888 skipped"))
        self._show_frame()

    def _show_frame(self) -> None:
        model, transport = self._model, self._model.transport
        if not self._code.hasFocus():
            self._code.setText(model.timecode(transport.frame))
        self._frame.setText(f"{transport.frame} / {transport.length}")
        late = model.playback.late
        self._late.setText(f"{late} skipped" if late else "")
