"""Placing a take on a video track directly above its clip, or not at all."""

from fractions import Fraction
from typing import Any, Dict, Generator, List, Optional, Tuple

from ..agent_journal import AgentJournal
from ..calls import call, call_if_present, to_int
from ..errors import ResolveProblem
from ..timeline.clip_facts import clip_gone_error, facts_of, timeline_switched_error
from ..timeline.current_timeline import (
    CurrentTimeline,
    find_item,
    has_takes,
    items_on,
    media_path,
    span_of,
    track_count,
    uid_of,
)
from ..timeline.media_paths import same_path, take_at
from . import rollback, take_markers
from .append import append_exactly, takes_of
from .media_pool import import_take, set_straight
from .tracks import add_track_above, is_free
from .transforms import copy_transform

Take = Dict[str, Any]
_ALPHA_REMARK = "Resolve did not confirm the alpha mode: set Clip Attributes > Alpha mode to Straight."


def place(
    current: CurrentTimeline, journal: AgentJournal, uid: str, takes: List[Take], active: int
) -> Generator[Dict[str, Any], None, Dict[str, Any]]:
    """Place takes[active] above the clip, and the others in its take selector.

    A generator that yields progress and returns the placement. When it fails or is closed, it undoes all its changes.
    Raises ResolveProblem.
    """
    if not 0 <= active < len(takes):
        raise ResolveProblem("placement_failed", f"Take {active} does not exist: there are {len(takes)} takes.")
    item, below = _clip_to_cover(current, journal, uid, takes[active])
    start, frames = span_above(item, takes[active])
    reused = _our_free_track(current, journal, below, start, frames)
    entry = rollback.begin(current, journal, uid, takes, above=0 if reused else below + 1)
    done = False
    try:
        yield {"done": 0, "total": 4, "text": "Importing the take"}
        clip = import_take(current.pool, takes[active])
        remarks = [] if set_straight(clip) else [_ALPHA_REMARK]
        yield {"done": 1, "total": 4, "text": "Placing the take"}
        _refuse_changed(current, journal, uid, takes[active], item)
        rollback.set_stage(journal, entry, "track")
        index = reused or add_track_above(current, below, start, frames)
        new = append_exactly(current, clip, index, start, frames, int(takes[active]["frame_count"]))
        if not reused:
            _name_track(current, index, takes[active])
        remarks += copy_transform(item, new)
        yield {"done": 2, "total": 4, "text": "Adding the other takes"}
        remarks += _add_versions(current, new, takes, active)
        if not take_markers.write_marker(new, uid, takes[active], remarks):
            remarks.append("Resolve did not add the marker to the take.")
        yield {"done": 3, "total": 4, "text": "Reading it back"}
        placement = _read_back(current, new, takes[active], start, frames, remarks)
        call_if_present(current.manager, "SaveProject")
        placement = _read_back(current, new, takes[active], start, frames, remarks)
        record_takes(current, journal, uid, takes, new)
        done = True
    finally:
        if done:
            journal.end(entry)
        else:
            _roll_back(current, journal, entry)
    return placement


def _roll_back(current: CurrentTimeline, journal: AgentJournal, entry: Dict[str, Any]) -> None:
    left = rollback.roll_back(current, journal, entry)
    if left:
        raise ResolveProblem(
            "placement_failed",
            "The take could not be placed.",
            "Some changes could not be undone: " + ", ".join(left) + ".",
        )


def span_above(item: Any, take: Take) -> Tuple[int, int]:
    """First frame and length of a take above its clip: the clip's own, or those of the part that it was made from."""
    start, frames = span_of(item)
    part = take.get("part")
    return (start + int(part[0]), int(part[1])) if part else (start, frames)


# Before ---------------------------------------------------------------------------------------------------------------


def _clip_to_cover(current: CurrentTimeline, journal: AgentJournal, uid: str, take: Take) -> Any:
    found = find_item(current.timeline, uid)
    if found is None:
        raise clip_gone_error(current, journal.shot(current.project_id, uid).get("facts"))
    _refuse_changed(current, journal, uid, take, found[0])
    return found


