"""What of ours stands in the open timeline, found there by media and marker, not by memory alone."""

from typing import Any, Dict, List, NamedTuple, Optional

from ..agent_journal import Memory
from ..timeline.current_timeline import Opened, clip_path, items_on, media_path, track_count, uid_of
from ..timeline.media_paths import take_at
from .media_pool import clips_in, find_bin
from .place_takes import placement_of
from .take_markers import read_stamp


class Standing(NamedTuple):
    """A placed take: the shot's uid, the item, its track and the take."""

    uid: str
    item: Any
    track: int
    take: Dict[str, Any]


def standing(opened: Opened, memory: Memory) -> List[Standing]:
    """All placed takes of the open timeline, the bottom track first."""
    folder = find_bin(opened.pool)
    if folder is None:
        return []
    ours = {clip_path(clip) for clip in clips_in(folder)}
    shots = memory.shots(opened.project_id)
    found = []
    for track in range(1, track_count(opened.timeline) + 1):
        for item in items_on(opened.timeline, "video", track):
            path = media_path(item)
            if path in ours:
                known = _known(item, path, track, shots)
                if known is not None:
                    found.append(known)
    return found


def placed_take(opened: Opened, memory: Memory, uid: str) -> Optional[Standing]:
    """The take of one shot; the remembered item where copies of it stand, too."""
    found = [each for each in standing(opened, memory) if each.uid == uid]
    remembered = memory.shot(opened.project_id, uid).get("item")
    for each in found:
        if uid_of(each.item) == remembered:
            return each
    return found[0] if found else None


def placements(opened: Opened, memory: Memory) -> List[Dict[str, Any]]:
    """The answer to the request `placements`."""
    told = {}
    for each in standing(opened, memory):
        told[each.uid] = placed_take(opened, memory, each.uid) or each
    return [dict(placement_of(opened, each.item, each.track, each.take), uid=uid) for uid, each in told.items()]


def _known(item: Any, path: str, track: int, shots: Dict[str, Dict[str, Any]]) -> Optional[Standing]:
    stamp = read_stamp(item)
    for uid, known in shots.items():
        take = take_at(path, list(known.get("takes", {}).values()))
        if take is not None and (stamp is None or stamp[0] == uid):
            return Standing(uid, item, track, take)
    if stamp is None:
        return None
    # Another machine's, or its memory was lost: the marker is enough to know whose it is.
    return Standing(stamp[0], item, track, {"id": stamp[1], "path": path})
