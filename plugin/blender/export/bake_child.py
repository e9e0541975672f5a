"""Runs in a background Blender: renders one strip of a saved copy to numbered PNGs, with the timeline's timing.

    blender -b COPY.blend --python bake_child.py -- TASK.json        or        python bake_child.py -- TASK.json

The task holds blend, scene, strip, first (timeline frame), count, width, height, folder and lifeline, a port of the
Blender that started this process, which ends with it.
Position, crop, flip and opacity of the strip are left out, because the take gets them; timing and colours are kept.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys
from typing import Any

import bpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "strips"))
import compat  # noqa: E402 - the add-on is not a package here

_GEOMETRY = ("transform.", "crop.", "blend_alpha")


def main(arguments: list[str]) -> None:
    """Render the task's frames, printing `frame N` after each."""
    with open(arguments[0], encoding="utf-8") as source:
        task = json.load(source)
    if not bpy.app.binary_path:
        bpy.ops.wm.open_mainfile(filepath=task["blend"], load_ui=False)
    scene = next(each for each in compat.own_scenes() if each.name == task["scene"])
    strip = next(each for each in compat.all_strips(scene) if each.name == task["strip"])
    parent = socket.create_connection(("127.0.0.1", task["lifeline"]))
    _isolate(scene, strip)
    _set_output(scene, task)
    _show(scene)
    for index in range(task["count"]):
        if select.select([parent], [], [], 0.0)[0]:  # nothing is ever sent: the connection was closed
            sys.exit("The Blender that started this render has ended.")
        scene.frame_set(task["first"] + index)
        scene.render.filepath = os.path.join(task["folder"], f"{index:06d}.png")
        bpy.ops.render.render(write_still=True)
        print("frame", index + 1, flush=True)


def _isolate(scene: Any, strip: Any) -> None:
    """Mute everything but the strip, and undo its transform."""
    shown = strip
    while shown is not None:
        parent = shown.parent_meta()
        for other in compat.strips_of(parent or scene.sequence_editor):
            other.mute = other != shown
        _neutralise(scene, shown)
        shown = parent
    for channels in (scene.sequence_editor.channels, *(each.channels for each in _metas(scene))):
        for channel in channels:
            channel.mute = False


def _metas(scene: Any) -> list[Any]:
    return [each for each in compat.all_strips(scene) if each.type == "META"]


def _neutralise(scene: Any, strip: Any) -> None:
    curves = compat.action_curves(scene)
    prefix = strip.path_from_id() + "."
    for curve in list(curves or ()):
        if curve.data_path.startswith(prefix) and curve.data_path[len(prefix) :].startswith(_GEOMETRY):
            curves.remove(curve)
    transform, crop = strip.transform, strip.crop
    transform.offset_x = transform.offset_y = 0
    transform.scale_x = transform.scale_y = 1.0
    transform.rotation = 0.0
    crop.min_x = crop.max_x = crop.min_y = crop.max_y = 0
    strip.use_flip_x = strip.use_flip_y = False
    strip.blend_type, strip.blend_alpha = "REPLACE", 1.0


def _set_output(scene: Any, task: dict[str, Any]) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = task["width"], task["height"], 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.use_sequencer, render.use_border, render.use_stamp, render.use_multiview = True, False, False, False
    render.dither_intensity, render.use_file_extension, render.use_overwrite = 0.0, True, True
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode, render.image_settings.color_depth = "RGB", "8"
    if hasattr(render.image_settings, "color_management"):
        render.image_settings.color_management = "FOLLOW_SCENE"
    # Other view transforms change the footage as well (Filmic and AgX are the defaults of new scenes).
    view = scene.view_settings
    view.view_transform, view.look, view.exposure, view.gamma = "Standard", "None", 0.0, 1.0
    view.use_curve_mapping = False


def _show(scene: Any) -> None:
    """Show the scene in a window: rendering a scene that no window shows gives empty pictures."""
    for window in bpy.context.window_manager.windows:
        window.scene = scene
        if hasattr(window.workspace, "sequencer_scene"):
            window.workspace.sequencer_scene = scene


if __name__ == "__main__":
    main(sys.argv[sys.argv.index("--") + 1 :])