def _refuse_changed(current: CurrentTimeline, journal: AgentJournal, uid: str, take: Take, item: Any) -> None:
    """Raise when the timeline was switched, or the clip no longer shows the frames that the take was made from."""
    if not current.is_current():
        raise timeline_switched_error(str(call(current.timeline, "GetName")))
    if find_item(current.timeline, uid) is None:
        raise clip_gone_error(current)
    now, then = facts_of(current, item), journal.shot(current.project_id, uid).get("facts")
    frames = Fraction(int(take["frame_count"])) * current.rate / Fraction(*take["rate"])
    begin, length = take.get("part") or (0, now["frames"])
    fits = abs(frames - length) < 2 and begin + length <= now["frames"]
    changed = [] if fits else [f"it has {now['frames']} frames, the take {float(frames):g} from its frame {begin} on"]
    if then is not None:
        names = {"frames": "its length", "offset": "its first frame", "path": "its media"}
        changed += [f"{names[key]} changed" for key in names if now[key] != then[key]]
    if changed:
        raise ResolveProblem(
            "clip_changed",
            "The clip was changed after the take was made.",
            "; ".join(changed).capitalize() + ".",
            "Undo the change, or make the take again from the clip as it is now.",
        )


def _our_free_track(current: CurrentTimeline, journal: AgentJournal, below: int, start: int, frames: int) -> int:
    """The track directly above, if it contains only placed takes and is free over the range; else 0."""
    index = below + 1
    if index > track_count(current.timeline) or call(current.timeline, "GetIsTrackLocked", "video", index):
        return 0
    items = items_on(current.timeline, "video", index)
    known = [take for shot in journal.shots(current.project_id).values() for take in shot.get("takes", {}).values()]
    ours = items and all(take_at(media_path(item), known) is not None for item in items)
    return index if ours and is_free(current.timeline, index, start, frames) else 0


# On the track ---------------------------------------------------------------------------------------------------------


def _name_track(current: CurrentTimeline, index: int, take: Take) -> None:
    """Name the track after the take. The name is not essential, so a refusal is ignored."""
    label = str(take.get("label") or take.get("instruction") or take["id"])
    call_if_present(current.timeline, "SetTrackName", "video", index, f"VFX - {label}"[:60])


def _add_versions(current: CurrentTimeline, item: Any, takes: List[Take], active: int) -> List[str]:
    """Add the other takes to the item's take selector, if Resolve has one; returns remarks."""
    others = [take for number, take in enumerate(takes) if number != active]
    if not others or not has_takes(item):
        return []
    for take in others:
        clip = import_take(current.pool, take)
        set_straight(clip)
        call(item, "AddTake", clip)
    select_take(item, takes[active])
    missing = [take for take in takes if not any(take_at(path, [take]) for path in takes_of(item))]
    return (
        [f"{len(missing)} takes are not in Resolve's take selector; the panel can still swap them."] if missing else []
    )


def select_take(item: Any, take: Take) -> bool:
    """Select a take in the item's take selector; returns whether reading it back confirms it."""
    for number, path in enumerate(takes_of(item), start=1):
        if take_at(path, [take]) is not None:
            if to_int(call(item, "GetSelectedTakeIndex")) != number:
                call(item, "SelectTakeByIndex", number)
            return take_at(media_path(item), [take]) is not None
    return False


def _read_back(
    current: CurrentTimeline, item: Any, take: Take, start: int, frames: int, remarks: List[str]
) -> Dict[str, Any]:
    """Read the placement back from the timeline. Raises ResolveProblem when it is wrong."""
    found = find_item(current.timeline, uid_of(item))
    if found is None or span_of(found[0]) != (start, frames) or take_at(media_path(found[0]), [take]) is None:
        raise ResolveProblem(
            "placement_failed",
            "The take is not where it was placed.",
            "Reading the timeline back gave another result. It may have been edited at the same moment.",
            "Try again.",
        )
    return placement_of(current, found[0], found[1], take, remarks)


def placement_of(
    current: CurrentTimeline, item: Any, track: int, take: Take, remarks: Optional[List[str]] = None
) -> Dict[str, Any]:
    """A placement in the protocol's form."""
    start, frames = span_of(item)
    return {
        "take": str(take["id"]),
        "take_name": str(take.get("label") or call(item, "GetName")),
        "where": str(call(current.timeline, "GetName")),
        "track_name": str(call(current.timeline, "GetTrackName", "video", track) or ""),
        "track_number": track,
        "record_start": start,
        "record_frames": frames,
        "media_path": media_path(item),
        "note": " ".join(remarks or ()),
    }


def record_takes(current: CurrentTimeline, journal: AgentJournal, uid: str, takes: List[Take], item: Any) -> None:
    """Store a shot's takes by the path under which Resolve shows them."""
    known = journal.shot(current.project_id, uid).get("takes", {})
    known.update({str(take["path"]): take for take in takes})
    shown = media_path(item)
    taken = take_at(shown, takes)
    if taken is not None and not any(same_path(shown, path) for path in known):
        known[shown] = taken
    journal.update_shot(current.project_id, uid, takes=known, item=uid_of(item), timeline=current.timeline_id)
