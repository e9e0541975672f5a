"""Settings and the window's state, kept over restarts in one ini file below the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QSettings


class SettingsStore:
    """Values by name, kept as JSON, because ini files hold only text."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._settings = QSettings(str(folder / "panel.ini"), QSettings.Format.IniFormat)

    def get(self, name: str, default: Any) -> Any:
        """The stored value, or `default` when there is none or it has another type."""
        kept = self._settings.value(name)
        if kept is None:
            return default
        try:
            value = json.loads(str(kept))
        except ValueError:
            return default
        if isinstance(default, bool) or default is None:
            return value if default is None or isinstance(value, bool) else default
        if isinstance(default, tuple):
            return tuple(value) if isinstance(value, list) else default
        return value if isinstance(value, type(default)) else default

    def set(self, name: str, value: Any) -> None:
        """Store a value that JSON can represent."""
        self._settings.setValue(name, json.dumps(value))

    def get_bytes(self, name: str) -> bytes:
        """Stored bytes, such as the geometry of a window; empty when there are none."""
        return bytes.fromhex(str(self.get(name, "")))

    def set_bytes(self, name: str, value: bytes) -> None:
        """Store bytes."""
        self.set(name, value.hex())

    def flush(self) -> None:
        """Write all stored values to the disk."""
        self._settings.sync()
