"""What of the panel's models a restart must not lose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugin.hosts.base import OpensTimelines

if TYPE_CHECKING:
    from plugin.panel.models.panel import PanelModel

_ASK_FIELDS = ("instruction", "scope", "quality", "takes", "seed", "seed_locked", "model")
_MOST_JOBS = 500


def recall(panel: PanelModel) -> None:
    """Set choices, and which jobs were dismissed or paused, as they were kept."""
    ask, memory = panel.ask, panel.memory
    for name in _ASK_FIELDS:
        setattr(ask, name, memory.get(f"ask/{name}", getattr(ask, name)))
    panel.takes.recall(frozenset(memory.get("dismissed", ())), frozenset(memory.get("paused", ())))


def keep(panel: PanelModel) -> None:
    """Keep them, with the timeline and the clip that are open."""
    memory, host = panel.memory, panel.host
    if isinstance(host, OpensTimelines) and host.path() is not None:
        memory.set("timeline", str(host.path().absolute()))
        memory.set("clip", panel.shot.current or 0)
    for name in _ASK_FIELDS:
        memory.set(f"ask/{name}", getattr(panel.ask, name))
    memory.set("history", panel.history.entries)
    memory.set("dismissed", sorted(panel.takes.dismissed)[-_MOST_JOBS:])
    memory.set("paused", sorted(panel.takes.paused)[-_MOST_JOBS:])
    memory.flush()
