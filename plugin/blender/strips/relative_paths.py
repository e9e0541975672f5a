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
    if strip.type == "MOVIE":
        strip.filepath = _relative(bpy.path.abspath(strip.filepath))
    else:
        strip.directory = _relative(bpy.path.abspath(strip.directory)).rstrip("/\\") + os.sep


def _relative(path: str) -> str:
    project = os.path.dirname(bpy.data.filepath)
    try:
        # Below the project's folder, also when the two are reached by different links.
        inside = os.path.relpath(os.path.realpath(path), os.path.realpath(project))
        if not inside.startswith(os.pardir):
            return "//" + inside.replace(os.sep, "/")
        return bpy.path.relpath(path)
    except ValueError:
        return path  # another drive of Windows
