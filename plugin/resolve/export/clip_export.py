"""Handing a clip out: the timeline's own OpenTimelineIO export, cut down to the clip."""

import json
import os
from fractions import Fraction
from typing import Any, Dict

from ..agent_journal import Memory
from ..calls import ask, has, whole
from ..errors import ResolveProblem
from ..timeline.clip_facts import facts_of, gone
from ..timeline.clip_problems import RETIMED, as_problem, trouble_with
from ..timeline.current_timeline import Opened, clip_path, find_item, span_of
from ..timeline.rates import exact_rate, frame_of
from .otio_cut import Json, NotInExport, clip_alone, cut_to_clip, media_of, plain_clip

RESULT = "shot.otio"


def export_clip(opened: Opened, memory: Memory, uid: str, folder: str) -> Dict[str, Any]:
    """Write `shot.otio` into `folder` and remember how the clip was; the answer to the request `export`."""
    found = find_item(opened.timeline, uid)
    if found is None:
        raise gone(opened)
    item, track = found
    start, frames = span_of(item)
    trouble = trouble_with(item, frames, opened.rate)
    if trouble is not None:
        raise as_problem(trouble)
    first = whole(ask(opened.timeline, "GetStartFrame"))
    document = _exported(opened, folder)
    try:
        if document is None:
            raise NotInExport("This Resolve exports no OpenTimelineIO.")
        alone = cut_to_clip(document, track, start, frames, first, opened.rate)
    except NotInExport:
        alone = _written_by_us(opened, item, start, frames, first)
    with open(os.path.join(folder, RESULT), "w", encoding="utf-8") as file:
        json.dump(alone, file)
    memory.remember(opened.project_id, uid, facts=facts_of(opened, item), media=media_of(alone))
    return {"otio": RESULT, "clip": "1"}


def _exported(opened: Opened, folder: str) -> "Json | None":
    """The whole timeline as Resolve writes it; None when it writes none."""
    kind = getattr(opened.resolve, "EXPORT_OTIO", None)
    if kind is None or not has(opened.timeline, "Export"):
        return None
    path = os.path.join(folder, "timeline.otio")
    try:
        if not ask(opened.timeline, "Export", path, kind, getattr(opened.resolve, "EXPORT_NONE", None)):
            return None
        with open(path, encoding="utf-8-sig") as file:
            document = json.load(file)
    except (OSError, ValueError):
        return None  # it said yes and wrote nothing, or nothing that can be read
    finally:
        if os.path.exists(path):
            os.remove(path)
    return document if isinstance(document, dict) and isinstance(document.get("tracks"), dict) else None


def _written_by_us(opened: Opened, item: Any, start: int, frames: int, first: int) -> Json:
    """The clip from what Resolve's calls tell: only for clips at the timeline's rate and speed, where that is exact."""
    clip = ask(item, "GetMediaPoolItem")
    path, rate = clip_path(clip), exact_rate(ask(clip, "GetClipProperty", "FPS"))
    if rate != opened.rate:
        raise ResolveProblem(
            "export_failed",
            "This Resolve does not export the clip exactly enough.",
            f"The clip has {float(rate):g} frames a second, the timeline {float(opened.rate):g}; no .otio was written.",
            "Update Resolve, or export the timeline as OpenTimelineIO and open that file in the panel.",
        )
    offset = whole(ask(item, "GetLeftOffset"))
    length = whole(ask(clip, "GetClipProperty", "Frames"))
    if not 0 <= offset <= offset + frames <= length:
        raise as_problem(RETIMED)
    begin = _timecode_start(clip, rate)
    document = plain_clip(str(ask(item, "GetName")), path, (begin + offset, frames), (begin, length), rate)
    return clip_alone(str(ask(opened.timeline, "GetName")), document, start, first, rate)


def _timecode_start(clip: Any, rate: Fraction) -> int:
    """Number of the media's first frame by its timecode; a sequence's first number; else 0."""
    return max(0, frame_of(ask(clip, "GetClipProperty", "Start TC"), rate))
