"""The panel as a program: one Qt application, whatever the host."""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path
from types import TracebackType

from PyQt6.QtCore import QLibraryInfo, QLocale, QObject, QTranslator, pyqtSignal
from PyQt6.QtWidgets import QApplication

from bridge.errors import Problem
from bridge.places import state_folder
from plugin.hosts.base import HasPalette, Host
from plugin.hosts.otio_files import OtioFiles
from plugin.panel.background import Background
from plugin.panel.models.backend import Services
from plugin.panel.models.memory import Memory
from plugin.panel.models.panel import PanelModel
from plugin.panel.pictures import Pictures
from plugin.panel.review.model import ReviewModel
from plugin.panel.services import UsersServices
from plugin.panel.theme import Theme, apply_theme
from plugin.panel.window import PanelWindow

log = logging.getLogger("dynvfx.panel")
TRANSLATIONS = Path(__file__).parent / "translations"


class Panel:
    """Models and window of one panel; `close` when it is over."""

    def __init__(self, app: QApplication, host: Host | None = None, services: Services | None = None) -> None:
        home = state_folder()
        memory = Memory(home / "panel")
        self.host = host or OtioFiles(memory.folder / "placed")
        apply_theme(app, Theme.following(self.host.palette() if isinstance(self.host, HasPalette) else {}))
        self.background = Background()
        self.model = PanelModel(self.host, services or UsersServices(home, memory), memory, self.background)
        self.review = ReviewModel()
        self.pictures = Pictures(self.background)
        self.window = PanelWindow(self.model, self.review, self.pictures)

    def close(self) -> None:
        """Leave the service, end all threads."""
        self.model.close()
        self.review.close()
        self.background.wait()


class _Reported(QObject):
    """An error that nobody foresaw, told in the window's thread; its traceback goes to the log only."""

    happened = pyqtSignal(str)

    def hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        log.critical("unexpected", exc_info=(kind, error, trace))
        self.happened.emit(f"{kind.__name__}: {error}")


def run(timeline: Path | None = None, host: Host | None = None) -> int:
    """Show the panel until it is closed; the exit code."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    app.setApplicationName("dynvfx")
    app.setApplicationDisplayName("DynVFX")
    translators = _translate(app)
    home = state_folder()
    handler = _start_log(home)
    panel = Panel(app, host)
    reported = _Reported()
    before, sys.excepthook = sys.excepthook, reported.hook
    reported.happened.connect(
        lambda text: setattr(
            panel.model,
            "problem",
            Problem(
                app.translate("application", "Something unexpected happened ({0}).").format(text),
                app.translate("application", "This is a mistake in the program, not in what you did."),
                app.translate("application", "Go on; if it comes back, report it with the log {0}").format(
                    handler.baseFilename
                ),
            ),
        )
    )
    panel.window.show()
    panel.window.begin(timeline)
    try:
        return app.exec()
    finally:
        panel.close()
        sys.excepthook = before
        log.removeHandler(handler)
        handler.close()
        del translators


def _translate(app: QApplication) -> list[QTranslator]:
    """Load the translations of the system's language, as far as there are any."""
    loaded = []
    places = ((str(TRANSLATIONS), "panel"), (QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath), "qtbase"))
    for folder, name in places:
        translator = QTranslator(app)
        if translator.load(QLocale(), name, "_", folder):
            app.installTranslator(translator)
            loaded.append(translator)
    return loaded


def _start_log(home: Path) -> logging.handlers.RotatingFileHandler:
    folder = home / "log"
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(folder / "panel.log", maxBytes=1_000_000, backupCount=2)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    return handler
