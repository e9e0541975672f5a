"""Where the program keeps what is not a result, and how it logs."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

LOG_BYTES = 2_000_000
LOGS_KEPT = 5


@dataclass(frozen=True)
class Settings:
    """Folders of this user. `state` holds logs; it is made when it is first needed."""

    state: Path

    @property
    def log_file(self) -> Path:
        """The newest log; older ones beside it end in .1 to .5."""
        return self.state / "log" / "dynvfx.log"


def find_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from DYNVFX_STATE (a folder), else the place where the system keeps such things."""
    chosen = environment.get("DYNVFX_STATE", "").strip()
    if chosen:
        return Settings(Path(chosen).absolute())
    return Settings(platformdirs.user_state_path("dynvfx", appauthor=False))


def start_logging(settings: Settings, *, verbose: bool) -> bool:
    """Log to a rotating file, and to the terminal as well when `verbose`; False when the file cannot be written.

    A full or read-only home folder must not keep an artist from working, so a log that cannot be written is no error.
    """
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    for name in ("PIL", "urllib3", "httpx", "httpcore", "openai", "matplotlib"):
        # Some of these would log request headers, which hold keys, at the debug level.
        logging.getLogger(name).setLevel(logging.WARNING)
    form = logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    if verbose:
        shown = logging.StreamHandler(sys.stderr)
        shown.setFormatter(form)
        root.addHandler(shown)
    try:
        settings.log_file.parent.mkdir(parents=True, exist_ok=True)
        kept = logging.handlers.RotatingFileHandler(
            settings.log_file, maxBytes=LOG_BYTES, backupCount=LOGS_KEPT, encoding="utf-8"
        )
    except OSError as error:
        logging.getLogger(__name__).warning("no log file: %s", error)
        return False
    kept.setFormatter(form)
    root.addHandler(kept)
    logging.captureWarnings(True)
    return True


def stop_logging() -> None:
    """Close the handlers that `start_logging` opened."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler) in (logging.StreamHandler, logging.handlers.RotatingFileHandler):
            root.removeHandler(handler)
            handler.close()
    logging.captureWarnings(False)
