"""The description of the open timeline for the panel, its selection, and a cheap way to detect changes."""

from fractions import Fraction
from typing import Any, Dict, List, Tuple

from ..agent_journal import AgentJournal
from ..calls import call, call_if_present, to_int, to_list
from ..errors import NoAnswer, ResolveProblem
from .clip_problems import problem_with
from .current_timeline import CurrentTimeline, find_item, items_on, media_path, span_of, track_count, uid_of
from .media_paths import plain
from .rates import frame_of, timecode

SELECTION_COLOUR = "Purple"
"""Clip colour that selects a clip in versions that report neither the selection nor the playhead."""


def timeline_info(current: CurrentTimeline, journal: AgentJournal) -> Dict[str, Any]:
    """The result of `timeline`."""
    taken = shots_by_media(journal.shots(current.project_id))
    clips = []  # type: List[Dict[str, Any]]
    for track in range(1, track_count(current.timeline) + 1):
        for item in items_on(current.timeline, "video", track):
            clip = _clip(item, track, current.rate)
            if not clip["media"] or plain(clip["media"]) not in taken:
                clips.append(clip)
    return {
        "id": current.timeline_id,
        "title": str(call(current.timeline, "GetName")),
        "project": "",  # projects are in Resolve's database, not in a folder
        "rate": [current.rate.numerator, current.rate.denominator],
        "start": to_int(call(current.timeline, "GetStartFrame")),
        "width": to_int(current.setting("timelineResolutionWidth")),
        "height": to_int(current.setting("timelineResolutionHeight")),
        "playhead": playhead(current),
        "selected": selected(current, journal),
        "clips": clips,
    }


def _clip(item: Any, track: int, rate: Fraction) -> Dict[str, Any]:
    start, frames = span_of(item)
    return {
        "uid": uid_of(item),
        "name": str(call(item, "GetName")),
        "track": track,
        "record_start": start,
        "record_frames": frames,
        "media": media_path(item),
        "render": None,
        "problem": problem_with(item, frames, rate),
    }


def shots_by_media(shots: Dict[str, Dict[str, Any]]) -> Dict[str, str]:
    """The shot's uid for each take's media path."""
    return {plain(path): uid for uid, known in shots.items() for path in known.get("takes", {})}


# Selection ------------------------------------------------------------------------------------------------------------


def selected(current: CurrentTimeline, journal: AgentJournal) -> List[str]:
    """The selected clip: the only selected one, else the one under the playhead, else the only purple one."""
    chosen = _selected_items(current)
    if len(chosen) != 1:
        under_playhead = call_if_present(current.timeline, "GetCurrentVideoItem")
        chosen = [under_playhead] if under_playhead is not None else _marked_items(current)
    if len(chosen) != 1:
        return []
    item = chosen[0]
    # Selecting a placed take selects the clip that it was made from.
    path = media_path(item)
    below = shots_by_media(journal.shots(current.project_id)).get(plain(path)) if path else None
    return [below or uid_of(item)]


def _selected_items(current: CurrentTimeline) -> List[Any]:
    """The selected video items, without their linked audio."""
    items = to_list(call_if_present(current.timeline, "GetSelectedClips"))
    return [item for item in items if find_item(current.timeline, uid_of(item)) is not None]


def _marked_items(current: CurrentTimeline) -> List[Any]:
    tracks = range(1, track_count(current.timeline) + 1)
    every = [item for index in tracks for item in items_on(current.timeline, "video", index)]
    return [item for item in every if call(item, "GetClipColor") == SELECTION_COLOUR]


def fingerprint(resolve: Any) -> Tuple[Any, ...]:
    """A few cheap facts that change with the project, timeline, selection or edit.

    Raises NoAnswer when Resolve has ended.
    """
    if not call(resolve, "GetProductName"):
        raise NoAnswer("GetProductName")
    project = call(call(resolve, "GetProjectManager"), "GetCurrentProject")
    timeline = call_if_present(project, "GetCurrentTimeline")
    if timeline is None:
        return (call_if_present(project, "GetUniqueId"),)
    chosen = to_list(call_if_present(timeline, "GetSelectedClips"))
    under_playhead = call_if_present(timeline, "GetCurrentVideoItem")
    return (
        call(project, "GetUniqueId"),
        call(timeline, "GetUniqueId"),
        call(timeline, "GetEndFrame"),
        call(timeline, "GetTrackCount", "video"),
        tuple(uid_of(item) for item in chosen),
        uid_of(under_playhead) if under_playhead is not None else None,
    )


# Playhead -------------------------------------------------------------------------------------------------------------


def playhead(current: CurrentTimeline) -> int:
    """Absolute frame of the playhead; the timeline's first frame when Resolve does not report it."""
    start = to_int(call(current.timeline, "GetStartFrame"))
    now = frame_of(call(current.timeline, "GetCurrentTimecode"), current.rate)
    first = frame_of(call(current.timeline, "GetStartTimecode"), current.rate)
    return start + now - first if now >= 0 and first >= 0 else start


def seek(current: CurrentTimeline, frame: int) -> None:
    """Move the playhead. Raises ResolveProblem when it did not move there."""
    start = to_int(call(current.timeline, "GetStartFrame"))
    first = max(0, frame_of(call(current.timeline, "GetStartTimecode"), current.rate))
    text = timecode(first + frame - start, current.rate, current.drop)
    call(current.timeline, "SetCurrentTimecode", text)
    if playhead(current) != frame:
        raise ResolveProblem(
            "not_supported", f"Resolve did not go to {text}.", "The Media and Fusion pages have another playhead.",
            "Open the Edit page.",
        )  # fmt: skip
