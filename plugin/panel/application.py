"""The panel as a program: the Qt application, its log and its unexpected errors, for every host."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QApplication

from bridge.local.folders import state_folder
from contract.errors import Problem
from plugin.hosts.base import HasPalette, Host
from plugin.hosts.otio_files import OtioFiles
from plugin.panel.background import Background
from plugin.panel.models.backend.backend import Services
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.review.model import ReviewModel
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.user_backends import UserBackends
from plugin.panel.widgets.theme import Theme, apply_theme
from plugin.panel.window import PanelWindow

log = logging.getLogger("dynvfx.panel")


HostFactory = Callable[[Path, Background], Host]
"""Makes a host from the folder of the panel's own files and the runner of its background work."""


class Panel:
    """Models and window of one panel; call `close` at the end."""

    def __init__(self, app: QApplication, host: HostFactory | None = None, services: Services | None = None) -> None:
        home = state_folder()
        settings = SettingsStore(home / "panel")
        self.background = Background()
        self.host = (
            host(settings.folder, self.background) if host else OtioFiles(settings.folder / "placed", self.background)
        )
        apply_theme(app, Theme.following(self.host.palette() if isinstance(self.host, HasPalette) else {}))
        # Transfers may take hours: thumbnails and media facts must not wait behind them.
        self.transfers = Background()
        self.model = PanelModel(
            self.host, services or UserBackends(home, settings), settings, self.background, transfers=self.transfers
        )
        self.review = ReviewModel()
        self.thumbnails = Thumbnails(self.background)
        self.window = PanelWindow(self.model, self.review, self.thumbnails)

    def close(self) -> None:
        """Disconnect from the backend and end all threads."""
        self.model.close()
        self.review.close()
        self.background.wait()
        self.transfers.wait()


class _UnexpectedErrors(QObject):
    """Reports unexpected errors in the window's thread; their tracebacks go to the log only."""

    happened = pyqtSignal(str)

    def hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        log.critical("unexpected", exc_info=(kind, error, trace))
        self.happened.emit(f"{kind.__name__}: {error}")


@contextmanager
def application() -> Iterator[Program]:
    """Qt's application with its log and a handler for unexpected errors."""
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("dynvfx")
    app.setApplicationDisplayName("DynVFX")
    handler = _start_log(state_folder())
    reported = _UnexpectedErrors()
    before, sys.excepthook = sys.excepthook, reported.hook
    try:
        yield Program(app, reported, Path(handler.baseFilename))
    finally:
        sys.excepthook = before
        log.removeHandler(handler)
        handler.close()


class Program:
    """What `application` yields: the Qt application, and where unexpected errors are shown."""

    def __init__(self, app: QApplication, reported: _UnexpectedErrors, log_file: Path) -> None:
        self.app, self._reported, self._log_file = app, reported, log_file

    def report_to(self, panel: Panel) -> None:
        """Show unexpected errors in this panel."""
        self._reported.happened.connect(lambda text: setattr(panel.model, "problem", self._problem(text)))

    def _problem(self, text: str) -> Problem:
        return Problem(
            f"Unexpected error ({text}).",
            "This is a bug in DynVFX, not a mistake of yours.",
            f"You can continue. If it happens again, report it with the log {self._log_file}",
        )


def run(timeline: Path | None = None) -> int:
    """Show the panel until it is closed; returns the exit code."""
    with application() as program:
        panel = Panel(program.app)
        program.report_to(panel)
        panel.window.show()
        panel.window.begin(timeline)
        try:
            return program.app.exec()
        finally:
            panel.close()


def _start_log(home: Path) -> logging.handlers.RotatingFileHandler:
    folder = home / "log"
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(folder / "panel.log", maxBytes=1_000_000, backupCount=2)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    return handler
