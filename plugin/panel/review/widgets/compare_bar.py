"""The controls of the comparison: mode, other side, matte, gain, exposure, zoom."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QToolButton, QWidget

from plugin.panel.review.compare import GAINS, Mode
from plugin.panel.review.key_bindings import BINDINGS, HOLD
from plugin.panel.review.model import ReviewModel
from plugin.panel.review.widgets.icons import icon
from plugin.panel.widgets.flow import FlowLayout

_ZOOMS = (None, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def icon_button(parent: QWidget, picture: str, tip: str, checkable: bool = False) -> QToolButton:
    """A flat button that does not take the keyboard focus from the picture."""
    button = QToolButton(parent)
    button.setIcon(icon(picture, parent.palette()))
    button.setIconSize(QSize(16, 16))
    button.setAutoRaise(True)
    button.setCheckable(checkable)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return button


def key_for(text: str) -> str:
    """The name of the key that is bound to an action, by its text."""
    return next(each.name for each in BINDINGS if each.text == text)


class CompareBar(QWidget):
    """Controls a Comparison; wraps into lines where the panel is narrow."""

    def __init__(self, model: ReviewModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        line = FlowLayout(self)
        self._modes = {mode: self._mode_button(mode) for mode in Mode}
        for button in self._modes.values():
            line.addWidget(button)
        self._hold = icon_button(self, "eye", f"Hold to see the other side ({HOLD.name[-1]}, right button)")
        self._hold.pressed.connect(lambda: model.compare.hold(True))
        self._hold.released.connect(lambda: model.compare.hold(False))
        line.addWidget(self._hold)
        self._against = QComboBox(self)
        self._against.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._against.setToolTip("What the take is compared with (Alt+1 … Alt+9, Alt+0: original)")
        self._against.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self._against.activated.connect(lambda _: model.compare_with(self._against.currentData()))
        self._against.setAccessibleName("Compared with")
        line.addWidget(self._against)
        self._matte = icon_button(self, "matte", f"Matte over the picture ({key_for('Matte overlay')})", True)
        self._matte.toggled.connect(lambda on: model.compare.set(matte=on))
        line.addWidget(self._matte)
        self._gain = self._combo([(f"× {gain}", gain) for gain in GAINS], "Gain of the difference (G, Shift+G)")
        self._gain.activated.connect(lambda _: model.compare.set(gain=self._gain.currentData()))
        line.addWidget(self._gain)
        self._exposure = self._number("Exposure of both sides, in stops (E, Shift+E; R: 0)", -6, 6, 0.25)
        self._exposure.setSuffix(" EV")
        self._exposure.valueChanged.connect(lambda value: model.compare.set(exposure=value))
        line.addWidget(self._exposure)
        self._gamma = self._number("Viewing gamma of both sides (Y, Shift+Y; R: 1)", 0.2, 4, 0.1)
        self._gamma.setPrefix("γ ")
        self._gamma.valueChanged.connect(lambda value: model.compare.set(gamma=value))
        line.addWidget(self._gamma)
        zooms = [("Fit" if zoom is None else f"{zoom * 100:.0f} %", zoom) for zoom in _ZOOMS]
        self._zoom = self._combo(zooms, "Zoom of both sides (wheel, F: fit, Z: one to one)")
        self._zoom.activated.connect(lambda _: model.compare.set(zoom=self._zoom.currentData()))
        line.addWidget(self._zoom)
        self._number_label = QLabel(self)
        self._number_label.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
        line.addWidget(self._number_label)
        model.compare.changed.connect(self._show)
        model.currentChanged.connect(self._show)
        model.takesChanged.connect(self._show)
        model.playback.shownChanged.connect(self._show_number)
        model.playback.changeMeasured.connect(self._show_number)
        self._show()

    def _mode_button(self, mode: Mode) -> QToolButton:
        names = {
            Mode.TAKE: ("Take or original", "Original or take"),
            Mode.WIPE: ("Wipe", "Wipe"),
            Mode.SIDE: ("Side by side", "Side by side"),
            Mode.DIFFERENCE: ("Difference", "Difference"),
            Mode.SHEET: ("Contact sheet of all takes", "Contact sheet"),
        }
        tip, binding = names[mode]
        button = icon_button(self, mode.value, f"{tip} ({key_for(binding)})", True)
        button.clicked.connect(lambda: self._model.compare.set(mode=mode))
        return button

    def _combo(self, entries: Sequence[tuple[str, object]], tip: str) -> QComboBox:
        combo = QComboBox(self)
        for text, value in entries:
            combo.addItem(text, value)
        combo.setToolTip(tip)
        combo.setAccessibleName(tip)
        combo.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return combo

    def _number(self, tip: str, low: float, high: float, step: float) -> QDoubleSpinBox:
        number = QDoubleSpinBox(self)
        number.setRange(low, high)
        number.setSingleStep(step)
        number.setToolTip(tip)
        number.setAccessibleName(tip)
        number.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        number.setKeyboardTracking(False)
        return number

    def _show(self) -> None:
        view, model = self._model.compare.view, self._model
        for mode, button in self._modes.items():
            button.setChecked(view.mode is mode)
        names: list[tuple[str, str | None]] = [("with the original", None)]
        names += [(f"with {each.label}", each.id) for each in model.takes if each is not model.current]
        if [(self._against.itemText(k), self._against.itemData(k)) for k in range(self._against.count())] != names:
            self._against.clear()
            for text, data in names:
                self._against.addItem(text, data)
        against = model.against
        self._against.setCurrentIndex(max(0, self._against.findData(against.id if against else None)))
        for widget, value in ((self._exposure, view.exposure), (self._gamma, view.gamma)):
            _quietly(widget, widget.setValue, value)
        _quietly(self._matte, self._matte.setChecked, view.matte)
        self._gain.setVisible(view.mode is Mode.DIFFERENCE)
        self._gain.setCurrentIndex(GAINS.index(view.gain))
        self._show_zoom(view.zoom)
        self._show_number()
        layout = self.layout()
        if layout is not None:
            layout.invalidate()
        self.updateGeometry()

    def _show_zoom(self, zoom: float | None) -> None:
        place = self._zoom.findData(zoom)
        while self._zoom.count() > len(_ZOOMS):
            self._zoom.removeItem(len(_ZOOMS))
        if place < 0 or place >= len(_ZOOMS):
            self._zoom.addItem(f"{(zoom or 1) * 100:.0f} %", zoom)
            place = len(_ZOOMS)
        self._zoom.setCurrentIndex(place)

    def _show_number(self) -> None:
        text, tip = self.number_text()
        if text != self._number_label.text():
            self._number_label.setText(text)
            layout = self.layout()
            if layout is not None:
                layout.invalidate()
        self._number_label.setToolTip(tip)

    def number_text(self) -> tuple[str, str]:
        """The largest change outside the matte, of this frame and of the take, and its tool tip."""
        playback, take = self._model.playback, self._model.current
        if take is None:
            return "", ""
        change = playback.change if playback.change_frame == playback.shown.frame else None
        outside = change is None or change.outside is not None
        if change is None:
            number = "…"
        else:
            largest = change.anywhere if change.outside is None else change.outside
            number = f"{_code(largest)} of {_peak(change.bits)}"
        parts = [f"outside the matte: {number}" if outside else f"largest change: {number}"]
        whole = take.take.outside_change
        if whole is not None and self._model.against is None:
            parts.append(f"whole take: {_code(whole)}")
        tip = (
            "The largest change of a sample outside the matte, in code values, for this frame and as measured for the "
            "whole take. 0 means that every sample is the camera's own."
        )
        return "   ".join(parts), tip


def _quietly(widget: QWidget, setter: Callable[..., None], value: object) -> None:
    blocked = widget.blockSignals(True)
    setter(value)
    widget.blockSignals(blocked)


def _code(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.4g}"


def _peak(bits: int) -> str:
    return "1.0" if bits == 32 else str((1 << bits) - 1)
