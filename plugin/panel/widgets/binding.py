"""Two-way bindings between widgets and the fields of observable models."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtWidgets import QButtonGroup, QCheckBox, QLineEdit, QPlainTextEdit, QPushButton, QSpinBox, QToolButton

from plugin.panel.models.observable import Observable


def watch(model: Observable, show: Callable[[], None], *names: str) -> None:
    """Call `show` now and whenever one of the fields (any, when none is named) changes."""
    model.changed.connect(lambda name: show() if not names or name in names else None)
    show()


def bind_text(edit: QLineEdit | QPlainTextEdit, model: Observable, name: str) -> None:
    """Bind a text field to a text."""

    def read() -> str:
        return edit.toPlainText() if isinstance(edit, QPlainTextEdit) else edit.text()

    def show() -> None:
        text = getattr(model, name)
        if read() == text:
            return
        if isinstance(edit, QPlainTextEdit):
            edit.setPlainText(text)
        else:
            edit.setText(text)

    edit.textChanged.connect(lambda *_: setattr(model, name, read()))
    watch(model, show, name)


def bind_number(spin: QSpinBox, model: Observable, name: str) -> None:
    """Bind a spin box to a whole number."""
    spin.valueChanged.connect(lambda value: setattr(model, name, value))
    watch(model, lambda: spin.setValue(getattr(model, name)), name)


def bind_switch(button: QCheckBox | QToolButton | QPushButton, model: Observable, name: str) -> None:
    """Bind a checkable button to a bool."""
    button.toggled.connect(lambda on: setattr(model, name, on))
    watch(model, lambda: button.setChecked(getattr(model, name)), name)


def bind_choice(group: QButtonGroup, values: list, model: Observable, name: str) -> None:
    """Bind exclusive buttons to a field whose value is one of `values`, one for each button."""
    group.idToggled.connect(lambda place, on: setattr(model, name, values[place]) if on else None)

    def show() -> None:
        value = getattr(model, name)
        button = group.button(values.index(value)) if value in values else None
        if button is not None:
            button.setChecked(True)

    watch(model, show, name)
