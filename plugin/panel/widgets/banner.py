"""Trouble, said in one place: what happened, what to do, and the button that does it."""

from __future__ import annotations

from PyQt6.QtWidgets import QApplication, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from plugin.panel.widgets.controls import button, tool, words


class Banner(QFrame):
    """A line above the zones; `trouble` is red instead of amber. It can be copied, as a report."""

    def __init__(self, trouble: bool = False, closable: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trouble" if trouble else "banner")
        self.what, self.rest = words(), words(kind="faint")
        self.mend = button("", lambda: None, primary=True)
        self._does = None
        self.mend.clicked.connect(lambda: self._does() if self._does else None)
        self.copy = tool("Copy", self._copy, "Copy this as a report", plain=True)
        self.close_button = tool("✕", self.hide, "Close this message", plain=True)
        self.close_button.setVisible(closable)
        left = QVBoxLayout()
        left.setSpacing(1)
        left.addWidget(self.what)
        left.addWidget(self.rest)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 5, 5, 5)
        row.addLayout(left, 1)
        for each in (self.mend, self.copy, self.close_button):
            row.addWidget(each)
        self._details = ""
        self.hide()

    def say(self, what: str, rest: str = "", details: str = "", mend: str = "", does: object = None) -> None:
        """Show it; `details` go only into the copied report."""
        self.what.setText(what)
        self.rest.setText(rest)
        self.rest.setVisible(bool(rest))
        self.mend.setText(mend)
        self.mend.setVisible(bool(mend))
        self._does, self._details = does, details
        self.show()

    def _copy(self) -> None:
        parts = (self.what.text(), self.rest.text(), self._details)
        QApplication.clipboard().setText("\n".join(part for part in parts if part))
