"""Notes as markers of the timeline."""

from typing import Any, Dict, List

from ..agent_journal import Memory
from ..calls import ask, whole
from ..errors import ResolveProblem
from .clip_facts import gone
from .current_timeline import Opened, find_item, span_of

PREFIX = "dynvfx-note:"
COLOUR = "Sky"
_TRIES = 12  # one marker a frame: when the user has one there, the next free frame takes ours


def mark(opened: Opened, memory: Memory, uid: str, notes: List[Dict[str, Any]]) -> None:
    """Put a marker at every note's range in the place of those that were put there before.

    Frames of notes count from the clip's first frame. Raises ResolveProblem when a marker could not be put.
    """
    found = find_item(opened.timeline, uid)
    if found is None:
        raise gone(opened, memory.shot(opened.project_id, uid).get("facts"))
    own = f"{PREFIX}{uid}:"
    for marker in (ask(opened.timeline, "GetMarkers") or {}).values():
        custom = str(marker.get("customData") or "")
        if custom.startswith(own):
            ask(opened.timeline, "DeleteMarkerByCustomData", custom)
    start, frames = span_of(found[0])
    offset = start - whole(ask(opened.timeline, "GetStartFrame"))
    for number, note in enumerate(notes):
        first, last = int(note["first"]), min(int(note["last"]), frames - 1)
        if not _put(opened, offset, first, last, note, f"{own}{number}"):
            raise ResolveProblem(
                "not_supported",
                f"Resolve put no marker at frame {first} of the clip.",
                "A frame holds one marker only, and the next ones are taken, too.",
                "Delete a marker there.",
            )


def _put(opened: Opened, offset: int, first: int, last: int, note: Dict[str, Any], custom: str) -> bool:
    name = " ".join(str(note.get(key) or "") for key in ("category", "author")).strip() or "Note"
    for frame in range(first, first + _TRIES):
        length = max(1, last - frame + 1)
        ask(opened.timeline, "AddMarker", offset + frame, COLOUR, name, str(note.get("text") or ""), length, custom)
        if ask(opened.timeline, "GetMarkerByCustomData", custom):
            return True
    return False
