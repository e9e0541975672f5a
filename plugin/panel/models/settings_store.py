"""What a restart must not lose: settings and the state of the window, in one ini file below the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QSettings


class SettingsStore:
    """Values by name. Lists and tuples are kept as JSON, because ini files know only texts."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._settings = QSettings(str(folder / "panel.ini"), QSettings.Format.IniFormat)

    def get(self, name: str, default: Any) -> Any:
        """The value that was kept, or `default`, also when what was kept is of another kind."""
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
        """Keep a value that JSON can hold."""
        self._settings.setValue(name, json.dumps(value))

    def get_bytes(self, name: str) -> bytes:
        """Bytes that were kept, as Qt gives for a window's place."""
        return bytes.fromhex(str(self.get(name, "")))

    def set_bytes(self, name: str, value: bytes) -> None:
        """Keep bytes."""
        self.set(name, value.hex())

    def flush(self) -> None:
        """Write what was kept to the disk."""
        self._settings.sync()
