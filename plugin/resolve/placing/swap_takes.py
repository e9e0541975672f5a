"""Replacing the placed take with another take of the shot, and adding takes to Resolve's take selector."""

from typing import Any, Dict, List

from ..agent_journal import AgentJournal
from ..calls import call, call_if_present, to_int
from ..errors import ResolveProblem
from ..timeline.current_timeline import CurrentTimeline, find_item, has_takes, media_path, span_of, uid_of
from ..timeline.media_paths import take_at
from . import rollback, take_markers
from .append import append_exactly, remove, takes_of
from .media_pool import clip_of, find_bin, import_take, set_straight
from .place_takes import place, placement_of, record_takes, select_take
from .placements import PlacedItem, placed_item
from .tracks import refuse_locked
from .transforms import copy_transform

Take = Dict[str, Any]


def swap(current: CurrentTimeline, journal: AgentJournal, uid: str, take: Take) -> Dict[str, Any]:
    """Make `take` the visible one at the same position; returns the placement.

    Raises ResolveProblem and then keeps the old take.
    """
    placed = _placed(current, journal, uid)
    span = span_of(placed.item)
    if take.get("part") != placed.take.get("part"):
        return _placed_beside(current, journal, uid, take)
    clip = import_take(current.pool, take)
    is_straight = set_straight(clip)
    # Recorded before it is placed: if the agent is killed after the next call, the take is still recognised.
    record_takes(current, journal, uid, [take], placed.item)
    if has_takes(placed.item):
        _into_stack(placed.item, clip, take)
        if not select_take(placed.item, take) or span_of(placed.item) != span:
            select_take(placed.item, placed.take)
            raise ResolveProblem(
                "placement_failed",
                "Resolve did not select the other take.",
                "",
                "Select it in Resolve's take selector.",
            )
        item = placed.item
    else:
        item = _replaced(current, journal, placed, clip, take)
    remarks = [] if is_straight else ["Set Clip Attributes > Alpha mode of the take to Straight."]
    take_markers.write_marker(item, uid, take, remarks)
    record_takes(current, journal, uid, [take], item)
    call_if_present(current.manager, "SaveProject")
    found = find_item(current.timeline, uid_of(item))
    if found is None or span_of(found[0]) != span or take_at(media_path(found[0]), [take]) is None:
        raise ResolveProblem(
            "placement_failed", "The new take is not at the position of the old one.", "", "Try again."
        )
    return placement_of(current, found[0], found[1], take, remarks)


def _placed_beside(current: CurrentTimeline, journal: AgentJournal, uid: str, take: Take) -> Dict[str, Any]:
    """Place a take of another part of the clip; the take that is placed stays."""
    placing = place(current, journal, uid, [take], 0)
    while True:
        try:
            next(placing)
        except StopIteration as end:
            return dict(end.value)


def add_versions(current: CurrentTimeline, journal: AgentJournal, uid: str, takes: List[Take]) -> int:
    """Add takes to the take selector of the shot's placed take; returns how many it then has."""
    placed = _placed(current, journal, uid)
    if not has_takes(placed.item):
        raise ResolveProblem("not_supported", "This Resolve has no take selector.", "", "Swap takes in the panel.")
    for take in takes:
        clip = import_take(current.pool, take)
        set_straight(clip)
        _into_stack(placed.item, clip, take)
    select_take(placed.item, placed.take)
    record_takes(current, journal, uid, takes, placed.item)
    return max(1, to_int(call_if_present(placed.item, "GetTakesCount")))


def finish_swap(current: CurrentTimeline, entry: Dict[str, Any]) -> None:
    """After an interrupted swap: place the old take again if it is missing."""
    start, frames, track = entry["swap"]["start"], entry["swap"]["frames"], entry["swap"]["track"]
    old = entry["swap"]["old"]
    if find_item(current.timeline, entry["swap"]["item"]) is None:
        folder = find_bin(current.pool)
        clip = clip_of(folder, old) if folder is not None else None
        if clip is not None:
            item = append_exactly(current, clip, track, start, frames, int(old["frame_count"]))
            take_markers.write_marker(item, entry["shot"], old, [])


def _placed(current: CurrentTimeline, journal: AgentJournal, uid: str) -> PlacedItem:
    placed = placed_item(current, journal, uid)
    if placed is None:
        raise ResolveProblem(
            "clip_gone", "The timeline has no take of this clip.", "It was removed, or is in another timeline.",
            "Place a take first.",
        )  # fmt: skip
    refuse_locked(current.timeline, placed.track)
    return placed


def _into_stack(item: Any, clip: Any, take: Take) -> None:
    """Add a take to an item's selector unless it is the item's media or in the selector already."""
    if take_at(media_path(item), [take]) is None and not any(take_at(path, [take]) for path in takes_of(item)):
        call(item, "AddTake", clip)


def _replaced(current: CurrentTimeline, journal: AgentJournal, placed: PlacedItem, clip: Any, take: Take) -> Any:
    """Replace the old take with the new one; the old one is placed again on failure. Raises ResolveProblem."""
    if "frame_count" not in placed.take:
        raise ResolveProblem(
            "not_supported", "The placed take is unknown on this machine.", "", "Place the take again."
        )
    start, frames = span_of(placed.item)
    old = {"old": placed.take, "start": start, "frames": frames, "track": placed.track, "item": uid_of(placed.item)}
    entry = rollback.begin(current, journal, placed.uid, [take], swap=old)
    done = False
    try:
        if not remove(current.timeline, [placed.item]):
            raise ResolveProblem(
                "placement_failed",
                "Resolve did not delete the old take, so the new one has no place.",
                "It was asked three times.",
                "Delete the old take's clip by hand, and place the new one.",
            )
        item = append_exactly(current, clip, placed.track, start, frames, int(take["frame_count"]))
        _like_clip(current, placed.uid, item)
        done = True
    finally:
        if not done:
            left = rollback.remove_our_items(current, entry)
            if left:
                # The entry stays in the journal: the old take comes back when the new one can be deleted.
                raise ResolveProblem(
                    "placement_failed",
                    "The take could not be replaced.",
                    "Some changes could not be undone: " + ", ".join(left) + ".",
                )
            finish_swap(current, entry)
        journal.end(entry)
    return item


def _like_clip(current: CurrentTimeline, uid: str, item: Any) -> None:
    found = find_item(current.timeline, uid)
    if found is not None:
        copy_transform(found[0], item)
