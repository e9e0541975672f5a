"""A banner for problems: what happened, what to do, and the button that does it."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtWidgets import QApplication, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from plugin.panel.widgets.controls import button, label, tool_button


class Banner(QFrame):
    """A line above the zones, amber or with `error` red. Its text can be copied as a report."""

    def __init__(self, error: bool = False, closable: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("error" if error else "banner")
        self.what, self.rest = label(), label(kind="faint")
        self.fix_button = button("", lambda: None, primary=True)
        self._action: Callable[[], None] | None = None
        self.fix_button.clicked.connect(lambda: self._action() if self._action else None)
        self.copy = tool_button("Copy", self._copy, "Copy this as a report", plain=True)
        self.close_button = tool_button("✕", self.hide, "Close this message", plain=True)
        self.close_button.setVisible(closable)
        left = QVBoxLayout()
        left.setSpacing(1)
        left.addWidget(self.what)
        left.addWidget(self.rest)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 5, 5, 5)
        row.addLayout(left, 1)
        for each in (self.fix_button, self.copy, self.close_button):
            row.addWidget(each)
        self._details = ""
        self.hide()

    def show_problem(
        self, what: str, rest: str = "", details: str = "", fix: str = "", action: Callable[[], None] | None = None
    ) -> None:
        """Show a problem; `details` go only into the copied report."""
        self.what.setText(what)
        self.rest.setText(rest)
        self.rest.setVisible(bool(rest))
        self.fix_button.setText(fix)
        self.fix_button.setVisible(bool(fix))
        self._action, self._details = action, details
        self.show()

    def _copy(self) -> None:
        parts = (self.what.text(), self.rest.text(), self._details)
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText("\n".join(part for part in parts if part))
