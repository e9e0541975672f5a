"""The keys of the review: one table binds them and fills the list of keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PyQt6.QtCore import QKeyCombination, Qt
from PyQt6.QtGui import QKeySequence

from plugin.panel.review.compare import Mode
from plugin.panel.review.model import ReviewModel

_KEY, _MODIFIER = Qt.Key, Qt.KeyboardModifier
_NONE, _SHIFT, _CONTROL, _ALT = (
    _MODIFIER.NoModifier,
    _MODIFIER.ShiftModifier,
    _MODIFIER.ControlModifier,
    _MODIFIER.AltModifier,
)
_LONG_STEP = 10
_EXPOSURE_STEP, _GAMMA_STEP = 0.25, 0.1


@dataclass(frozen=True)
class Binding:
    """One key, its text in the list of keys, and its action on the model."""

    key: Qt.Key
    modifier: Qt.KeyboardModifier
    text: str
    act: Callable[[ReviewModel], object]

    @property
    def name(self) -> str:
        """The key as the list shows it."""
        return QKeySequence(QKeyCombination(self.modifier, self.key)).toString(QKeySequence.SequenceFormat.NativeText)


def _go(model: ReviewModel, frame: int) -> None:
    model.transport.stop()
    model.transport.seek(frame)


def _pick(number: int, against: bool = False) -> Callable[[ReviewModel], None]:
    return lambda model: model.pick_number(number, against)


BINDINGS: tuple[Binding, ...] = (
    Binding(_KEY.Key_Space, _NONE, "Play or stop", lambda m: m.transport.toggle()),
    Binding(_KEY.Key_L, _NONE, "Play forward; again: faster", lambda m: m.transport.shuttle(1)),
    Binding(_KEY.Key_K, _NONE, "Stop; with J or L: one frame", lambda m: m.transport.stop()),
    Binding(_KEY.Key_J, _NONE, "Play backward; again: faster", lambda m: m.transport.shuttle(-1)),
    Binding(_KEY.Key_Right, _NONE, "Next frame", lambda m: m.transport.step(1)),
    Binding(_KEY.Key_Left, _NONE, "Previous frame", lambda m: m.transport.step(-1)),
    Binding(_KEY.Key_Right, _SHIFT, "Forward ten frames", lambda m: m.transport.step(_LONG_STEP)),
    Binding(_KEY.Key_Left, _SHIFT, "Back ten frames", lambda m: m.transport.step(-_LONG_STEP)),
    Binding(_KEY.Key_Home, _NONE, "In point", lambda m: _go(m, m.transport.first)),
    Binding(_KEY.Key_End, _NONE, "Out point", lambda m: _go(m, m.transport.last)),
    Binding(_KEY.Key_Up, _NONE, "Previous note", lambda m: m.step_to_note(-1)),
    Binding(_KEY.Key_Down, _NONE, "Next note", lambda m: m.step_to_note(1)),
    Binding(_KEY.Key_I, _NONE, "Set in", lambda m: m.transport.set_in()),
    Binding(_KEY.Key_O, _NONE, "Set out", lambda m: m.transport.set_out()),
    Binding(_KEY.Key_X, _NONE, "Clear in and out", lambda m: m.transport.clear_range()),
    Binding(_KEY.Key_L, _CONTROL, "Loop on or off", lambda m: m.transport.loop(not m.transport.looping)),
    *(
        Binding(_KEY(_KEY.Key_0 + number), _NONE, "Review the take with that number", _pick(number))
        for number in range(1, 10)
    ),
    *(
        Binding(_KEY(_KEY.Key_0 + number), _ALT, "Compare with the take with that number", _pick(number, against=True))
        for number in range(1, 10)
    ),
    Binding(_KEY.Key_0, _ALT, "Compare with the original", lambda m: m.compare_with(None)),
    Binding(_KEY.Key_0, _NONE, "Original or take",
            lambda m: m.compare.set(original=not m.compare.view.original)),
    Binding(_KEY.Key_PageDown, _NONE, "Next take", lambda m: m.pick_neighbour(1)),
    Binding(_KEY.Key_PageUp, _NONE, "Previous take", lambda m: m.pick_neighbour(-1)),
    Binding(_KEY.Key_W, _NONE, "Wipe", lambda m: m.compare.toggle(Mode.WIPE)),
    Binding(_KEY.Key_W, _SHIFT, "Rotate the wipe",
            lambda m: m.compare.set(mode=Mode.WIPE, wipe_level=not m.compare.view.wipe_level)),
    Binding(_KEY.Key_S, _NONE, "Side by side", lambda m: m.compare.toggle(Mode.SIDE)),
    Binding(_KEY.Key_D, _NONE, "Difference", lambda m: m.compare.toggle(Mode.DIFFERENCE)),
    Binding(_KEY.Key_G, _NONE, "Difference: more gain", lambda m: m.compare.more_gain(1)),
    Binding(_KEY.Key_G, _SHIFT, "Difference: less gain", lambda m: m.compare.more_gain(-1)),
    Binding(_KEY.Key_C, _NONE, "Contact sheet", lambda m: m.compare.toggle(Mode.SHEET)),
    Binding(_KEY.Key_M, _NONE, "Matte overlay", lambda m: m.compare.set(matte=not m.compare.view.matte)),
    Binding(_KEY.Key_E, _NONE, "Exposure up", lambda m: _expose(m, _EXPOSURE_STEP)),
    Binding(_KEY.Key_E, _SHIFT, "Exposure down", lambda m: _expose(m, -_EXPOSURE_STEP)),
    Binding(_KEY.Key_Y, _NONE, "Gamma up", lambda m: _gamma(m, _GAMMA_STEP)),
    Binding(_KEY.Key_Y, _SHIFT, "Gamma down", lambda m: _gamma(m, -_GAMMA_STEP)),
    Binding(_KEY.Key_R, _NONE, "Reset exposure and gamma", lambda m: m.compare.reset_grade()),
    Binding(_KEY.Key_F, _NONE, "Fit the picture", lambda m: m.compare.set(zoom=None, centre=(0.5, 0.5))),
    Binding(_KEY.Key_Z, _NONE, "One to one", lambda m: m.compare.set(zoom=1.0)),
    Binding(_KEY.Key_A, _SHIFT, "Approve", lambda m: m.set_status("approved")),
    Binding(_KEY.Key_X, _SHIFT, "Reject", lambda m: m.set_status("rejected")),
    Binding(_KEY.Key_R, _SHIFT, "Retake", lambda m: m.set_status("retake")),
    Binding(_KEY.Key_P, _SHIFT, "Pending", lambda m: m.set_status("pending")),
)  # fmt: skip
HOLD = _KEY.Key_A
NEW_NOTE = _KEY.Key_N
SHOW_KEYS = _KEY.Key_Question


class KeyDispatcher:
    """Runs the actions of keys, and keeps track of held keys."""

    def __init__(self, model: ReviewModel) -> None:
        self._model = model
        self._table = {(int(each.key), each.modifier): each for each in BINDINGS}
        self._stopping = False

    def is_bound(self, key: int, modifier: Qt.KeyboardModifier) -> bool:
        """Whether a key does something here."""
        plain = modifier & ~_MODIFIER.KeypadModifier
        return (key, plain) in self._table or (plain == _NONE and key in (HOLD.value, NEW_NOTE.value))

    def press(self, key: int, modifier: Qt.KeyboardModifier, repeated: bool = False) -> bool:
        """Handle a key press; returns False when the key is not bound."""
        plain = modifier & ~_MODIFIER.KeypadModifier
        if key == HOLD.value and plain == _NONE:
            self._model.compare.hold(True)
            return True
        if self._stopping and key in (_KEY.Key_J.value, _KEY.Key_L.value):
            self._model.transport.step(1 if key == _KEY.Key_L.value else -1)
            return True
        binding = self._table.get((key, plain))
        if binding is None:
            return False
        if key == _KEY.Key_K.value:
            self._stopping = True
        if not repeated or key in (_KEY.Key_Left.value, _KEY.Key_Right.value, _KEY.Key_E.value, _KEY.Key_Y.value):
            binding.act(self._model)
        return True

    def release(self, key: int) -> bool:
        """Handle a key release; returns False when that does nothing."""
        if key == _KEY.Key_K.value:
            self._stopping = False
        if key == HOLD.value:
            self._model.compare.hold(False)
        return key in (_KEY.Key_K.value, HOLD.value)

    def release_all(self) -> None:
        """Release all held keys, because the focus was lost."""
        self._stopping = False
        self._model.compare.hold(False)


def _expose(model: ReviewModel, step: float) -> None:
    model.compare.set(exposure=model.compare.view.exposure + step)


def _gamma(model: ReviewModel, step: float) -> None:
    model.compare.set(gamma=model.compare.view.gamma + step)
