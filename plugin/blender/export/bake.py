"""Rendering a strip in a background Blender, on a saved copy: the open file and its window stay as they are."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import bpy

from ..agent_link import AgentProblem
from ..strips import compat
from ..strips.strip_media import NumberedPictures, media_size

_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bake_child.py")
_LOG_TAIL = 600
_NO_WINDOW = 0x08000000  # CREATE_NO_WINDOW on Windows
saving_copy: list[bool] = [False]
"""Whether Blender is saving our copy: the save handler then writes nothing into the user's file."""


@dataclass(frozen=True)
class RenderProgress:
    """`done` of `total` pictures are rendered."""

    done: int
    total: int
    text: str

    def as_message(self) -> dict[str, Any]:
        """The progress in the protocol's form."""
        return {"done": self.done, "total": self.total, "text": self.text}


def bake(scene: Any, strip: Any, folder: str) -> Generator[dict[str, Any], None, NumberedPictures]:
    """Render `strip` into `folder`/rendered, one picture for each frame of the timeline; yields its progress.

    Returns the pictures: 8-bit PNG in the size of the strip's media (of the scene for scene and meta strips), before
    position, crop, flip and opacity. Closing the generator stops the render and deletes its pictures.
    Raises AgentProblem render_failed.
    """
    name, count = strip.name, compat.frames(strip, "frame_final_duration")
    width, height = media_size(strip) or _scene_size(scene)
    whole_setup = strip.type in ("SCENE", "META")
    task = {
        "scene": scene.name,
        "strip": name,
        "first": compat.frames(strip, "frame_final_start"),
        "count": count,
        "width": width,
        "height": height,
    }
    target = os.path.join(folder, "rendered")
    work = tempfile.mkdtemp(prefix="rendering-", dir=folder)
    try:
        pictures = os.path.join(work, "pictures")
        os.mkdir(pictures)
        task.update(folder=pictures, blend=os.path.join(work, "copy.blend"))
        yield RenderProgress(0, count, f'Saving a copy to render "{name}"').as_message()
        _save_copy(task["blend"])
        with _lifeline() as task["lifeline"]:
            yield from _rendered(task, work, whole_setup)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(pictures, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return NumberedPictures(target, "", ".png", 0, 6, count)


@contextmanager
def _lifeline() -> Iterator[int]:
    """A port that the child connects to: every system closes the connection when this process ends, however it does."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]
    finally:
        listener.close()


def _rendered(task: dict[str, Any], work: str, whole_setup: bool) -> Generator[dict[str, Any], None, None]:
    """Run the background Blender until it has rendered all pictures."""
    name, count = task["strip"], task["count"]
    task_path, log_path = os.path.join(work, "task.json"), os.path.join(work, "log.txt")
    with open(task_path, "w", encoding="utf-8") as sink:
        json.dump(task, sink)
    with open(log_path, "wb") as log:
        child = subprocess.Popen(
            _command(task["blend"], task_path, whole_setup),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
        )
    try:
        done = 0
        while child.poll() is None:
            there = len(os.listdir(task["folder"]))
            done = max(done, min(there, count))
            yield RenderProgress(done, count, f'Rendering "{name}"').as_message()
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
    missing = [index for index in range(count) if not os.path.isfile(_picture(task["folder"], index))]
    if child.returncode or missing:
        with open(log_path, encoding="utf-8", errors="replace") as log:
            output = log.read()[-_LOG_TAIL:].strip() or f"Blender ended with status {child.returncode} and no output."
        what = f'"{name}" could not be rendered: {len(missing)} of {count} frames are missing.'
        raise AgentProblem(
            "render_failed", what, output, "Render the strip in Blender to see why; check the free disk space."
        )


def _command(blend: str, task_path: str, whole_setup: bool) -> list[str]:
    if not bpy.app.binary_path:  # Blender as a Python module
        return [sys.executable, _CHILD, "--", task_path]
    # 3D scenes need the user's render devices and add-ons; footage does not, and Blender starts faster without them.
    plain = [] if whole_setup else ["--factory-startup"]
    tail = ["--python-exit-code", "1", "--python", _CHILD, "--", task_path]
    return [bpy.app.binary_path, "-b", *plain, blend, *tail]


def _save_copy(path: str) -> None:
    saving_copy[0] = True
    try:
        # copy=True keeps the open file's name, undo history and unsaved state; relative paths are remapped.
        bpy.ops.wm.save_as_mainfile(filepath=path, copy=True, check_existing=False, relative_remap=True)
    except RuntimeError as error:
        raise AgentProblem(
            "render_failed", "A copy of the file could not be saved.", str(error), "Free some space on the disk."
        ) from error
    finally:
        saving_copy[0] = False


def _scene_size(scene: Any) -> tuple[int, int]:
    return scene.render.resolution_x, scene.render.resolution_y


def _picture(folder: str, index: int) -> str:
    return os.path.join(folder, f"{index:06d}.png")
