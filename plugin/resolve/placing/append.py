"""AppendToTimeline with its result checked: one new clip, with the right position, length and first frame."""

from typing import Any, Dict, List, Optional, Tuple

from ..calls import call, call_if_present, to_int, to_list, until_done
from ..errors import ResolveProblem
from ..timeline.current_timeline import CurrentTimeline, clip_path, items_on, span_of, uid_of
from ..timeline.media_paths import is_sequence

VIDEO_ONLY = 1


def append_exactly(current: CurrentTimeline, clip: Any, track: int, start: int, frames: int, count: int) -> Any:
    """Put all `count` frames of a clip on a video track at `start`, for exactly `frames` timeline frames.

    Versions differ in whether `endFrame` is included and in what `startFrame` counts from. Each interpretation is tried
    and its result checked; a wrong one is deleted. Raises ResolveProblem with the track as it was.
    """
    seen = []  # type: List[str]
    known = {uid_of(item) for item in items_on(current.timeline, "video", track)}
    for first, end in _ranges_to_try(clip, count):
        call(current.pool, "AppendToTimeline", [_order(clip, first, end, track, start)])
        item, why = _check_new_item(current, known, track, start, frames)
        if item is not None:
            return item
        seen.append(f"{first}-{end}: {why}")
        is_removed = remove(current.timeline, _new_items(current, known, track))
        if not is_removed:
            seen.append("Resolve does not delete it")
        if not is_removed or not current.is_current():
            break
    why = "Read back: " + "; ".join(seen) + "."
    if not current.is_current():
        why = "Another timeline was opened in the meantime. " + why
    raise ResolveProblem("placement_failed", "Resolve did not place the take correctly.", why, "Try again.")


def remove(timeline: Any, items: List[Any]) -> bool:
    """Delete items without moving others (no ripple); returns whether they are gone."""
    gone = {uid_of(item) for item in items}

    def is_done() -> bool:
        return not any(uid_of(item) in gone for _, _, item in all_items(timeline))

    return not items or until_done(lambda: call(timeline, "DeleteClips", items, False), is_done)


def _ranges_to_try(clip: Any, count: int) -> List[Tuple[int, int]]:
    """The (startFrame, endFrame) pairs to try, the likeliest first."""
    bases = [0]
    if is_sequence(clip_path(clip)):
        bases.insert(0, to_int(call(clip, "GetClipProperty", "Start")))
    ends = [count, count - 1, count + 1, count - 2]
    return [(base, base + end) for base in dict.fromkeys(bases) for end in ends if end >= 0]


def _order(clip: Any, first: int, end: int, track: int, start: int) -> Dict[str, Any]:
    return {
        "mediaPoolItem": clip,
        "startFrame": first,
        "endFrame": end,
        "mediaType": VIDEO_ONLY,
        "trackIndex": track,
        "recordFrame": start,
    }


def _new_items(current: CurrentTimeline, known: set, track: int) -> List[Any]:
    return [item for item in items_on(current.timeline, "video", track) if uid_of(item) not in known]


def _check_new_item(
    current: CurrentTimeline, known: set, track: int, start: int, frames: int
) -> Tuple[Optional[Any], str]:
    """The new item if it is right, else None and what is wrong with it."""
    fresh = _new_items(current, known, track)
    if len(fresh) != 1:
        return None, f"{len(fresh)} clips"
    is_at = span_of(fresh[0])
    if is_at != (start, frames):
        return None, f"{is_at[1]} frames from {is_at[0]}"
    skipped = call_if_present(fresh[0], "GetLeftOffset")
    if skipped is not None and to_int(skipped) != 0:
        return None, f"begins {to_int(skipped)} frames late"
    return fresh[0], ""


def takes_of(item: Any) -> List[str]:
    """Media paths of an item's native takes, the first take first."""
    paths = []
    for index in range(1, to_int(call_if_present(item, "GetTakesCount")) + 1):
        info = call(item, "GetTakeByIndex", index)
        clip = info.get("mediaPoolItem") if isinstance(info, dict) else None
        paths.append(clip_path(clip) if clip is not None else "")
    return paths


def all_items(timeline: Any) -> List[Tuple[str, int, Any]]:
    """(track type, number, item) of every video and audio item."""
    found = []
    for kind in ("video", "audio"):
        for index in range(1, to_int(call(timeline, "GetTrackCount", kind)) + 1):
            found += [(kind, index, item) for item in to_list(call(timeline, "GetItemListInTrack", kind, index))]
    return found
