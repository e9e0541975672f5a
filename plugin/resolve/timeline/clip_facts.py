"""What a clip was when it was exported, and the errors for a clip that is not there any more."""

from typing import Any, Dict

from ..calls import ask, ask_if, whole
from ..errors import ResolveProblem
from .current_timeline import Opened, clip_path, span_of


def facts_of(opened: Opened, item: Any) -> Dict[str, Any]:
    """What must be the same when a take of the clip is placed."""
    start, frames = span_of(item)
    clip = ask(item, "GetMediaPoolItem")
    return {
        "timeline": opened.timeline_id,
        "timeline_name": str(ask(opened.timeline, "GetName")),
        "start": start,
        "frames": frames,
        "offset": whole(ask_if(item, "GetLeftOffset")),
        "path": clip_path(clip) if clip is not None else "",
    }


def gone(opened: Opened, facts: "Dict[str, Any] | None" = None) -> ResolveProblem:
    """The error for a clip that is not on the open timeline."""
    if facts and facts["timeline"] != opened.timeline_id:
        return switched(facts["timeline_name"])
    return ResolveProblem(
        "clip_gone",
        "The clip is no longer on the timeline.",
        "It was deleted, or cut and pasted, which makes another clip of it.",
        "Undo that, or select the clip anew.",
    )


def switched(name: str) -> ResolveProblem:
    """The error for another timeline than the clip's being open."""
    return ResolveProblem(
        "clip_gone",
        f"Another timeline is open than the clip's, which is on {name}.",
        "Resolve changes only the timeline that is open.",
        f"Open the timeline {name} and do it again.",
    )
