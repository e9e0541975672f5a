"""Exporting a clip: the timeline's own OpenTimelineIO export, cut down to the clip."""

import json
import os
from fractions import Fraction
from typing import Any, Dict

from ..agent_journal import AgentJournal
from ..calls import call, has, to_int
from ..errors import ResolveProblem
from ..timeline.clip_facts import clip_gone_error, facts_of
from ..timeline.clip_problems import RETIMED, clip_error, problem_with
from ..timeline.current_timeline import CurrentTimeline, clip_path, find_item, span_of
from ..timeline.rates import exact_rate, frame_of
from .otio_cut import Json, NotInExport, clip_alone, cut_to_clip, media_of, plain_clip

RESULT = "shot.otio"


def export_clip(current: CurrentTimeline, journal: AgentJournal, uid: str, folder: str) -> Dict[str, Any]:
    """Write `shot.otio` into `folder` and store the clip's facts; returns the result of `export`."""
    found = find_item(current.timeline, uid)
    if found is None:
        raise clip_gone_error(current)
    item, track = found
    start, frames = span_of(item)
    problem = problem_with(item, frames, current.rate)
    if problem is not None:
        raise clip_error(problem)
    first = to_int(call(current.timeline, "GetStartFrame"))
    document = _exported(current, folder)
    try:
        if document is None:
            raise NotInExport("This Resolve does not export OpenTimelineIO.")
        instance = cut_to_clip(document, track, start, frames, first, current.rate)
    except NotInExport:
        instance = _written_by_us(current, item, start, frames, first)
    with open(os.path.join(folder, RESULT), "w", encoding="utf-8") as file:
        json.dump(instance, file)
    journal.update_shot(current.project_id, uid, facts=facts_of(current, item), media=media_of(instance))
    return {"otio": RESULT, "clip": "1"}


def _exported(current: CurrentTimeline, folder: str) -> "Json | None":
    """Resolve's export of the whole timeline; None when it fails."""
    kind = getattr(current.resolve, "EXPORT_OTIO", None)
    if kind is None or not has(current.timeline, "Export"):
        return None
    path = os.path.join(folder, "timeline.otio")
    try:
        if not call(current.timeline, "Export", path, kind, getattr(current.resolve, "EXPORT_NONE", None)):
            return None
        with open(path, encoding="utf-8-sig") as file:
            document = json.load(file)
    except (OSError, ValueError):
        return None  # it returned True but wrote no readable file
    finally:
        if os.path.exists(path):
            os.remove(path)
    return document if isinstance(document, dict) and isinstance(document.get("tracks"), dict) else None


def _written_by_us(current: CurrentTimeline, item: Any, start: int, frames: int, first: int) -> Json:
    """The clip's timeline from Resolve's calls, which are exact only for a clip at the timeline's rate and speed."""
    clip = call(item, "GetMediaPoolItem")
    path, rate = clip_path(clip), exact_rate(call(clip, "GetClipProperty", "FPS"))
    if rate != current.rate:
        raise ResolveProblem(
            "export_failed",
            "This Resolve cannot export the clip exactly.",
            f"The clip has {float(rate):g} fps, the timeline {float(current.rate):g}. No .otio was written.",
            "Update Resolve, or export the timeline as OpenTimelineIO and open that file in the panel.",
        )
    offset = to_int(call(item, "GetLeftOffset"))
    length = to_int(call(clip, "GetClipProperty", "Frames"))
    if not 0 <= offset <= offset + frames <= length:
        raise clip_error(RETIMED)
    begin = _timecode_start(clip, rate)
    document = plain_clip(str(call(item, "GetName")), path, (begin + offset, frames), (begin, length), rate)
    return clip_alone(str(call(current.timeline, "GetName")), document, start, first, rate)


def _timecode_start(clip: Any, rate: Fraction) -> int:
    """Number of the media's first frame, from its start timecode; 0 without one."""
    return max(0, frame_of(call(clip, "GetClipProperty", "Start TC"), rate))
