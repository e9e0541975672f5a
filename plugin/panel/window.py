"""The window: shot, ask and takes in a column, the review beside it or in its place."""

from __future__ import annotations

import shutil
from pathlib import Path

from PyQt6.QtCore import QByteArray, QEvent, QObject, Qt, QTimer
from PyQt6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeySequence, QResizeEvent, QShortcut
from PyQt6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from plugin.hosts.base import OpensTimelines
from plugin.panel.models.checks import ChecksModel
from plugin.panel.models.panel import PanelModel
from plugin.panel.models.reviewing import Reviewing
from plugin.panel.pictures import Pictures
from plugin.panel.review.model import ReviewModel
from plugin.panel.review.view import ReviewView
from plugin.panel.widgets.ask_zone import AskZone
from plugin.panel.widgets.banner import Banner
from plugin.panel.widgets.binding import watch
from plugin.panel.widgets.parts import ElidedLabel, tool
from plugin.panel.widgets.settings import SettingsDialog
from plugin.panel.widgets.shot_zone import ShotZone, can_be_opened
from plugin.panel.widgets.status_line import StatusLine
from plugin.panel.widgets.takes_zone import TakesZone
from plugin.panel.widgets.welcome import Welcome

_NARROWEST = 380
_SIDE_BY_SIDE = 105
"""From this width on (in average letters) the zones stand beside the review, or beside each other."""
_SAID_MS = 6000
_ASKING_WIDEST = 560


