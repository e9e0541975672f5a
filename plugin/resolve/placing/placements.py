"""The placed takes of the open timeline, found by their media and markers, not only from the journal."""

from typing import Any, Dict, List, NamedTuple, Optional

from ..agent_journal import AgentJournal
from ..timeline.current_timeline import CurrentTimeline, clip_path, items_on, media_path, track_count, uid_of
from ..timeline.media_paths import take_at
from .media_pool import clips_in, find_bin
from .place_takes import placement_of
from .take_markers import read_marker


class PlacedItem(NamedTuple):
    """A placed take: the shot's uid, the item, its track and the take."""

    uid: str
    item: Any
    track: int
    take: Dict[str, Any]


def placed_items(current: CurrentTimeline, journal: AgentJournal) -> List[PlacedItem]:
    """All placed takes of the open timeline, the bottom track first."""
    folder = find_bin(current.pool)
    if folder is None:
        return []
    ours = {clip_path(clip) for clip in clips_in(folder)}
    shots = journal.shots(current.project_id)
    found = []
    for track in range(1, track_count(current.timeline) + 1):
        for item in items_on(current.timeline, "video", track):
            path = media_path(item)
            if path in ours:
                known = _known(item, path, track, shots)
                if known is not None:
                    found.append(known)
    return found


def placed_item(current: CurrentTimeline, journal: AgentJournal, uid: str) -> Optional[PlacedItem]:
    """The placed take of one shot; if there are copies of it, the recorded item."""
    found = [each for each in placed_items(current, journal) if each.uid == uid]
    remembered = journal.shot(current.project_id, uid).get("item")
    for each in found:
        if uid_of(each.item) == remembered:
            return each
    return found[0] if found else None


def placements(current: CurrentTimeline, journal: AgentJournal) -> List[Dict[str, Any]]:
    """The result of `placements`."""
    by_shot = {}
    for each in placed_items(current, journal):
        by_shot[each.uid] = placed_item(current, journal, each.uid) or each
    return [dict(placement_of(current, each.item, each.track, each.take), uid=uid) for uid, each in by_shot.items()]


def _known(item: Any, path: str, track: int, shots: Dict[str, Dict[str, Any]]) -> Optional[PlacedItem]:
    write_marker = read_marker(item)
    for uid, known in shots.items():
        take = take_at(path, list(known.get("takes", {}).values()))
        if take is not None and (write_marker is None or write_marker[0] == uid):
            return PlacedItem(uid, item, track, take)
    if write_marker is None:
        return None
    # Placed on another machine, or the journal was lost: the marker names the shot and the take.
    return PlacedItem(write_marker[0], item, track, {"id": write_marker[1], "path": path})
