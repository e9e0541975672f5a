"""The timelines that are written with takes: OpenTimelineIO always, and FCPXML where that was read."""

from __future__ import annotations

from collections.abc import Sequence as Many
from pathlib import Path

from bridge.editorial.exchange.fcpxml_takes import write_fcpxml
from bridge.editorial.placement import TakeStack, place_stacks, write_timeline
from bridge.editorial.timeline import OpenTimeline


def write_with_takes(opened: OpenTimeline, stacks: Many[TakeStack], path: Path) -> Path:
    """Write `path` (.otio) and, for FCPXML with takes that are movies, the same name with .fcpxml.

    Returns the one that the application which wrote the timeline reads. Raises BadUsage, BadTimeline, OutOfDisk.
    """
    timeline = place_stacks(opened, stacks)
    write_timeline(timeline, path, older=opened.older, media_base=opened.media_base)
    if not stacks or not all("fcpxml" in stack.shot.metadata for stack in stacks):
        return path
    if any(take.sequence is not None for stack in stacks for take in stack.takes):
        return path  # Final Cut Pro takes no image sequences
    written = path.with_suffix(".fcpxml")
    write_fcpxml(opened.path, stacks, written)
    return written
