"""The welcome page of the first start: what the panel does, the check of the machine, the models."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QCheckBox, QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from contract.finding import Finding
from plugin.panel.models.ask.model_fetching import Offer, offer
from plugin.panel.models.backend.checks import ChecksModel
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.widgets.binding import watch
from plugin.panel.widgets.controls import button, clear, heading, label
from plugin.panel.widgets.flow import FlowLayout

SAMPLE = Path(__file__).resolve().parents[4] / "backend" / "demo"


class WelcomePage(QScrollArea):
    """`finished` carries the path of the sample shot, or "" for a timeline of the artist's own."""

    finished = pyqtSignal(str)

    def __init__(self, model: PanelModel, checks: ChecksModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model, self.checks = model, checks
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.state = label(kind="faint")
        self.list, self.models = QWidget(), QWidget()
        self._grid, self._model_rows = QGridLayout(self.list), QVBoxLayout(self.models)
        self.check_again = button("Check again", checks.run)
        self.open_button = button("Open a timeline…", lambda: self.finished.emit(""), primary=True)
        self.sample_button = button("Try the sample shot", self._sample)
        self.sample_button.setVisible(self._sample_path() is not None)
        self._lay_out()
        watch(checks, self._show_checks)
        watch(model.backend, self._show_models, "models", "state")

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(6)
        column.addWidget(label("Add new content to a shot", "title"))
        column.addWidget(
            label(
                "Select a clip, describe what to add, check the plan, press Generate. The take goes on a new track"
                " above the clip; outside its matte every pixel stays the camera’s own."
            )
        )
        column.addSpacing(4)
        top = QHBoxLayout()
        top.addWidget(heading("This machine"))
        top.addStretch(1)
        top.addWidget(self.check_again)
        column.addLayout(top)
        column.addWidget(self.state)
        column.addWidget(self.list)
        column.addSpacing(4)
        column.addWidget(heading("Models"))
        column.addWidget(self.models)
        column.addStretch(1)
        start_row = QWidget()
        low = FlowLayout(start_row, 6)
        low.setContentsMargins(0, 0, 0, 0)
        low.addWidget(self.open_button)
        low.addWidget(self.sample_button)
        column.addWidget(start_row)
        for layout in (self._grid, self._model_rows):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(2)
        self._grid.setHorizontalSpacing(8)
        self._grid.setColumnStretch(1, 1)
        self.setWidget(inside)

    def _show_checks(self) -> None:
        checks = self.checks
        self.state.setText(
            {
                "idle": "",
                "running": "Checking…",
                "fine": "Everything that the included model needs is installed.",
                "broken": "Fix the problems below before generating.",
            }[checks.state]
        )
        self.check_again.setEnabled(checks.state != "running")
        clear(self._grid)
        kinds = {"fine": "faint", "missing": "warn", "broken": "bad"}
        marks = {"fine": "✓", "missing": "–", "broken": "!"}
        for row, each in enumerate(_summary(checks)):
            self._grid.addWidget(
                label(marks[each.state], "good" if each.state == "fine" else kinds[each.state], wrap=False),
                row,
                0,
                Qt.AlignmentFlag.AlignTop,
            )
            text = f"{each.subject}: {each.text}"
            if each.state == "broken" and each.remedy:
                text += "\n" + each.remedy
            finding = label(text, kinds[each.state])
            finding.setToolTip(each.remedy)
            self._grid.addWidget(finding, row, 1)

    def _show_models(self) -> None:
        clear(self._model_rows)
        for each in self.model.ask.models:
            if each.installed:
                text = f"{each.title}: installed. {each.licence}"
                self._model_rows.addWidget(label(text))
            else:
                self._model_rows.addWidget(self._offer(offer(each, self.model.backend.local)))

    def _offer(self, offered: Offer) -> QWidget:
        """A model that can be downloaded, and its check box."""
        ask, row, wanted = self.model.ask, QWidget(), QCheckBox("Download")
        wanted.setAccessibleName(f"Download {offered.title}")
        wanted.setToolTip("Downloaded with the first plan that uses it. A stopped download resumes later.")
        wanted.setChecked(ask.download and ask.model_name == offered.name)
        wanted.setEnabled(offered.fits)
        wanted.toggled.connect(lambda on: self._allow_download(offered.name, on))
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 2, 0, 2)
        layout.addWidget(label(offered.text, "faint" if offered.fits else "warn"), 1)
        layout.addWidget(wanted, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _allow_download(self, name: str, on: bool) -> None:
        """Choose a model for download, or the shipped one again."""
        ask = self.model.ask
        ask.model, ask.download = (name, True) if on else ("", False)
        self._show_models()

    def _sample(self) -> None:
        self.finished.emit(str(self._sample_path()))

    def _sample_path(self) -> Path | None:
        return next(iter(sorted(SAMPLE.glob("*.mp4"))), None)


def _summary(checks: ChecksModel) -> list[Finding]:
    """The findings: broken ones first, then fine ones, missing optional ones last."""
    order = {"broken": 0, "fine": 1, "missing": 2}
    return sorted(checks.findings, key=lambda each: order[each.state])
