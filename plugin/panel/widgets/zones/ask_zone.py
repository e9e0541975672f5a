"""Zone 2: the settings of the edit, the estimate, the plan, and the two buttons."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QAction, QKeyEvent
from PyQt6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLayout,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from contract.job import LARGEST_SEED, MOST_TAKES, QUALITIES
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.widgets.binding import bind_choice, bind_number, bind_switch, bind_text, watch
from plugin.panel.widgets.controls import button, heading, label, segments, set_kind, tool_button
from plugin.panel.widgets.frame_picture import FramePicture
from plugin.panel.widgets.zones.plan_form import PlanForm

_FRAME_HEIGHT = 360


class AskZone(QWidget):
    """Instruction, choices, estimate, plan. Ctrl+Return in the instruction makes the plan."""

    def __init__(self, model: PanelModel, thumbnails: Thumbnails, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model, self._thumbnails = model, thumbnails
        ask = model.ask
        self.instruction = QPlainTextEdit()
        self.instruction.setAccessibleName("Instruction")
        self.instruction.setPlaceholderText("What to add, and where: “add a red balloon on the left”")
        self.instruction.setTabChangesFocus(True)
        self.instruction.setFixedHeight(self.instruction.fontMetrics().lineSpacing() * 2 + 14)
        self.instruction.installEventFilter(self)
        bind_text(self.instruction, ask, "instruction")
        self.history = tool_button("▾", self._show_history, "Earlier instructions (Alt+Down)")
        self._choices()
        self.estimate = label(kind="faint")
        self.hint = label(kind="faint")
        self.plan_button = button("Plan", model.make_plan, "Write a plan; nothing is generated yet (Ctrl+P)")
        self.generate_button = button("Generate", model.generate, "Ctrl+G")
        self.form = PlanForm(model, thumbnails)
        self._lay_out()
        watch(ask, self._show_models, "models", "model")
        watch(ask, self._show_estimate, "estimates", "estimate_problem", "quality", "takes", "models")
        watch(ask, self._show_region, "region")
        for each in (ask, model.plan, model.backend, model.shot):
            watch(each, self._show_buttons)
        model.shot.changed.connect(lambda name: self._show_region() if name in ("shot", "media_info") else None)
        thumbnails.arrived.connect(lambda key: self._show_region() if key.startswith("frame:") else None)

    def _choices(self) -> None:
        ask = self.model.ask
        self.scopes, scopes = segments(
            ["Auto", "Object", "Full frame"],
            ["The plan decides", "An object in one place", "Snow, fog, light: the full frame"],
        )
        bind_choice(scopes, [None, "object", "full_frame"], ask, "scope")
        self.negative = QLineEdit()
        self.negative.setAccessibleName("Negative prompt")
        self.negative.setPlaceholderText("What must not appear (optional)")
        bind_text(self.negative, ask, "negative")
        self.qualities, self.quality_group = segments(["Draft", "Standard", "Reference"])
        bind_choice(self.quality_group, list(QUALITIES), ask, "quality")
        self.takes, self.seed = QSpinBox(), QSpinBox()
        self.takes.setRange(1, MOST_TAKES)
        self.takes.setAccessibleName("Number of takes")
        self.seed.setRange(0, LARGEST_SEED)
        # The row is narrow, and a rolled seed has six digits; longer ones scroll.
        self.seed.setMinimumWidth(self.seed.fontMetrics().horizontalAdvance("0" * 7) + 30)
        self.seed.setAccessibleName("Seed")
        bind_number(self.takes, ask, "takes")
        bind_number(self.seed, ask, "seed")
        self.lock = tool_button("Lock", tip="Keep this seed; otherwise every job gets a new one")
        self.lock.setCheckable(True)
        bind_switch(self.lock, ask, "seed_locked")
        self.models = QComboBox()
        self.models.setAccessibleName("Model")
        self.models.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.models.activated.connect(lambda place: setattr(ask, "model", self.models.itemData(place)))
        self.model_line = label(kind="faint")
        self.room_line = label(kind="faint")
        self.download = QCheckBox("Download with first plan")
        bind_switch(self.download, ask, "download")
        self.region = tool_button("", tip="Limit the edit to a region (optional)")
        self.region.setCheckable(True)
        self.region.toggled.connect(self._show_region)
        self.no_region = tool_button("Clear", lambda: ask.draw_region(None), "Remove the region")
        self.frame = FramePicture()
        self.frame.drawing = True
        self.frame.setCursor(Qt.CursorShape.CrossCursor)
        self.frame.boxDrawn.connect(ask.draw_region)

    def _lay_out(self) -> None:
        text = QHBoxLayout()
        text.setSpacing(3)
        text.addWidget(self.instruction, 1)
        text.addWidget(self.history, 0, Qt.AlignmentFlag.AlignTop)
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        numbers = QHBoxLayout()
        numbers.setSpacing(4)
        for each in (self.takes, label("Seed", "faint", wrap=False), self.seed, self.lock):
            numbers.addWidget(each)
        numbers.addStretch(1)
        region = QHBoxLayout()
        region.setSpacing(4)
        region.addWidget(self.region)
        region.addWidget(self.no_region)
        region.addStretch(1)
        model = QVBoxLayout()
        model.setSpacing(1)
        model.addWidget(self.model_line)
        model.addWidget(self.room_line)
        model.addWidget(self.download)
        rows: tuple[tuple[str, QWidget | QLayout], ...] = (
            ("Scope", self.scopes),
            ("Avoid", self.negative),
            ("Quality", self.qualities),
            ("Takes", numbers),
            ("Region", region),
            ("Model", self.models),
            ("", model),
        )
        for row, (name, what) in enumerate(rows):
            grid.addWidget(label(name, "faint", wrap=False), row, 0)
            grid.addWidget(what, row, 1) if isinstance(what, QWidget) else grid.addLayout(what, row, 1)
        # Below what scrolls, so that the two buttons are always in sight.
        self.buttons = QWidget()
        buttons = QHBoxLayout(self.buttons)
        buttons.setContentsMargins(8, 4, 8, 6)
        buttons.addWidget(self.hint, 1)
        buttons.addWidget(self.plan_button)
        buttons.addWidget(self.generate_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(4)
        column.addWidget(heading("Edit"))
        column.addLayout(text)
        column.addLayout(grid)
        column.addWidget(self.frame)
        column.addWidget(self.estimate)
        column.addWidget(self.form)
        column.addStretch(1)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's name
        """Keys in the instruction: Ctrl+Return plans, Alt+Down shows the history."""
        if watched is self.instruction and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                    self.model.make_plan()
                    return True
                # An instruction is one sentence without line breaks.
                return not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            if event.key() == Qt.Key.Key_Down and event.modifiers() & Qt.KeyboardModifier.AltModifier:
                self._show_history()
                return True
        return super().eventFilter(watched, event)

    def _show_history(self) -> None:
        menu = QMenu(self)
        for each in self.model.history.entries[:20]:
            menu.addAction(each, lambda text=each: setattr(self.model.ask, "instruction", text))
        if menu.isEmpty():
            nothing = QAction("No earlier instructions", menu)
            nothing.setEnabled(False)
            menu.addAction(nothing)
        menu.popup(self.history.mapToGlobal(self.history.rect().bottomLeft()))

    def _show_models(self) -> None:
        ask = self.model.ask
        self.models.blockSignals(True)
        self.models.clear()
        for each in ask.models:
            title = each.title or each.name
            self.models.addItem(title if each.installed else f"{title} (not installed)", each.name)
        if ask.model_name and self.models.findData(ask.model_name) < 0:
            self.models.addItem(ask.model_name, ask.model_name)
        self.models.setCurrentIndex(self.models.findData(ask.model_name))
        self.models.blockSignals(False)
        self.model_line.setText(ask.model_line)
        self.model_line.setVisible(bool(ask.model_line))
        self.room_line.setText(ask.room_line)
        self.download.setVisible(not ask.chosen_model_installed)
        self.room_line.setVisible(not ask.chosen_model_installed)

    def _show_estimate(self) -> None:
        ask = self.model.ask
        self.estimate.setText(ask.estimate_line)
        set_kind(self.estimate, "bad" if ask.estimate_problem else "faint")
        self.estimate.setVisible(bool(ask.estimate_line))
        for segment, quality in zip(self.quality_group.buttons(), QUALITIES, strict=True):
            segment.setToolTip(ask.quality_hint(quality))

    def _show_region(self, *_: object) -> None:
        ask, shot = self.model.ask, self.model.shot.shot
        self.frame.setVisible(self.region.isChecked() and shot is not None)
        self.no_region.setVisible(ask.region is not None)
        self.region.setText("Custom region" if ask.region else "Draw on the clip…")
        self.frame.box = ask.region
        self.frame.waiting = "Reading the frame…"
        if self.region.isChecked() and shot is not None:
            self.frame.show_image(self._thumbnails.frame(shot, shot.frame_count // 2, _FRAME_HEIGHT))

    def _show_buttons(self) -> None:
        model = self.model
        ready = not model.generate_hindrance
        self.plan_button.setEnabled(not model.plan_hindrance and model.plan.state != "waiting")
        self.generate_button.setEnabled(ready)
        set_kind(self.plan_button, "" if ready else "primary")
        set_kind(self.generate_button, "primary" if ready else "")
        waiting = model.plan.state == "waiting"
        hint = model.plan_hindrance or (model.generate_hindrance if not waiting else "")
        self.hint.setText("" if hint == self.estimate.text() else hint)
