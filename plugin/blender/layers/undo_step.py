"""One step in Blender's undo history around a change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy

from ..strips import compat


@contextmanager
def undo_step(text: str) -> Iterator[None]:
    """Make the changes inside the `with` block one undo step called `text`, one line in Edit > Undo History.

    Undo goes back to the step before, which Blender made after the user's last action. Changes that scripts made since,
    without a step of their own, are undone with it, as they are after any other action.
    """
    try:
        yield
    finally:
        _push(text)
        redraw()


def redraw() -> None:
    """Redraw the sequencers; changes that a timer made are not visible before that."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR":
                area.tag_redraw()


def _push(text: str) -> None:
    window = compat.main_window()
    if window is None:
        return
    with bpy.context.temp_override(window=window):
        if bpy.ops.ed.undo_push.poll():
            bpy.ops.ed.undo_push(message=text)
