"""A video track directly above another one."""

from typing import Any, List, Optional

from .calls import ask
from .edition import TRACK_INDEX
from .opened import Opened, items_on, span_of, uids_on_tracks
from .problems import ResolveProblem


def add_track_above(opened: Opened, below: int, start: int, frames: int) -> int:
    """Add an empty video track directly above track `below`; its number as it was read back.

    Old versions add on top only; that will do when nothing lies in between over the range. Raises ResolveProblem.
    """
    timeline, before = opened.timeline, uids_on_tracks(opened.timeline)
    if opened.edition.version >= TRACK_INDEX:
        ask(timeline, "AddTrack", "video", {"index": below + 1})
    else:
        ask(timeline, "AddTrack", "video")
    index = find_added(before, uids_on_tracks(timeline), below + 1)
    if index is None:
        raise ResolveProblem(
            "no_free_track",
            "Resolve added no video track.",
            "It did not say why.",
            "Add a video track above the clip by hand and see whether Resolve lets you.",
        )
    for between in range(below + 1, index):
        if not is_free(timeline, between, start, frames):
            raise ResolveProblem(
                "no_free_track",
                "There is no free track directly above the clip.",
                f"This Resolve adds tracks only on top, and V{between} shows something over the clip.",
                "Update Resolve to version 19 or later.",
            )
    return index


def find_added(before: List[List[str]], after: List[List[str]], likely: int) -> Optional[int]:
    """Number of the empty track without which `after` would be `before`; `likely` when several are like that."""
    if len(after) != len(before) + 1:
        return None
    fits = [n for n in range(1, len(after) + 1) if not after[n - 1] and after[: n - 1] + after[n:] == before]
    if not fits:
        return None
    return likely if likely in fits else fits[-1]


def is_free(timeline: Any, index: int, start: int, frames: int) -> bool:
    """Whether a video track shows nothing in a range."""
    for item in items_on(timeline, "video", index):
        its_start, its_frames = span_of(item)
        if its_start < start + frames and start < its_start + its_frames:
            return False
    return True


def refuse_locked(timeline: Any, index: int) -> None:
    """Raise ResolveProblem when a video track is locked: Resolve then does nothing, and says that it did."""
    if ask(timeline, "GetIsTrackLocked", "video", index):
        raise ResolveProblem(
            "track_locked",
            f"The track V{index} is locked.",
            "Resolve changes nothing on it.",
            "Unlock it and try again.",
        )
