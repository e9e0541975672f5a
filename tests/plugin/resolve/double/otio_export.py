"""Timeline.Export to OpenTimelineIO, in the form of published Resolve exports."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.plugin.resolve.double.state import Item, PoolItem, Timeline, Track, pool_items, rate_of

if TYPE_CHECKING:
    from tests.plugin.resolve.double.world import World

_PLACES = {"Pan": "transformationPan", "Tilt": "transformationTilt", "ZoomX": "transformationZoomX"}


def write(world: World, timeline: Timeline, path: Path) -> None:
    rate = rate_of(timeline.settings["timelineFrameRate"])
    layers = [
        _track(world, timeline, track, kind, index, rate)
        for kind in ("video", "audio")
        for index, track in enumerate(timeline.tracks[kind], start=1)
    ]
    document = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}},
        "name": timeline.name,
        "global_start_time": _time(timeline.start, rate),
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "metadata": {},
            "name": "",
            "source_range": None,
            "effects": [],
            "markers": [],
            "enabled": True,
            "children": layers,
        },
    }
    path.write_text(json.dumps(document), encoding="utf-8")


def _time(value: float, rate: Fraction) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(value)}


def _range(start: float, length: float, rate: Fraction) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(start, rate),
        "duration": _time(length, rate),
    }


def _track(world: World, timeline: Timeline, track: Track, kind: str, index: int, rate: Fraction) -> dict[str, Any]:
    children, position = [], timeline.start
    for item in track.items:
        if item.start > position:
            children.append(_gap(item.start - position, rate))
        children.append(_item(world, item, kind, rate))
        position = item.end
    own: dict[str, Any] = {"Locked": track.locked}
    if kind == "audio":
        own.update({"Audio Type": "Stereo", "SoloOn": False})
    return {
        "OTIO_SCHEMA": "Track.1",
        "metadata": {"Resolve_OTIO": own},
        "name": track.name or f"{kind.capitalize()} {index}",
        "source_range": None,
        "effects": [],
        "markers": [],
        "enabled": track.enabled,
        "kind": kind.capitalize(),
        "children": children,
    }


def _gap(length: int, rate: Fraction) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Gap.1",
        "metadata": {},
        "name": "",
        "source_range": _range(0, length, rate),
        "effects": [],
        "markers": [],
        "enabled": True,
    }


def _item(world: World, item: Item, kind: str, rate: Fraction) -> dict[str, Any]:
    clip = next((each for each in pool_items(world.project) if each.uid == item.pool), None)
    common = {"name": item.name, "effects": _effects(item), "markers": [], "enabled": item.enabled}
    if clip is not None and (clip.timeline or not clip.path):
        inside = {"OTIO_SCHEMA": "Stack.1", "metadata": {}, "children": [], **common}
        return {**inside, "source_range": _range(item.first, item.duration, rate)}
    shown = _range(0, item.duration, rate)
    if clip is not None:
        media = rate_of(clip.rate)
        ratio = media / rate
        start = clip.start + item.first + (0.099992 if world.switches.fractional_starts and item.first else 0)
        shown = _range(float(start), float(item.duration * ratio), media)
    reference = _reference(clip)
    made = {**common, "source_range": shown, "metadata": {"Resolve_OTIO": {"Link Group ID": 1}}}
    if world.switches.otio_clip == 1:
        return {"OTIO_SCHEMA": "Clip.1", **made, "media_reference": reference}
    references = {"media_references": {"DEFAULT_MEDIA": reference}, "active_media_reference_key": "DEFAULT_MEDIA"}
    return {"OTIO_SCHEMA": "Clip.2", **made, **references}


def _reference(clip: PoolItem | None) -> dict[str, Any]:
    if clip is None:
        return {"OTIO_SCHEMA": "MissingReference.1", "metadata": {}, "name": "", "available_range": None}
    media = rate_of(clip.rate)
    known = {"metadata": {}, "name": clip.name, "available_range": _range(clip.start, clip.frames, media)}
    return {"OTIO_SCHEMA": "ExternalReference.1", **known, "target_url": clip.path}


def _effects(item: Item) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if item.speed != 1:
        warp = {"OTIO_SCHEMA": "LinearTimeWarp.1", "metadata": {}, "name": "", "effect_name": "LinearTimeWarp"}
        made.append({**warp, "time_scalar": float(item.speed), "enabled": True})
    changed = {_PLACES[key]: value for key, value in item.properties.items() if key in _PLACES}
    if changed:
        parameters = [{"Parameter ID": key, "Parameter Value": value} for key, value in changed.items()]
        own = {"Effect Name": "Transform", "Enabled": True, "Type": 2, "Parameters": parameters}
        effect = {"OTIO_SCHEMA": "Effect.1", "metadata": {"Resolve_OTIO": own}, "name": "", "enabled": True}
        made.append({**effect, "effect_name": "Resolve Effect"})
    return made
