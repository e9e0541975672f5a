"""What of the panel's models a restart must not lose."""

from __future__ import annotations

from plugin.hosts.base import OpensTimelines
from plugin.panel.models.ask.ask import AskModel
from plugin.panel.models.session.settings_store import SettingsStore
from plugin.panel.models.shot.shot import ShotModel
from plugin.panel.models.takes.takes import TakesModel

_ASK_FIELDS = ("instruction", "scope", "quality", "takes", "seed", "seed_locked", "model")
_MOST_JOBS = 500


def restore(memory: SettingsStore, ask: AskModel, takes: TakesModel) -> None:
    """Set choices, and which jobs were dismissed or paused, as they were kept."""
    for name in _ASK_FIELDS:
        setattr(ask, name, memory.get(f"ask/{name}", getattr(ask, name)))
    takes.recall(frozenset(memory.get("dismissed", ())), frozenset(memory.get("paused", ())))


def save(memory: SettingsStore, shot: ShotModel, ask: AskModel, takes: TakesModel) -> None:
    """Keep them, with the timeline and the clip that are open."""
    path = shot.host.path() if isinstance(shot.host, OpensTimelines) else None
    if path is not None:
        memory.set("timeline", str(path.absolute()))
        memory.set("clip", shot.current or 0)
    for name in _ASK_FIELDS:
        memory.set(f"ask/{name}", getattr(ask, name))
    memory.set("history", ask.history.entries)
    memory.set("dismissed", sorted(takes.dismissed)[-_MOST_JOBS:])
    memory.set("paused", sorted(takes.paused)[-_MOST_JOBS:])
    memory.flush()
