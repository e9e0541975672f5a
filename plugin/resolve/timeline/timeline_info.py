"""The open timeline as the panel sees it, what is selected in it, and a cheap way to see that it is another one."""

from fractions import Fraction
from typing import Any, Dict, List, Tuple

from ..agent_journal import Memory
from ..calls import ask, ask_if, listed, whole
from ..errors import NoAnswer, ResolveProblem
from .clip_problems import trouble_with
from .current_timeline import Opened, find_item, items_on, media_path, span_of, track_count, uid_of
from .media_paths import plain
from .rates import frame_of, timecode

MARK = "Purple"
"""Clip colour that chooses a clip where Resolve tells no selection and no playhead."""


def describe(opened: Opened, memory: Memory) -> Dict[str, Any]:
    """The answer to the request `timeline`."""
    taken = shots_by_media(memory.shots(opened.project_id))
    clips = []  # type: List[Dict[str, Any]]
    for track in range(1, track_count(opened.timeline) + 1):
        for item in items_on(opened.timeline, "video", track):
            clip = _clip(item, track, opened.rate)
            if not clip["media"] or plain(clip["media"]) not in taken:
                clips.append(clip)
    return {
        "id": opened.timeline_id,
        "title": str(ask(opened.timeline, "GetName")),
        "project": "",  # projects are in Resolve's database, not in a folder
        "rate": [opened.rate.numerator, opened.rate.denominator],
        "start": whole(ask(opened.timeline, "GetStartFrame")),
        "width": whole(opened.setting("timelineResolutionWidth")),
        "height": whole(opened.setting("timelineResolutionHeight")),
        "playhead": playhead(opened),
        "selected": selected(opened, memory),
        "clips": clips,
    }


def _clip(item: Any, track: int, rate: Fraction) -> Dict[str, Any]:
    start, frames = span_of(item)
    return {
        "uid": uid_of(item),
        "name": str(ask(item, "GetName")),
        "track": track,
        "record_start": start,
        "record_frames": frames,
        "media": media_path(item),
        "render": None,
        "problem": trouble_with(item, frames, rate),
    }


def shots_by_media(shots: Dict[str, Dict[str, Any]]) -> Dict[str, str]:
    """The shot that each take's media belongs to."""
    return {plain(path): uid for uid, known in shots.items() for path in known.get("takes", {})}


# Selection ------------------------------------------------------------------------------------------------------------


def selected(opened: Opened, memory: Memory) -> List[str]:
    """The clip that is meant: the only selected one, else the one under the playhead, else the only purple one."""
    chosen = _selected_items(opened)
    if len(chosen) != 1:
        current = ask_if(opened.timeline, "GetCurrentVideoItem")
        chosen = [current] if current is not None else _marked_items(opened)
    if len(chosen) != 1:
        return []
    item = chosen[0]
    # A placed take stands for the clip that it was made from.
    path = media_path(item)
    below = shots_by_media(memory.shots(opened.project_id)).get(plain(path)) if path else None
    return [below or uid_of(item)]


def _selected_items(opened: Opened) -> List[Any]:
    """Selected video items; audio that is linked to them does not count."""
    items = listed(ask_if(opened.timeline, "GetSelectedClips"))
    return [item for item in items if find_item(opened.timeline, uid_of(item)) is not None]


def _marked_items(opened: Opened) -> List[Any]:
    tracks = range(1, track_count(opened.timeline) + 1)
    every = [item for index in tracks for item in items_on(opened.timeline, "video", index)]
    return [item for item in every if ask(item, "GetClipColor") == MARK]


def fingerprint(resolve: Any) -> Tuple[Any, ...]:
    """A few cheap facts that differ when another project, timeline, selection or cut is there.

    Raises NoAnswer when Resolve itself is gone.
    """
    if not ask(resolve, "GetProductName"):
        raise NoAnswer("GetProductName")
    project = ask(ask(resolve, "GetProjectManager"), "GetCurrentProject")
    timeline = ask_if(project, "GetCurrentTimeline")
    if timeline is None:
        return (ask_if(project, "GetUniqueId"),)
    chosen = listed(ask_if(timeline, "GetSelectedClips"))
    current = ask_if(timeline, "GetCurrentVideoItem")
    return (
        ask(project, "GetUniqueId"),
        ask(timeline, "GetUniqueId"),
        ask(timeline, "GetEndFrame"),
        ask(timeline, "GetTrackCount", "video"),
        tuple(uid_of(item) for item in chosen),
        uid_of(current) if current is not None else None,
    )


# Playhead -------------------------------------------------------------------------------------------------------------


def playhead(opened: Opened) -> int:
    """Absolute frame of the playhead; the timeline's first frame where Resolve does not tell."""
    start = whole(ask(opened.timeline, "GetStartFrame"))
    now = frame_of(ask(opened.timeline, "GetCurrentTimecode"), opened.rate)
    first = frame_of(ask(opened.timeline, "GetStartTimecode"), opened.rate)
    return start + now - first if now >= 0 and first >= 0 else start


def seek(opened: Opened, frame: int) -> None:
    """Move the playhead. Raises ResolveProblem when Resolve does not go there."""
    start = whole(ask(opened.timeline, "GetStartFrame"))
    first = max(0, frame_of(ask(opened.timeline, "GetStartTimecode"), opened.rate))
    text = timecode(first + frame - start, opened.rate, opened.drop)
    ask(opened.timeline, "SetCurrentTimecode", text)
    if playhead(opened) != frame:
        raise ResolveProblem(
            "not_supported", f"Resolve did not go to {text}.", "The Media and Fusion pages have no such playhead.",
            "Open the Edit page.",
        )  # fmt: skip
