"""Undoing the changes of placing a take: after an error, after a cancel, and at the next start after a kill.

A journal entry records the state before the first call. Items, tracks and clips that are new since then and belong to
the entry's takes are removed. Nothing else is changed.
"""

import os
import time
from typing import Any, Dict, List

from ..agent_journal import AgentJournal
from ..calls import call, until_done
from ..timeline.current_timeline import CurrentTimeline, clip_path, media_path, track_count, uid_of
from ..timeline.media_paths import take_at
from .append import all_items, remove
from .media_pool import BIN, clips_in, find_bin, find_folder, is_unused, restore_folder
from .tracks import find_added, read_tracks


def begin(
    current: CurrentTimeline, journal: AgentJournal, uid: str, takes: List[Dict[str, Any]], **known: Any
) -> Dict[str, Any]:
    """Record the state before the first change; returns the journal entry."""
    folder = find_bin(current.pool)
    entry = {
        "id": f"{time.time():.6f}-{os.getpid()}",
        "project": current.project_id,
        "timeline": current.timeline_id,
        "shot": uid,
        "takes": takes,
        "stage": "import",
        "items": [uid_of(item) for _, _, item in all_items(current.timeline)],
        "video": read_tracks(current.timeline),
        "bin": folder is not None,
        "clips": [uid_of(clip) for clip in clips_in(folder)] if folder is not None else [],
        "folder": uid_of(call(current.pool, "GetCurrentFolder")),
    }
    entry.update(known)
    journal.begin(entry)
    return entry


def set_stage(journal: AgentJournal, entry: Dict[str, Any], stage: str) -> None:
    """Record the stage of a change in the journal; no track is added before the stage "track"."""
    entry["stage"] = stage
    journal.begin(entry)


def roll_back(current: CurrentTimeline, journal: AgentJournal, entry: Dict[str, Any], keep: bool = False) -> List[str]:
    """Restore the state before the entry; returns descriptions of the changes that could not be undone.

    `current` is the entry's timeline. The entry stays in the journal while changes are left, or with `keep`.
    """
    theirs, elsewhere = current.current_timeline_id(), []  # type: str, List[str]
    if theirs != current.timeline_id:
        # The take may be on the timeline that was opened meanwhile; only the current timeline's items can be deleted.
        stray = call(current.project, "GetCurrentTimeline")
        is_removed = remove(stray, _our_items(stray, entry))
        elsewhere = [] if is_removed else [_items_left(_our_items(stray, entry), str(call(stray, "GetName")))]
        call(current.project, "SetCurrentTimeline", current.timeline)
    left = (
        elsewhere
        + remove_our_items(current, entry)
        + _remove_our_track(current, entry)
        + _remove_our_clips(current, entry)
    )
    if theirs != current.timeline_id:
        for timeline in current.timelines():
            if uid_of(timeline) == theirs:
                call(current.project, "SetCurrentTimeline", timeline)
    if not left and not keep:
        journal.end(entry)
    return left


def _our_items(timeline: Any, entry: Dict[str, Any]) -> List[Any]:
    before = set(entry["items"])
    items = [item for _, _, item in all_items(timeline) if uid_of(item) not in before]
    return [item for item in items if take_at(media_path(item), entry["takes"]) is not None]


def remove_our_items(current: CurrentTimeline, entry: Dict[str, Any]) -> List[str]:
    """Delete the entry's items from the timeline; returns a description of those that are left."""
    remove(current.timeline, _our_items(current.timeline, entry))
    left = _our_items(current.timeline, entry)
    return [_items_left(left, str(call(current.timeline, "GetName")))] if left else []


def _items_left(items: List[Any], timeline: str) -> str:
    if len(items) == 1:
        return f"1 clip on the timeline {timeline} (unlock its track and delete it)"
    return f"{len(items)} clips on the timeline {timeline} (unlock their tracks and delete them)"


def _clips_left(clips: List[Any]) -> str:
    number, which = ("1 clip", "it") if len(clips) == 1 else (f"{len(clips)} clips", "them")
    return f"{number} in the bin {BIN} of the media pool (delete {which})"


def _remove_our_track(current: CurrentTimeline, entry: Dict[str, Any]) -> List[str]:
    if entry["stage"] == "import" or not entry.get("above"):
        return []
    now = read_tracks(current.timeline)
    index = find_added(entry["video"], now, entry["above"])
    if index is None:
        return []  # none was added, or the user has edited since: then the empty track is left to them
    is_gone = until_done(
        lambda: call(current.timeline, "DeleteTrack", "video", index), lambda: track_count(current.timeline) < len(now)
    )
    return [] if is_gone else [f"the empty video track V{index} (delete it)"]


def _remove_our_clips(current: CurrentTimeline, entry: Dict[str, Any]) -> List[str]:
    pool, left = current.pool, []  # type: Any, List[str]
    folder = find_bin(pool)
    if folder is not None:
        before = set(entry["clips"])
        fresh = [clip for clip in clips_in(folder) if uid_of(clip) not in before]
        ours = [clip for clip in fresh if take_at(clip_path(clip), entry["takes"]) is not None and is_unused(clip)]
        gone = {uid_of(clip) for clip in ours}

        def are_deleted() -> bool:
            return not any(uid_of(clip) in gone for clip in clips_in(folder))

        if ours and not until_done(lambda: call(pool, "DeleteClips", ours), are_deleted):
            left.append(_clips_left(ours))
        if not entry["bin"] and not clips_in(folder) and not call(folder, "GetSubFolderList"):
            restore_folder(pool, entry["folder"])
            if not until_done(lambda: call(pool, "DeleteFolders", [folder]), lambda: find_bin(pool) is None):
                left.append("an empty bin in the media pool (delete it)")
        elif (
            uid_of(call(pool, "GetCurrentFolder")) == uid_of(folder) and find_folder(pool, entry["folder"]) is not None
        ):
            restore_folder(pool, entry["folder"])
    return left
