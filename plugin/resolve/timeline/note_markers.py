"""Notes as markers of the timeline."""

from typing import Any, Dict, List

from ..agent_journal import AgentJournal
from ..calls import call, to_int
from ..errors import ResolveProblem
from .clip_facts import clip_gone_error
from .current_timeline import CurrentTimeline, find_item, span_of

PREFIX = "dynvfx-note:"
COLOUR = "Sky"
_TRIES = 12  # one marker a frame: when the user has one there, the next free frame takes ours


def mark(current: CurrentTimeline, journal: AgentJournal, uid: str, notes: List[Dict[str, Any]]) -> None:
    """Put a marker at every note's range in the place of those that were put there before.

    Frames of notes count from the clip's first frame. Raises ResolveProblem when a marker could not be put.
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
                f"Resolve put no marker at frame {first} of the clip.",
                "A frame holds one marker only, and the next ones are taken, too.",
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
