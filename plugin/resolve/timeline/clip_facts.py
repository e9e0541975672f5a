"""The facts of a clip at its export, and the errors for a missing clip or timeline."""

from typing import Any, Dict

from ..calls import call, call_if_present, to_int
from ..errors import ResolveProblem
from .current_timeline import CurrentTimeline, clip_path, span_of


def facts_of(current: CurrentTimeline, item: Any) -> Dict[str, Any]:
    """The facts of a clip that must be unchanged when a take of it is placed."""
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
        "It was deleted, or cut and pasted, which makes it a new clip.",
        "Undo that, or select the clip again.",
    )


def timeline_switched_error(name: str) -> ResolveProblem:
    """The error when a timeline other than the clip's is open."""
    return ResolveProblem(
        "clip_gone",
        f"The clip's timeline {name} is not the one that is open.",
        "Scripts can change only the open timeline.",
        f"Open the timeline {name} and try again.",
    )
