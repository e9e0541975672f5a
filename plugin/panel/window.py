"""The window: shot, ask and takes in a column, the review beside it or in its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
from PyQt6.QtCore import QByteArray, QEvent, Qt, QTimer
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence, QResizeEvent, QShortcut
from PyQt6.QtWidgets import (
    QFileDialog,
    QInputDialog,
    QLabel,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from contract.rates import snap_rate
from plugin.hosts.base import OpenChoice, OpensTimelines
from plugin.panel.models.backend.checks import ChecksModel
from plugin.panel.models.backend.chosen_backend import BACKEND_SETTINGS, chosen_backend
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.models.panel.reviewing import Reviewing
from plugin.panel.models.shot.openable import KINDS, can_be_opened
from plugin.panel.review.model import ReviewModel
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.widgets.banner import Banner
from plugin.panel.widgets.binding import watch
from plugin.panel.widgets.settings import SettingsDialog
from plugin.panel.widgets.status_line import StatusLine
from plugin.panel.widgets.zones.ask_zone import AskZone
from plugin.panel.widgets.zones.layout import Zones
from plugin.panel.widgets.zones.review_side import ReviewSide
from plugin.panel.widgets.zones.shot_zone import ShotZone
from plugin.panel.widgets.zones.takes_zone import TakesZone
from plugin.panel.widgets.zones.welcome import WelcomePage

_NARROWEST = 380
_SIDE_BY_SIDE = 105
"""From this width on (in average letters) the zones are beside the review, or beside each other."""
_MESSAGE_MS = 6000


class PanelWindow(QWidget):
    """Shows a PanelModel and a ReviewModel; closing the models is up to the caller."""

    def __init__(
        self, model: PanelModel, review: ReviewModel, thumbnails: Thumbnails, checks: ChecksModel | None = None
    ) -> None:
        super().__init__()
        self.model, self.review_model = model, review
        self.checks = checks or ChecksModel(backend=lambda: chosen_backend(model.settings), parent=self)
        self.setWindowTitle("DynVFX")
        self.setAcceptDrops(isinstance(model.host, OpensTimelines))
        self.setMinimumSize(_NARROWEST, 480)
        self.reviewing = Reviewing(model, review, self)
        self.shot_zone = ShotZone(model.shot, thumbnails)
        self.ask_zone = AskZone(model, thumbnails)
        self.takes_zone = TakesZone(model, thumbnails)
        self.backend_banner, self.banner = Banner(closable=False), Banner(error=True)
        self.status = StatusLine(model)
        self.welcome = WelcomePage(model, self.checks)
        self._lay_out()
        self._connect()
        self.resize(460, 980)
        self._restore()

    # Layout -----------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.zones = Zones(self.shot_zone, self.ask_zone, self.takes_zone)
        self.review_side = ReviewSide(self.review_model, self.model.placements.possible)
        self.review = self.review_side.view
        self.review_side.hide()
        self.main = QSplitter(Qt.Orientation.Horizontal)
        self.main.addWidget(self.zones)
        self.main.addWidget(self.review_side)
        self.main.setChildrenCollapsible(False)
        self.main.setStretchFactor(0, 0)
        self.main.setStretchFactor(1, 1)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.main)
        self.pages.addWidget(self.welcome)
        self.message = QLabel()
        self.message.setObjectName("faint")
        self.message.setWordWrap(True)
        self.message.setContentsMargins(8, 2, 8, 2)
        self.message.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for each in (self.backend_banner, self.banner):
            column.addWidget(each)
        column.addWidget(self.pages, 1)
        column.addWidget(self.message)
        column.addWidget(self.status)

    def _connect(self) -> None:
        model = self.model
        self.shot_zone.openRequested.connect(self.ask_for_timeline)
        self.shot_zone.open_button.setVisible(isinstance(model.host, OpensTimelines))
        self.shot_zone.mediaRequested.connect(self.ask_for_media)
        self.shot_zone.media_button.setVisible(isinstance(model.host, OpensTimelines))
        model.shot.choiceNeeded.connect(self._ask_for_choice)
        self.status.settingsRequested.connect(self.show_settings)
        self.welcome.finished.connect(self._welcomed)
        model.reviewRequested.connect(self.open_review)
        model.planRequested.connect(self._show_plan)
        watch(model.backend, self._show_backend, "state", "headline", "detail", "fix")
        watch(model, self._show_problem, "problem")
        watch(model, self._show_message, "message")
        watch(model.shot, self._show_title, "title")
        for keys, action in (
            ("Ctrl+O", self.ask_for_timeline),
            ("Ctrl+G", model.generate),
            ("Ctrl+P", model.make_plan),
            ("Ctrl+,", self.show_settings),
            ("Ctrl+L", self.ask_zone.instruction.setFocus),
            ("Ctrl+T", self.takes_zone.list.setFocus),
        ):
            QShortcut(QKeySequence(keys), self, action)
        self.review_side.backRequested.connect(self.close_review)

    def arrange(self) -> None:
        """Lay out side by side where there is room; a narrow window shows either the zones or the review."""
        wide = self.width() >= self.fontMetrics().averageCharWidth() * _SIDE_BY_SIDE
        reviewing = not self.review_side.isHidden()
        self.zones.setVisible(wide or not reviewing)
        self.zones.put_side_by_side(wide and not reviewing)
        if wide and reviewing:
            column = max(_NARROWEST, self.width() // 4)
            self.main.setSizes([column, self.width() - column])
        self.zones.divide()

    # What the artist does ---------------------------------------------------------------------------------------------

    def ask_for_timeline(self) -> None:
        """Choose a timeline or movie to open."""
        if isinstance(self.model.host, OpensTimelines):
            folder = str(Path(self.model.settings.get("timeline", "")).parent)
            chosen, _ = QFileDialog.getOpenFileName(self, "Open a timeline or movie", folder, KINDS)
            if chosen:
                self.model.shot.open(Path(chosen))

    def ask_for_media(self) -> None:
        """Name a folder where media of the open timeline is looked for."""
        start = str(Path(self.model.settings.get("timeline", "")).parent)
        chosen = QFileDialog.getExistingDirectory(self, "Look for media in", start)
        if chosen:
            self.model.shot.look_for_media(Path(chosen))

    def _ask_for_choice(self, path: Path, question: str, timelines: tuple[str, ...]) -> None:
        """One of several timelines, or, without any, an edit list's rate."""
        host = self.model.host
        choice = host.choice() if isinstance(host, OpensTimelines) and host.path() == path else OpenChoice()
        if timelines:
            names = [f"{number}. {name}" for number, name in enumerate(timelines, start=1)]
            chosen, yes = QInputDialog.getItem(self, "Choose a timeline", question, names, 0, False)
            choice = msgspec.structs.replace(choice, timeline=chosen.partition(".")[0])
        else:
            rates = ["23.976", "24", "25", "29.97", "30", "50", "59.94", "60"]
            chosen, yes = QInputDialog.getItem(self, "Frame rate of the edit list", question, rates, 1, False)
            choice = msgspec.structs.replace(choice, rate=str(snap_rate(float(chosen or 24))))
        if yes:
            self.model.shot.open(path, choice)

    def show_settings(self) -> None:
        """The settings; a changed backend is connected to at once."""
        settings = self.model.settings
        before = [settings.get(name, None) for name in BACKEND_SETTINGS]
        if SettingsDialog(settings, self).exec() and before != [settings.get(name, None) for name in BACKEND_SETTINGS]:
            self.model.backend.fix_now()

    def open_review(self, take_id: str) -> None:
        """Review a take."""
        self.reviewing.feed()
        self.review_model.pick(take_id)
        self.review_side.show()
        self.arrange()
        self.review.setFocus()

    def _show_plan(self) -> None:
        """In a narrow window the plan replaces the review."""
        if self.zones.isHidden():
            self.close_review()

    def close_review(self) -> None:
        """Back to the zones."""
        self.review_model.transport.stop()
        self.review_side.hide()
        self.arrange()
        self.takes_zone.list.setFocus()

    def begin(self, timeline: Path | None = None) -> None:
        """Connect and open a timeline, by default the last one; the first start shows the welcome page."""
        self.model.begin(timeline)
        if isinstance(self.model.host, OpensTimelines) and not self.model.settings.get("welcomed", False):
            self.pages.setCurrentWidget(self.welcome)
            self.checks.run()

    def _welcomed(self, sample: str) -> None:
        self.model.settings.set("welcomed", True)
        self.pages.setCurrentWidget(self.main)
        if sample:
            self.model.shot.open(self._copy_sample(Path(sample)))
            if not self.model.ask.instruction:
                self.model.ask.instruction = "add a red balloon on the left"
        elif self.model.shot.whole is None and not self.model.shot.clips:
            self.ask_for_timeline()

    def _copy_sample(self, sample: Path) -> Path:
        """A copy of the sample in a folder that results can be written to."""
        folder = self.model.settings.folder / "sample"
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / sample.name
        if not copy.exists():
            shutil.copy2(sample, copy)
        return copy

    # What is shown ----------------------------------------------------------------------------------------------------

    def _show_backend(self) -> None:
        backend = self.model.backend
        if backend.ready or backend.state in ("looking", "connecting", "starting"):
            self.backend_banner.hide()
            return
        texts = {"start": "Start backend", "retry": "Retry now", "settings": "Settings"}
        action = self.show_settings if backend.fix == "settings" else backend.fix_now
        self.backend_banner.show_problem(
            backend.headline, backend.detail, fix=texts.get(backend.fix, ""), action=action
        )

    def _show_problem(self) -> None:
        problem = self.model.problem
        if problem is not None:
            rest = " ".join(part for part in (problem.why, problem.remedy) if part)
            self.banner.show_problem(problem.what, rest, f"kind: {problem.kind}")

    def _show_message(self) -> None:
        self.message.setText(self.model.message)
        self.message.setVisible(bool(self.model.message))
        if self.model.message:
            QTimer.singleShot(_MESSAGE_MS, lambda text=self.model.message: self._clear_message(text))

    def _clear_message(self, text: str) -> None:
        if self.model.message == text:
            self.model.message = ""

    def _show_title(self) -> None:
        title = self.model.shot.title
        self.setWindowTitle(f"{title} – DynVFX" if title else "DynVFX")

    # Qt's events ------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's names
        """Lay out again for the new width."""
        super().resizeEvent(event)
        self.arrange()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Lay out again for the new font."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self.arrange()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Timelines and movies may be dropped."""
        if event is not None and _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Open what was dropped."""
        path = _dropped(event) if event is not None else ""
        if event is not None and path:
            event.acceptProposedAction()
            self.pages.setCurrentWidget(self.main)
            self.model.shot.open(Path(path))

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Save the window's place and the choices."""
        settings = self.model.settings
        settings.set_bytes("window", self.saveGeometry().data())
        settings.set("zones", self.zones.division())
        self.checks.stop()
        self.model.save_session()
        super().closeEvent(event)

    def _restore(self) -> None:
        settings = self.model.settings
        if settings.get_bytes("window"):
            self.restoreGeometry(QByteArray(settings.get_bytes("window")))
        self.zones.restore(settings.get("zones", ()))


def _dropped(event: QDropEvent) -> str:
    """The path of the one timeline or movie that is dragged, "" for anything else."""
    data = event.mimeData()
    urls = data.urls() if data is not None else []
    path = urls[0].toLocalFile() if len(urls) == 1 else ""
    return path if can_be_opened(path) else ""
