"""A video track directly above another one."""

from typing import Any, List, Optional

from ..calls import call
from ..edition import TRACK_INDEX
from ..errors import ResolveProblem
from ..timeline.current_timeline import CurrentTimeline, items_on, span_of, uids_on_tracks


def add_track_above(current: CurrentTimeline, below: int, start: int, frames: int) -> int:
    """Add an empty video track directly above track `below`; returns its number, as read back.

    Old versions only add tracks on top, which is accepted when the tracks between are empty over the range. Raises
    ResolveProblem.
    """
    timeline, before = current.timeline, read_tracks(current.timeline)
    if current.edition.version >= TRACK_INDEX:
        call(timeline, "AddTrack", "video", {"index": below + 1})
    else:
        call(timeline, "AddTrack", "video")
    index = find_added(before, read_tracks(timeline), below + 1)
    if index is None:
        raise ResolveProblem(
            "no_free_track",
            "Resolve did not add a video track.",
            "It gave no reason.",
            "Check whether you can add a video track above the clip by hand.",
        )
    for between in range(below + 1, index):
        if not is_free(timeline, between, start, frames):
            raise ResolveProblem(
                "no_free_track",
                "There is no free track directly above the clip.",
                f"This Resolve adds tracks only on top, and V{between} has a clip above this one.",
                "Update Resolve to version 19 or later.",
            )
    return index


def read_tracks(timeline: Any) -> List[List[Any]]:
    """[uids of the items, name, locked] of every video track.

    Resolve's default track names end in the track's number, in any language. They change when a track is added below,
    so the number is left out.
    """
    tracks = []
    for index, uids in enumerate(uids_on_tracks(timeline), start=1):
        name = str(call(timeline, "GetTrackName", "video", index) or "")
        name = name[: -len(str(index))] if name.endswith(str(index)) else name
        tracks.append([uids, name, bool(call(timeline, "GetIsTrackLocked", "video", index))])
    return tracks


def find_added(before: List[List[Any]], after: List[List[Any]], likely: int) -> Optional[int]:
    """Number of the empty track without which `after` would equal `before`; `likely` if it is one of several.

    Both are results of `read_tracks`. The added track may have been renamed since.
    """
    if len(after) != len(before) + 1:
        return None
    empty = [n for n in range(1, len(after) + 1) if not after[n - 1][0] and not after[n - 1][2]]
    fits = [n for n in empty if after[: n - 1] + after[n:] == before]
    if not fits:
        return None
    return likely if likely in fits else fits[-1]


def is_free(timeline: Any, index: int, start: int, frames: int) -> bool:
    """Whether a video track is empty in a range."""
    for item in items_on(timeline, "video", index):
        its_start, its_frames = span_of(item)
        if its_start < start + frames and start < its_start + its_frames:
            return False
    return True


def refuse_locked(timeline: Any, index: int) -> None:
    """Raise ResolveProblem when a video track is locked: Resolve then changes nothing but reports success."""
    if call(timeline, "GetIsTrackLocked", "video", index):
        raise ResolveProblem(
            "track_locked",
            f"The track V{index} is locked.",
            "Resolve does not change locked tracks.",
            "Unlock it and try again.",
        )
