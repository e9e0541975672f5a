"""Undoing the changes of placing a take: after an error, after a cancel, and at the next start after a kill.

A journal entry records the state before the first call. Items, tracks and clips that are new since then and belong to
the entry's takes are removed. Nothing else is changed.
"""

import os
import time
from typing import Any, Dict, List

from ..agent_journal import AgentJournal
from ..calls import call
from ..timeline.current_timeline import CurrentTimeline, clip_path, media_path, track_count, uid_of
from ..timeline.media_paths import take_at
from .append import all_items, remove
from .media_pool import clips_in, find_bin, find_folder, is_unused, restore_folder
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
    theirs = current.current_timeline_id()
    if theirs != current.timeline_id:
        # The take may be on the timeline that was opened meanwhile; only the current timeline's items can be deleted.
        stray = call(current.project, "GetCurrentTimeline")
        remove(stray, _our_items(stray, entry))
        call(current.project, "SetCurrentTimeline", current.timeline)
    left = remove_our_items(current, entry) + _remove_our_track(current, entry) + _remove_our_clips(current, entry)
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
    left = len(_our_items(current.timeline, entry))
    return [f"{left} clips on the timeline (unlock their track and delete them)"] if left else []


def _remove_our_track(current: CurrentTimeline, entry: Dict[str, Any]) -> List[str]:
    if entry["stage"] == "import" or not entry.get("above"):
        return []
    now = read_tracks(current.timeline)
    index = find_added(entry["video"], now, entry["above"])
    if index is None:
        return []  # none was added, or the user has edited since: then the empty track is left to them
    call(current.timeline, "DeleteTrack", "video", index)
    is_left = track_count(current.timeline) == len(now)
    return [f"the empty video track V{index} (delete it)"] if is_left else []


def _remove_our_clips(current: CurrentTimeline, entry: Dict[str, Any]) -> List[str]:
    pool, left = current.pool, []  # type: Any, List[str]
    folder = find_bin(pool)
    if folder is not None:
        before = set(entry["clips"])
        fresh = [clip for clip in clips_in(folder) if uid_of(clip) not in before]
        ours = [clip for clip in fresh if take_at(clip_path(clip), entry["takes"]) is not None and is_unused(clip)]
        if ours:
            call(pool, "DeleteClips", ours)
        if not entry["bin"] and not clips_in(folder) and not call(folder, "GetSubFolderList"):
            restore_folder(pool, entry["folder"])
            call(pool, "DeleteFolders", [folder])
            if find_bin(pool) is not None:
                left.append("an empty bin in the media pool (delete it)")
        elif (
            uid_of(call(pool, "GetCurrentFolder")) == uid_of(folder) and find_folder(pool, entry["folder"]) is not None
        ):
            restore_folder(pool, entry["folder"])
    return left
