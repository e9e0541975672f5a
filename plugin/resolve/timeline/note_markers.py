"""Notes as markers of the timeline."""

from typing import Any, Dict, List

from ..agent_journal import AgentJournal
from ..calls import call, to_int
from ..errors import ResolveProblem
from .clip_facts import clip_gone_error
from .current_timeline import CurrentTimeline, find_item, span_of

PREFIX = "dynvfx-note:"
COLOUR = "Sky"
_TRIES = 12  # a frame has at most one marker: if the user has one there, the next free frame is used


def mark(current: CurrentTimeline, journal: AgentJournal, uid: str, notes: List[Dict[str, Any]]) -> None:
    """Put a marker at every note's range, replacing the clip's earlier note markers.

    The notes' frames count from the clip's first frame. Raises ResolveProblem when a marker could not be added.
    """
    found = find_item(current.timeline, uid)
    if found is None:
        raise clip_gone_error(current, journal.shot(current.project_id, uid).get("facts"))
    own = f"{PREFIX}{uid}:"
    for marker in (call(current.timeline, "GetMarkers") or {}).values():
        custom = str(marker.get("customData") or "")
        if custom.startswith(own):
            call(current.timeline, "DeleteMarkerByCustomData", custom)
    start, frames = span_of(found[0])
    offset = start - to_int(call(current.timeline, "GetStartFrame"))
    for number, note in enumerate(notes):
        first, last = int(note["first"]), min(int(note["last"]), frames - 1)
        if not _put(current, offset, first, last, note, f"{own}{number}"):
            raise ResolveProblem(
                "not_supported",
                f"Resolve did not add a marker at frame {first} of the clip.",
                "A frame can have only one marker, and the next frames have markers too.",
                "Delete a marker there.",
            )


def _put(current: CurrentTimeline, offset: int, first: int, last: int, note: Dict[str, Any], custom: str) -> bool:
    name = " ".join(str(note.get(key) or "") for key in ("category", "author")).strip() or "Note"
    for frame in range(first, first + _TRIES):
        length = max(1, last - frame + 1)
        call(current.timeline, "AddMarker", offset + frame, COLOUR, name, str(note.get("text") or ""), length, custom)
        if call(current.timeline, "GetMarkerByCustomData", custom):
            return True
    return False
