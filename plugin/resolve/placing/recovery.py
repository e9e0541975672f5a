"""Undoing the changes that a killed agent, panel or Resolve left unfinished, once their timeline is open again."""

from typing import List

from ..agent_journal import AgentJournal
from ..timeline.current_timeline import CurrentTimeline
from .rollback import roll_back
from .swap_takes import finish_swap


def recover(current: CurrentTimeline, journal: AgentJournal) -> List[str]:
    """Undo every unfinished change of the open timeline; returns descriptions of what could not be undone.

    An interrupted swap gets its old take back.
    """
    left = []  # type: List[str]
    for entry in journal.unfinished():
        if (entry.get("project"), entry.get("timeline")) != (current.project_id, current.timeline_id):
            continue
        if "swap" in entry:
            left += roll_back(current, journal, entry, keep=True)
            finish_swap(current, entry)
            journal.end(entry)
        else:
            left += roll_back(current, journal, entry)
    return left