class PanelWindow(QWidget):
    """Shows a PanelModel and a ReviewModel, which it does not own."""

    def __init__(
        self, model: PanelModel, review: ReviewModel, pictures: Pictures, checks: ChecksModel | None = None
    ) -> None:
        super().__init__()
        self.model, self.review_model = model, review
        self.checks = checks or ChecksModel(parent=self)
        self.setWindowTitle("DynVFX")
        self.setAcceptDrops(isinstance(model.host, OpensTimelines))
        self.setMinimumSize(_NARROWEST, 480)
        self._divided_by_hand = False
        self.reviewing = Reviewing(model, review, self)
        self.shot_zone = ShotZone(model.shot, pictures)
        self.ask_zone = AskZone(model, pictures)
        self.takes_zone = TakesZone(model, pictures)
        self.review = ReviewView(review)
        self.review.allow_placing(model.places.possible)
        self.backend_banner, self.banner = Banner(closable=False), Banner(trouble=True)
        self.status = StatusLine(model)
        self.welcome = Welcome(model, self.checks)
        self._lay_out()
        self._connect()
        self.resize(460, 980)
        self._recall()

    # Layout -----------------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        inside = QWidget()
        asking = QVBoxLayout(inside)
        asking.setContentsMargins(0, 0, 0, 0)
        asking.setSpacing(0)
        asking.addWidget(self.shot_zone)
        asking.addWidget(_line())
        asking.addWidget(self.ask_zone, 1)
        self.scroll = QScrollArea()
        self.scroll.setWidgetResizable(True)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setWidget(inside)
        self.asking = QWidget()
        upper = QVBoxLayout(self.asking)
        upper.setContentsMargins(0, 0, 0, 0)
        upper.setSpacing(0)
        upper.addWidget(self.scroll, 1)
        upper.addWidget(self.ask_zone.buttons)
        self.zones = QSplitter(Qt.Orientation.Vertical)
        self.zones.addWidget(self.asking)
        self.zones.addWidget(self.takes_zone)
        self.zones.setChildrenCollapsible(False)
        self.zones.splitterMoved.connect(self._divided)
        inside.installEventFilter(self)
        for signal in (self.model.takes.rowsInserted, self.model.takes.rowsRemoved):
            signal.connect(lambda *_: QTimer.singleShot(0, self._divide))
        self.review_side = QWidget()
        side = QVBoxLayout(self.review_side)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(0)
        back = QHBoxLayout()
        back.setContentsMargins(6, 3, 6, 3)
        self.back = tool(self.tr("‹ Back"), self.close_review, self.tr("Back to the takes (Esc)"), plain=True)
        self.review_title = ElidedLabel()
        back.addWidget(self.back)
        back.addWidget(self.review_title, 1)
        side.addLayout(back)
        side.addWidget(self.review, 1)
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
        self.said = QLabel()
        self.said.setObjectName("faint")
        self.said.setWordWrap(True)
        self.said.setContentsMargins(8, 2, 8, 2)
        self.said.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for each in (self.backend_banner, self.banner):
            column.addWidget(each)
        column.addWidget(self.pages, 1)
        column.addWidget(self.said)
        column.addWidget(self.status)

    def _connect(self) -> None:
        model = self.model
        self.shot_zone.openRequested.connect(self.ask_for_timeline)
        self.shot_zone.open_button.setVisible(isinstance(model.host, OpensTimelines))
        self.status.settingsRequested.connect(self.show_settings)
        self.welcome.finished.connect(self._welcomed)
        model.reviewRequested.connect(self.open_review)
        watch(model.backend, self._show_backend, "state", "headline", "detail", "mend")
        watch(model, self._show_problem, "problem")
        watch(model, self._show_said, "said")
        watch(model.shot, self._show_title, "title")
        self.review_model.currentChanged.connect(self._show_review_title)
        for keys, does in (
            ("Ctrl+O", self.ask_for_timeline),
            ("Ctrl+G", model.generate),
            ("Ctrl+P", model.make_plan),
            ("Ctrl+,", self.show_settings),
            ("Ctrl+L", self.ask_zone.instruction.setFocus),
            ("Ctrl+T", self.takes_zone.list.setFocus),
        ):
            QShortcut(QKeySequence(keys), self, does)
        self._escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), self.review_side, self.close_review)
        self._escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def arrange(self) -> None:
        """Side by side where there is room; a narrow window shows either the zones or the review."""
        wide = self.width() >= self.fontMetrics().averageCharWidth() * _SIDE_BY_SIDE
        reviewing = not self.review_side.isHidden()
        self.zones.setVisible(wide or not reviewing)
        across = wide and not reviewing
        orientation = Qt.Orientation.Horizontal if across else Qt.Orientation.Vertical
        if self.zones.orientation() != orientation:
            self.zones.setOrientation(orientation)
        if wide and reviewing:
            column = max(_NARROWEST, self.width() // 4)
            self.main.setSizes([column, self.width() - column])
        self._divide()

    def _divide(self) -> None:
        """Give the upper zones what they need and the takes the rest, until the artist divides it otherwise."""
        if self.zones.orientation() == Qt.Orientation.Horizontal:
            column = min(_ASKING_WIDEST, self.zones.width() * 3 // 5)
            self.zones.setSizes([column, self.zones.width() - column])
        elif not self._divided_by_hand:
            height, width, inside = self.zones.height(), self.scroll.viewport().width(), self.scroll.widget()
            needed = inside.heightForWidth(width) if inside.hasHeightForWidth() else inside.sizeHint().height()
            upper = needed + self.ask_zone.buttons.sizeHint().height() + 4
            # The takes keep what their rows need, at most two fifths.
            upper = min(upper, height - min(self.takes_zone.needed_height(), height * 2 // 5))
            self.zones.setSizes([upper, height - upper])

    def _divided(self) -> None:
        if self.zones.orientation() == Qt.Orientation.Vertical:
            self._divided_by_hand = True

    # What the artist does ---------------------------------------------------------------------------------------------

    def ask_for_timeline(self) -> None:
        """Choose a timeline or movie to open."""
        if isinstance(self.model.host, OpensTimelines):
            kinds = self.tr("Timelines and movies (*.otio *.otioz *.mov *.mp4 *.mxf *.mkv *.avi *.webm);;All files (*)")
            folder = str(Path(self.model.memory.get("timeline", "")).parent)
            chosen, _ = QFileDialog.getOpenFileName(self, self.tr("Open a timeline or movie"), folder, kinds)
            if chosen:
                self.model.shot.open(Path(chosen))

    def show_settings(self) -> None:
        """The settings; a changed backend is connected to at once."""
        before = [self.model.memory.get(name, "") for name in ("service_address", "service_key")]
        dialog = SettingsDialog(self.model.memory, self)
        if dialog.exec():
            after = [self.model.memory.get(name, "") for name in ("service_address", "service_key")]
            if before != after:
                self.model.backend.mend_now()

    def open_review(self, take_id: str) -> None:
        """Review a take."""
        self.reviewing.feed()
        self.review_model.pick(take_id)
        self.review_side.show()
        self.arrange()
        self._show_review_title()
        self.review.setFocus()

    def close_review(self) -> None:
        """Back to the zones."""
        self.review_model.transport.stop()
        self.review_side.hide()
        self.arrange()
        self.takes_zone.list.setFocus()

    def begin(self, timeline: Path | None = None) -> None:
        """Begin: the welcome at the first start, else what was open last."""
        self.model.begin(timeline)
        if not self.model.memory.get("welcomed", False):
            self.pages.setCurrentWidget(self.welcome)
            self.checks.run()

    def _welcomed(self, sample: str) -> None:
        self.model.memory.set("welcomed", True)
        self.pages.setCurrentWidget(self.main)
        if sample:
            self.model.shot.open(self._own_copy(Path(sample)))
            if not self.model.ask.instruction:
                self.model.ask.instruction = self.tr("add a red balloon on the left")
        elif self.model.shot.whole is None and not self.model.shot.clips:
            self.ask_for_timeline()

    def _own_copy(self, sample: Path) -> Path:
        """The sample where results may be written beside it."""
        folder = self.model.memory.folder / "sample"
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
        texts = {"start": self.tr("Start it"), "retry": self.tr("Try now"), "settings": self.tr("Settings")}
        does = self.show_settings if backend.mend == "settings" else backend.mend_now
        self.backend_banner.say(backend.headline, backend.detail, mend=texts.get(backend.mend, ""), does=does)

    def _show_problem(self) -> None:
        problem = self.model.problem
        if problem is not None:
            rest = " ".join(part for part in (problem.why, problem.remedy) if part)
            self.banner.say(problem.what, rest, f"kind: {problem.kind}")

    def _show_said(self) -> None:
        self.said.setText(self.model.said)
        self.said.setVisible(bool(self.model.said))
        if self.model.said:
            QTimer.singleShot(_SAID_MS, lambda text=self.model.said: self._unsay(text))

    def _unsay(self, text: str) -> None:
        if self.model.said == text:
            self.model.said = ""

    def _show_title(self) -> None:
        title = self.model.shot.title
        self.setWindowTitle(f"{title} – DynVFX" if title else "DynVFX")

    def _show_review_title(self) -> None:
        current = self.review_model.current
        self.review_title.setText(f"{current.label} · {current.take.instruction}" if current else "")

    # Qt's events ------------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 - Qt's names
        """The zones have become higher or lower: divide the room anew."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            QTimer.singleShot(0, self._divide)
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802 - Qt's names
        """Another arrangement for another width."""
        super().resizeEvent(event)
        self.arrange()

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """Larger type needs more room for the same."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.FontChange:
            self.arrange()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """Timelines and movies may be dropped."""
        urls = event.mimeData().urls()
        if len(urls) == 1 and can_be_opened(urls[0].toLocalFile()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Open what was dropped."""
        event.acceptProposedAction()
        self.pages.setCurrentWidget(self.main)
        self.model.shot.open(Path(event.mimeData().urls()[0].toLocalFile()))

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """Keep the window's place and what was asked."""
        memory = self.model.memory
        memory.set_bytes("window", bytes(self.saveGeometry()))
        by_hand = self._divided_by_hand and self.zones.orientation() == Qt.Orientation.Vertical
        memory.set("zones", tuple(self.zones.sizes()) if by_hand else ())
        self.checks.stop()
        self.model.remember()
        super().closeEvent(event)

    def _recall(self) -> None:
        memory = self.model.memory
        if memory.bytes("window"):
            self.restoreGeometry(QByteArray(memory.bytes("window")))
        if memory.get("zones", ()):
            self._divided_by_hand = True
            self.zones.setSizes([int(each) for each in memory.get("zones", ())])


def _line() -> QFrame:
    line = QFrame()
    line.setObjectName("line")
    line.setFixedHeight(1)
    return line
