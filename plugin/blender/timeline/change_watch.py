"""Detecting a change of selection, timeline or scene, in well under a millisecond when nothing changed."""

from __future__ import annotations

from array import array
from typing import Any

import bpy

from ..strips import compat
from . import stamp


class Watch:
    """Compares what is cheap to read; Blender's update handlers report the rest (`touch`)."""

    def __init__(self) -> None:
        self._seen: tuple[Any, ...] | None = None
        self._touched = False

    def touch(self) -> None:
        """Something in the open file may have changed."""
        self._touched = True

    def changed(self) -> bool:
        """Whether anything changed since the last call."""
        now = _signature()
        different = self._touched or now != self._seen
        self._seen, self._touched = now, False
        return different


def content_changed(depsgraph: Any) -> bool:
    """Whether an update changed how 3D scenes look, and with them the pictures of scene strips."""
    for update in depsgraph.updates:
        if (update.is_updated_geometry or update.is_updated_transform or update.is_updated_shading) and not isinstance(
            update.id, bpy.types.Scene
        ):
            stamp.content_version[0] += 1
            return True
    return False


def _signature() -> tuple[Any, ...]:
    scene = compat.edited_scene()
    render = scene.render
    size = render.resolution_x, render.resolution_y
    settings = (bpy.data.filepath, scene.as_pointer(), scene.name, render.fps, render.fps_base, *size)
    parent = compat.displayed_parent(scene)
    if parent is None:
        return settings
    strips = compat.strips_of(parent)
    count = len(strips)
    active = compat.active_strip(scene)
    # One call for all strips: a loop in Python would take milliseconds in a long timeline.
    selected, starts, lengths = array("b", bytes(count)), array("i", bytes(4 * count)), array("i", bytes(4 * count))
    if count:
        strips.foreach_get("select", selected)
        strips.foreach_get(compat.frame_name(strips[0], "frame_final_start"), starts)
        strips.foreach_get(compat.frame_name(strips[0], "frame_final_duration"), lengths)
    shape = selected.tobytes(), starts.tobytes(), lengths.tobytes()
    return (*settings, parent.as_pointer(), active.as_pointer() if active else 0, count, *shape)
