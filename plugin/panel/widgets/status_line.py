"""The status line: host, backend and device."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, pyqtSignal
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QWidget

from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.widgets.binding import watch
from plugin.panel.widgets.controls import ElidedLabel, tool_button
from plugin.panel.widgets.theme import current_theme


class Lamp(QWidget):
    """A coloured dot."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colour = "#808080"

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Two thirds of a line."""
        side = round(self.fontMetrics().height() * 0.66)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """The dot."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(self.colour))
        painter.setPen(QColor(0, 0, 0, 0))
        side = min(self.width(), self.height()) - 2
        painter.drawEllipse(QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side))


class StatusLine(QFrame):
    """One line at the bottom; `settingsRequested` when its button is pressed."""

    settingsRequested = pyqtSignal()

    def __init__(self, model: PanelModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusline")
        self.model = model
        self.lamp = Lamp()
        self.text = ElidedLabel()
        self.settings = tool_button("Settings", self.settingsRequested.emit, "Settings (Ctrl+,)", plain=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 4, 2)
        row.addWidget(self.lamp)
        row.addWidget(self.text, 1)
        row.addWidget(self.settings)
        watch(model.backend, self._show, "state", "headline", "detail")
        watch(model, self._show, "host_busy")

    def _show(self) -> None:
        backend, theme = self.model.backend, current_theme()
        host = self.model.host.name
        if self.model.host_busy:
            host = f"{host} is busy"
        parts = [host, backend.headline] + ([backend.detail] if backend.ready and backend.detail else [])
        self.text.setText("  ·  ".join(part for part in parts if part))
        self.text.setToolTip("\n".join(part for part in (host, backend.headline, backend.detail) if part))
        busy = backend.state in ("looking", "starting", "connecting", "silent")
        self.lamp.colour = theme.good if backend.ready else theme.warn if busy else theme.bad
        self.lamp.update()
