"""The session: the settings and lists that a restart restores."""

from __future__ import annotations

from plugin.hosts.base import Host, OpensTimelines
from plugin.panel.models.ask.ask import SAVED, AskModel
from plugin.panel.models.ask.history import History
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.models.shot.shot import ShotModel
from plugin.panel.models.takes.takes import TakesModel

_MOST_JOBS = 500


class SessionState:
    """Restores the settings of the ask and the dismissed jobs; saves them with the open timeline and clip."""

    def __init__(
        self, settings: SettingsStore, host: Host, shot: ShotModel, ask: AskModel, takes: TakesModel, history: History
    ) -> None:
        self._settings, self._host = settings, host
        self._shot, self._ask, self._takes, self._history = shot, ask, takes, history

    def restore(self) -> None:
        """Set the models to the saved state."""
        ask, settings = self._ask, self._settings
        for name in SAVED:
            setattr(ask, name, settings.get(f"ask/{name}", getattr(ask, name)))
        self._takes.recall(frozenset(settings.get("dismissed", ())))

    def save(self) -> None:
        """Write the state for `restore`, the timeline and the clip to the disk."""
        settings, host = self._settings, self._host
        path = host.path() if isinstance(host, OpensTimelines) else None
        if path is not None:
            settings.set("timeline", str(path.absolute()))
            settings.set("clip", self._shot.current or 0)
        for name in SAVED:
            settings.set(f"ask/{name}", getattr(self._ask, name))
        settings.set("history", self._history.entries)
        settings.set("dismissed", sorted(self._takes.dismissed)[-_MOST_JOBS:])
        settings.flush()
