"""Notes as markers of the timeline. Blender's markers have no length, so a range's end is part of the name."""

from __future__ import annotations

import json
from typing import Any

from ..strips import compat
from .undo_step import undo_step

_PROPERTY = "dynvfx_markers"
_LONGEST = 60  # bytes; Blender cuts names at 63
_CLIP_NAME = 20


def mark_notes(scene: Any, clip: Any, uid: str, notes: list[dict[str, Any]]) -> None:
    """Replace the markers of a clip's notes, in one undo step.

    `first` and `last` of a note are frames of the clip, counted from 0, both included.
    """
    start = compat.frames(clip, "frame_final_start")
    with undo_step(f"Notes of {clip.name}"):
        _remove_earlier(scene, uid)
        written = []
        for note in notes:
            name = _name(clip, note)
            marker = scene.timeline_markers.new(name, frame=start + int(note["first"]))
            written.append(marker.name)
        _remember(scene, uid, written)


def _name(clip: Any, note: dict[str, Any]) -> str:
    category = f"{note['category']}: " if note.get("category") else ""
    until = f" (to {note['last']})" if note["last"] > note["first"] else ""
    room = _LONGEST - len(until.encode())
    text = f"{_cut(clip.name, _CLIP_NAME)} | {category}{note['text']}"
    return _cut(text, room) + until


def _cut(text: str, most: int) -> str:
    """Shorten `text` to at most `most` bytes of UTF-8."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore")


def _remove_earlier(scene: Any, uid: str) -> None:
    names = _remembered(scene).get(uid, [])
    for marker in list(scene.timeline_markers):
        if marker.name in names:
            names.remove(marker.name)
            scene.timeline_markers.remove(marker)


def _remember(scene: Any, uid: str, names: list[str]) -> None:
    known = _remembered(scene)
    known.pop(uid, None)
    if names:
        known[uid] = names
    if known:
        scene[_PROPERTY] = json.dumps(known)
    elif _PROPERTY in scene:
        del scene[_PROPERTY]


def _remembered(scene: Any) -> dict[str, list[str]]:
    try:
        known = json.loads(scene.get(_PROPERTY, "{}"))
    except (TypeError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
