"""API names that differ between Blender 3.4 and 5.x.

5.0 renames `sequences` to `strips`; 5.1 renames the frame properties and keeps the old names until 6.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

_RENAMED = {
    "frame_start": "content_start",
    "frame_final_start": "left_handle",
    "frame_final_end": "right_handle",
    "frame_final_duration": "duration",
    "frame_duration": "content_duration",
    "frame_offset_start": "left_handle_offset",
    "frame_offset_end": "right_handle_offset",
    "animation_offset_start": "content_trim_start",
    "animation_offset_end": "content_trim_end",
}


def frame_name(strip: Any, name: str) -> str:
    """This Blender's name of a strip's frame property, given its name up to 5.0."""
    newer = _RENAMED[name]
    return newer if newer in strip.bl_rna.properties else name


def frames(strip: Any, name: str) -> Any:
    """Value of a frame property, given its name up to 5.0: an int; a float for the start and the handles' offsets."""
    return getattr(strip, frame_name(strip, name))


def visible_range(strip: Any) -> tuple[int, int]:
    """First frame of a strip and the frame after its last, both whole numbers."""
    return frames(strip, "frame_final_start"), frames(strip, "frame_final_end")


def overlaps(strip: Any, start: int, end: int) -> bool:
    """Whether a strip has frames in start..end, `end` excluded."""
    first, last = visible_range(strip)
    return first < end and last > start


def is_muted(parent: Any, strip: Any) -> bool:
    """Whether a strip, or its channel, is muted."""
    return strip.mute or parent.channels[strip.channel].mute


def inputs_of(strip: Any) -> list[Any]:
    """The strips that an effect strip takes in; empty for other strips."""
    found = [getattr(strip, name, None) for name in ("input_1", "input_2")]
    return [each for each in found if each is not None]


def new_effect(parent: Any, name: str, kind: str, channel: int, start: int, end: int, *inputs: Any) -> Any:
    """Add an effect strip; up to 4.5 its length and inputs have other names."""
    strips = strips_of(parent)
    parameters = strips.bl_rna.functions["new_effect"].parameters
    names = ("input1", "input2") if "input1" in parameters else ("seq1", "seq2")
    span = {"length": end - start} if "length" in parameters else {"frame_end": end}
    named = dict(zip(names, inputs, strict=False))
    return strips.new_effect(name, kind, channel, frame_start=start, **span, **named)


def strips_of(parent: Any) -> Any:
    """The collection of strips of a sequence editor or a meta strip (with its new_* and remove functions)."""
    return parent.strips if hasattr(parent, "strips") else parent.sequences


def all_strips(scene: Any) -> list[Any]:
    """Every strip of a scene, including those inside meta strips."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    return list(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all)


def parent_of(scene: Any, strip: Any) -> Any:
    """The sequence editor or the meta strip that contains a strip."""
    return strip.parent_meta() or scene.sequence_editor


def own_scenes() -> list[Any]:
    """The scenes of the open file, without those that are linked from others and may have the same names."""
    return [each for each in bpy.data.scenes if each.library is None]


def edited_scene() -> Any:
    """The scene whose sequence is edited: the workspace's from 5.0 on, else the window's."""
    window = main_window()
    if window is None:
        return bpy.context.scene
    return getattr(window.workspace, "sequencer_scene", None) or window.scene


def main_window() -> Any:
    """The context's window, else the first one (a timer's context has none); None in a background Blender."""
    windows = bpy.context.window_manager.windows
    return bpy.context.window or (windows[0] if len(windows) else None)


def displayed_parent(scene: Any) -> Any:
    """The sequence editor, or the meta strip that is open in it; None when the scene has no sequence."""
    editor = scene.sequence_editor
    if editor is None:
        return None
    stack = editor.meta_stack
    return stack[-1] if len(stack) else editor


def active_strip(scene: Any) -> Any:
    """The active strip, None when there is none."""
    return scene.sequence_editor.active_strip if scene.sequence_editor is not None else None


def action_curves(owner: Any) -> Any:
    """The F-curves of a data block's action (a collection with new and remove); None when it has none.

    Since 4.4 actions have layers and slots; since 5.0 the F-curves are reachable only through them.
    """
    animation = owner.animation_data
    action = animation.action if animation is not None else None
    if action is None:
        return None
    if hasattr(action, "fcurves"):
        return action.fcurves
    for layer in action.layers:
        for piece in layer.strips:
            bag = piece.channelbag(animation.action_slot)
            if bag is not None:
                return bag.fcurves
    return None


def walk(parent: Any) -> Iterator[Any]:
    """The strips of a parent and, recursively, of its meta strips."""
    for strip in strips_of(parent):
        yield strip
        if strip.type == "META":
            yield from walk(strip)
