"""The list of uploads and downloads: a row for each, with buttons that stop it or try again."""

from __future__ import annotations

from PyQt6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from plugin.panel.models.transfers.transfers import Transfer, TransfersModel
from plugin.panel.widgets.binding import watch
from plugin.panel.widgets.controls import button, clear, label, set_kind

_STEPS = 1000
_MOST_ROWS = 3


class TransferRow(QFrame):
    """One transfer."""

    def __init__(self, model: TransfersModel, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = label(kind="faint")
        self.bar = QProgressBar()
        self.bar.setRange(0, _STEPS)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.stop = button("Cancel", lambda: model.stop(key), "The part transferred so far is kept")
        self.again = button("Try again", lambda: model.again(key), "Resume where it stopped")
        self.dismiss = button("Dismiss", lambda: model.dismiss(key), "Remove from the list")
        left = QVBoxLayout()
        left.setSpacing(2)
        left.addWidget(self.text)
        left.addWidget(self.bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addLayout(left, 1)
        for each in (self.stop, self.again, self.dismiss):
            row.addWidget(each)

    def show_transfer(self, transfer: Transfer, text: str) -> None:
        """Show the current state."""
        running = transfer.state == "running"
        self.text.setText(text)
        set_kind(self.text, "bad" if transfer.state == "failed" else "faint")
        self.bar.setValue(round(_STEPS * transfer.share))
        self.bar.setVisible(running)
        self.stop.setVisible(running)
        self.again.setVisible(not running)
        self.again.setText("Download" if transfer.state == "stopped" else "Try again")
        self.dismiss.setVisible(not running)


class Transfers(QWidget):
    """All transfers, hidden when there are none. Only the first few have rows; the rest is counted."""

    def __init__(self, model: TransfersModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = model
        self.rows: dict[str, TransferRow] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self.more = label(kind="faint")
        watch(model, self._show, "rows")

    def _show(self) -> None:
        transfers = self.model.rows[:_MOST_ROWS]
        if [each.key for each in transfers] != list(self.rows):
            self._column.removeWidget(self.more)
            clear(self._column)
            self.rows = {each.key: TransferRow(self.model, each.key, self) for each in transfers}
            for row in self.rows.values():
                self._column.addWidget(row)
            self._column.addWidget(self.more)
        for each in transfers:
            self.rows[each.key].show_transfer(each, self.model.text_of(each))
        others = len(self.model.rows) - len(transfers)
        self.more.setText(f"and {others} more")
        self.more.setVisible(others > 0)
        self.setVisible(bool(transfers))
