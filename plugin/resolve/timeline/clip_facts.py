"""What a clip was when it was exported, and the errors for a clip that is not there any more."""

from typing import Any, Dict

from ..calls import call, call_if_present, to_int
from ..errors import ResolveProblem
from .current_timeline import CurrentTimeline, clip_path, span_of


def facts_of(current: CurrentTimeline, item: Any) -> Dict[str, Any]:
    """What must be the same when a take of the clip is placed."""
    start, frames = span_of(item)
    clip = call(item, "GetMediaPoolItem")
    return {
        "timeline": current.timeline_id,
        "timeline_name": str(call(current.timeline, "GetName")),
        "start": start,
        "frames": frames,
        "offset": to_int(call_if_present(item, "GetLeftOffset")),
        "path": clip_path(clip) if clip is not None else "",
    }


def clip_gone_error(current: CurrentTimeline, facts: "Dict[str, Any] | None" = None) -> ResolveProblem:
    """The error for a clip that is not on the open timeline."""
    if facts and facts["timeline"] != current.timeline_id:
        return timeline_switched_error(facts["timeline_name"])
    return ResolveProblem(
        "clip_gone",
        "The clip is no longer on the timeline.",
        "It was deleted, or cut and pasted, which makes another clip of it.",
        "Undo that, or select the clip anew.",
    )


def timeline_switched_error(name: str) -> ResolveProblem:
    """The error for another timeline than the clip's being open."""
    return ResolveProblem(
        "clip_gone",
        f"Another timeline is open than the clip's, which is on {name}.",
        "Resolve changes only the timeline that is open.",
        f"Open the timeline {name} and do it again.",
    )
