"""Undoing the changes that a killed agent, panel or Resolve left unfinished, once their timeline is open again."""

from typing import Dict, List, Optional, Set

from ..agent_journal import AgentJournal
from ..timeline.current_timeline import CurrentTimeline
from .rollback import roll_back
from .swap_takes import finish_swap


def recover(current: CurrentTimeline, journal: AgentJournal, only: Optional[Set[str]] = None) -> List[str]:
    """Undo every unfinished change of the open timeline; returns descriptions of what could not be undone.

    An interrupted swap gets its old take back. `only`: the ids of the journal's entries; None for all of them.
    """
    left = []  # type: List[str]
    for entry in journal.unfinished():
        if (entry.get("project"), entry.get("timeline")) != (current.project_id, current.timeline_id):
            continue
        if only is not None and entry["id"] not in only:
            continue
        if "swap" in entry:
            kept = roll_back(current, journal, entry, keep=True)
            if not kept:
                # Where the new take still is, the old one has no place.
                finish_swap(current, entry)
                journal.end(entry)
            left += kept
        else:
            left += roll_back(current, journal, entry)
    return left


def unrepaired(left: List[str]) -> Optional[Dict[str, str]]:
    """What, why and remedy for the changes that could not be undone; None when there are none."""
    if not left:
        return None
    return {
        "what": "A change that was interrupted could not be undone completely.",
        "why": "Left in the timeline: " + ", ".join(left) + ".",
        "remedy": "Unlock the tracks: what is left is then removed the next time the panel reads the timeline.",
    }
