"""Where the panel's backend is: the one in the settings, else in the environment, else this user's own, which is
started when none runs."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from bridge.local import local_service
from bridge.local.folders import key_folder
from bridge.wire.client import Client
from bridge.wire.keys import KeyFolder, KeyPair
from bridge.wire.session import Session
from plugin.panel.models.backend.backend import Endpoint
from plugin.panel.models.backend.chosen_backend import chosen_backend
from plugin.panel.models.settings_store import SettingsStore

UNTIL_IDLE = 120.0
"""Seconds after which an idle backend that the panel started ends: no client is connected and no job waits."""


class UserBackends:
    """Finds, starts and opens this user's backends; `home` is the state folder."""

    def __init__(self, home: Path, settings: SettingsStore) -> None:
        self._home, self._settings = home, settings

    def find(self) -> Endpoint | None:
        """The backend of the settings or the environment, else the one that runs on this machine.

        Raises BadUsage for an incomplete or wrong environment.
        """
        remote = chosen_backend(self._settings)
        if remote is not None:
            return Endpoint(remote.address, remote.key, False)
        found = local_service.find(self._home)
        return Endpoint(found.address, found.key, True) if found is not None else None

    def start(self) -> Endpoint:
        """Start one on this machine; it ends by itself when it is idle. Raises BackendNotInstalled, ..."""
        started = local_service.start(self._home, until_idle=UNTIL_IDLE)
        return Endpoint(started.address, started.key, True)

    def open(self, endpoint: Endpoint) -> Session:
        """Open a session with this user's own key."""
        return Session(endpoint.address, endpoint.key, self._pair(), program="panel", version=version("dynvfx"))

    def client(self, endpoint: Endpoint) -> Client:
        """Open a connection for file transfers."""
        return Client(endpoint.address, endpoint.key, self._pair(), program="panel", version=version("dynvfx"))

    def _pair(self) -> KeyPair:
        return KeyFolder(key_folder(self._home)).client_pair()
