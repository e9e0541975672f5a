"""Paths that count from the .blend file, so that the project can be moved."""

from __future__ import annotations

import os
from typing import Any

import bpy


def make_relative(strip: Any) -> None:
    """Let a movie or image strip name its files relative to the open file.

    Nothing changes while the file was never saved, or when its files are on another drive.
    """
    if not bpy.data.filepath:
        return
    try:
        if strip.type == "MOVIE":
            strip.filepath = bpy.path.relpath(bpy.path.abspath(strip.filepath))
        else:
            strip.directory = relative_folder(bpy.path.abspath(strip.directory))
    except ValueError:
        pass  # another drive of Windows


def relative_folder(folder: str) -> str:
    """A folder relative to the open file, where that is possible, with the separator that Blender wants at its end."""
    if bpy.data.filepath:
        try:
            folder = bpy.path.relpath(folder)
        except ValueError:
            pass  # another drive of Windows
    return folder.rstrip("/\\") + os.sep
