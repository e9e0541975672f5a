"""Another take of the same shot in the place of the placed one, and Resolve's own stack of takes."""

from typing import Any, Dict, List

from ..agent_journal import AgentJournal
from ..calls import call, call_if_present, to_int
from ..errors import ResolveProblem
from ..timeline.current_timeline import CurrentTimeline, find_item, has_takes, media_path, span_of, uid_of
from ..timeline.media_paths import take_at
from . import rollback, take_markers
from .append import append_exactly, remove, takes_of
from .media_pool import clip_of, find_bin, import_take, set_straight
from .place_takes import placement_of, record_takes, select_take
from .placements import PlacedItem, placed_item
from .tracks import refuse_locked
from .transforms import copy_transform

Take = Dict[str, Any]


def swap(current: CurrentTimeline, journal: AgentJournal, uid: str, take: Take) -> Dict[str, Any]:
    """Make `take` the visible one at the same place; the placement. Raises ResolveProblem, then the old one stands."""
    placed = _placed(current, journal, uid)
    span = span_of(placed.item)
    clip = import_take(current.pool, take)
    is_straight = set_straight(clip)
    # Known before it is seen: killed behind the next call, the take is still recognised as this shot's.
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
        raise ResolveProblem("placement_failed", "The other take is not where the first one was.", "", "Try again.")
    return placement_of(current, found[0], found[1], take, remarks)


def add_versions(current: CurrentTimeline, journal: AgentJournal, uid: str, takes: List[Take]) -> int:
    """Put takes into the take selector of the shot's placed take; how many are in it then."""
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
    """After a kill in the middle of a replacement: put the old take back when nothing stands there."""
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
            "clip_gone", "No take of this clip stands in the timeline.", "It was removed, or is on another one.",
            "Place a take first.",
        )  # fmt: skip
    refuse_locked(current.timeline, placed.track)
    return placed


def _into_stack(item: Any, clip: Any, take: Take) -> None:
    """Add a take to an item's selector unless it is the item's media or in the selector already."""
    if take_at(media_path(item), [take]) is None and not any(take_at(path, [take]) for path in takes_of(item)):
        call(item, "AddTake", clip)


def _replaced(current: CurrentTimeline, journal: AgentJournal, placed: PlacedItem, clip: Any, take: Take) -> Any:
    """The new take in the place of the old one, which comes back when Resolve refuses. Raises ResolveProblem."""
    if "frame_count" not in placed.take:
        raise ResolveProblem("not_supported", "The placed take is not known here.", "", "Place the take anew.")
    start, frames = span_of(placed.item)
    old = {"old": placed.take, "start": start, "frames": frames, "track": placed.track, "item": uid_of(placed.item)}
    entry = rollback.begin(current, journal, placed.uid, [take], swap=old)
    done = False
    try:
        remove(current.timeline, [placed.item])
        item = append_exactly(current, clip, placed.track, start, frames, int(take["frame_count"]))
        _like_clip(current, placed.uid, item)
        done = True
    finally:
        if not done:
            rollback.remove_our_items(current, entry)
            finish_swap(current, entry)
        journal.end(entry)
    return item


def _like_clip(current: CurrentTimeline, uid: str, item: Any) -> None:
    found = find_item(current.timeline, uid)
    if found is not None:
        copy_transform(found[0], item)
