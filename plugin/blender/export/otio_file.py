"""An OpenTimelineIO file with one clip, written without the OTIO library, which Blender's Python does not have.

Conventions: source ranges count from the start of the available range, 0; a rate is its exact quotient as a float.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..strips.strip_media import NumberedPictures, SourceRange


@dataclass(frozen=True)
class ExportedClip:
    """The OTIO document of a timeline with one clip.

    record_start: the clip's first frame, as Blender numbers it.
    timeline_start: the number of the timeline's first frame.
    media: a movie's path or numbered pictures, one media frame for each frame of the timeline.
    """

    timeline: str
    name: str
    track: str
    rate: Fraction
    timeline_start: int
    record_start: int
    media: str | NumberedPictures
    shown: SourceRange
    metadata: dict[str, Any]


def write_otio(path: str, clip: ExportedClip) -> None:
    """Write the timeline atomically."""
    partial = path + ".partial"
    with open(partial, "w", encoding="utf-8") as sink:
        json.dump(_timeline(clip), sink, indent=1)
    os.replace(partial, path)


def _timeline(clip: ExportedClip) -> dict[str, Any]:
    start = min(clip.timeline_start, clip.record_start)
    children = [_clip(clip)]
    if clip.record_start > start:
        children.insert(0, _item("Gap.1", "", _range(0, clip.record_start - start, clip.rate)))
    track = dict(_item("Track.1", clip.track, None), kind="Video", children=children)
    stack = dict(_item("Stack.1", "tracks", None), children=[track])
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {},
        "name": clip.timeline,
        "global_start_time": _time(start, clip.rate),
        "tracks": stack,
    }


def _clip(clip: ExportedClip) -> dict[str, Any]:
    item = _item("Clip.2", clip.name, _range(clip.shown.first, clip.shown.count, clip.rate))
    available = _range(0, clip.shown.total, clip.rate)
    if isinstance(clip.media, NumberedPictures):
        reference: dict[str, Any] = {
            "OTIO_SCHEMA": "ImageSequenceReference.1",
            "target_url_base": os.path.join(clip.media.folder, ""),
            "name_prefix": clip.media.prefix,
            "name_suffix": clip.media.suffix,
            "start_frame": clip.media.first,
            "frame_step": 1,
            "rate": float(clip.rate),
            "frame_zero_padding": clip.media.padding,
            "missing_frame_policy": "error",
        }
    else:
        reference = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": clip.media}
    reference.update(metadata={}, name="", available_range=available, available_image_bounds=None)
    item.update(metadata=clip.metadata, media_references={"DEFAULT_MEDIA": reference})
    item["active_media_reference_key"] = "DEFAULT_MEDIA"
    return item


def _item(schema: str, name: str, shown: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": schema,
        "metadata": {},
        "name": name,
        "source_range": shown,
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _range(first: int, count: int, rate: Fraction) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(first, rate), "duration": _time(count, rate)}


def _time(frames: int, rate: Fraction) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(frames)}
