"""What a killed agent, panel or Resolve has left unfinished, mended when its timeline is open again."""

from typing import List

from ..agent_journal import Memory
from ..timeline.current_timeline import Opened
from .rollback import take_back
from .swap_takes import finish_swap


def repair(opened: Opened, memory: Memory) -> List[str]:
    """Take back every unfinished change of the open timeline; what could not be, in words.

    A replacement that was killed in the middle gets its old take back.
    """
    left = []  # type: List[str]
    for entry in memory.unfinished():
        if (entry.get("project"), entry.get("timeline")) != (opened.project_id, opened.timeline_id):
            continue
        if "swap" in entry:
            left += take_back(opened, memory, entry, keep=True)
            finish_swap(opened, entry)
            memory.end(entry)
        else:
            left += take_back(opened, memory, entry)
    return left
