"""Which files the panel opens."""

from __future__ import annotations

from pathlib import Path

from bridge.editorial.timeline_kinds import TIMELINE_SUFFIXES, is_project, is_timeline

MOVIES = (".mov", ".mp4", ".m4v", ".mkv", ".mxf", ".avi", ".webm", ".mts", ".m2ts")
KINDS = f"Timelines and movies ({' '.join(f'*{suffix}' for suffix in (*TIMELINE_SUFFIXES, *MOVIES))});;All files (*)"
"""What the dialog that opens files shows."""


def can_be_opened(path: str) -> bool:
    """Whether a dropped file may be a timeline or a movie, or a project, which says how to export a timeline."""
    return Path(path).suffix.lower() in MOVIES or is_timeline(path) or is_project(path)
