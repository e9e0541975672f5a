"""Timelines as other applications write them, and short ways to make our own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from bridge.editorial.shot import Probe
from bridge.editorial.timeline import OpenTimeline


@dataclass(frozen=True)
class Facts:
    """What a movie is; without `frame_count` its length is not known."""

    rate: Fraction = Fraction(24)
    frame_count: int = 0
    start_timecode: int | None = None
    drop_frame: bool = False
    variable_rate: bool = False


def probe_of(facts: Facts) -> Probe:
    """A probe that says this of every movie."""
    return lambda path, rate: facts


def time(value: float, rate: float) -> dict:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": rate}


def span(start: float, duration: float, rate: float) -> dict:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(start, rate), "duration": time(duration, rate)}


def track(*children: dict, kind: str = "Video", name: str = "", **fields: object) -> dict:
    return {"OTIO_SCHEMA": "Track.1", "name": name, "kind": kind, "children": list(children)} | fields


def stack(*children: dict, **fields: object) -> dict:
    return {"OTIO_SCHEMA": "Stack.1", "name": "", "children": list(children)} | fields


def timeline(*tracks: dict, start: dict | None = None, **fields: object) -> dict:
    head = {"OTIO_SCHEMA": "Timeline.1", "name": "Reel 1", "global_start_time": start, "metadata": {}}
    return head | {"tracks": stack(*tracks, name="tracks")} | fields


def gap(duration: float, rate: float = 24.0) -> dict:
    return {"OTIO_SCHEMA": "Gap.1", "name": "", "source_range": span(0, duration, rate)}


def dissolve(before: float, after: float, rate: float = 24.0) -> dict:
    return {
        "OTIO_SCHEMA": "Transition.1",
        "name": "",
        "transition_type": "SMPTE_Dissolve",
        "in_offset": time(before, rate),
        "out_offset": time(after, rate),
    }


def movie(url: str, available: dict | None = None) -> dict:
    return {"OTIO_SCHEMA": "ExternalReference.1", "target_url": url, "available_range": available}


def clip1(name: str, media: dict | None, source: dict | None, **fields: object) -> dict:
    return {"OTIO_SCHEMA": "Clip.1", "name": name, "media_reference": media, "source_range": source} | fields


def clip2(name: str, media: dict, source: dict | None, **fields: object) -> dict:
    head = {"OTIO_SCHEMA": "Clip.2", "name": name, "source_range": source, "effects": [], "markers": []}
    references = {"media_references": {"DEFAULT_MEDIA": media}, "active_media_reference_key": "DEFAULT_MEDIA"}
    return head | {"metadata": {}} | references | fields


def effect(schema: str, **fields: object) -> dict:
    return {"OTIO_SCHEMA": schema, "name": "", "effect_name": "", "metadata": {}} | fields


def write(path: Path, values: object) -> Path:
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def footage(folder: Path, name: str = "plate.mov") -> str:
    """A file that stands for a movie: nothing here looks inside."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"movie")
    return str(path)


def resolve_export(media: str) -> dict:
    """The shape of a DaVinci Resolve export: plain paths, one hour start, its own metadata and effects.

    After `effects.otio` among OpenTimelineIO's own samples, a part of a Resolve project.
    """
    zoom = {"Parameter ID": "transformationZoomX", "Parameter Value": 1.2, "Default Parameter Value": 1.0}
    transform = {"Effect Name": "Transform", "Type": 2, "Enabled": True, "Parameters": [zoom]}
    scaling = {"Effect Name": "Retime and Scaling", "Type": 22, "Enabled": True, "Parameters": []}
    shot = clip2(
        "A001_C003.mov",
        movie(media, span(86400, 240, 24.0)),
        span(86424, 72, 24.0),
        metadata={"Resolve_OTIO": {"Link Group ID": 7}},
        effects=[
            effect("Effect.1", effect_name="Resolve Effect", metadata={"Resolve_OTIO": transform}),
            effect("Effect.1", effect_name="Resolve Effect", metadata={"Resolve_OTIO": scaling}),
        ],
        markers=[
            {
                "OTIO_SCHEMA": "Marker.2",
                "name": "look",
                "color": "RED",
                "metadata": {"Resolve_OTIO": {"Note": "here"}},
                "marked_range": span(86430, 1, 24.0),
            }
        ],
    )
    title = clip2("Title", {"OTIO_SCHEMA": "MissingReference.1", "metadata": {}}, span(0, 48, 24.0))
    sound = clip2("A001_C003.mov", movie(media, span(0, 480000, 48000.0)), span(48000, 144000, 48000.0))
    return timeline(
        track(gap(24), shot, name="Video 1", metadata={"Resolve_OTIO": {"Locked": False}}),
        track(gap(24), title, name="Titles"),
        track(gap(24), sound, kind="Audio", metadata={"Resolve_OTIO": {"Audio Type": "Stereo", "SoloOn": False}}),
        start=time(86400.0, 24.0),
        metadata={"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}},
    )


def premiere_like_export(media: str) -> dict:
    """File URLs with a host, drop frame rate, Clip.1, a cross dissolve between two clips of one file."""
    url = "file://localhost" + media.replace(" ", "%20")
    rate = 30000 / 1001
    available = span(0, 3000, rate)
    return timeline(
        track(
            clip1("beach.mov", movie(url, available), span(100, 90, rate), metadata={"PremierePro_OTIO": {"id": "a"}}),
            dissolve(15, 15, rate),
            clip1("beach.mov", movie(url, available), span(900, 60, rate), metadata={"PremierePro_OTIO": {"id": "b"}}),
            name="V1",
        ),
        start=time(107892.0, rate),
    )


def avid_like_export(media: str) -> dict:
    """Relative names, no available range, source ranges in timecode, a nested stack and a switched-off speed effect."""
    inner = track(clip1("sc12", movie(media), span(90010, 50, 25.0)), name="inner", kind="Video")
    return timeline(
        track(
            clip1("sc11", None, span(0, 25, 25.0)),
            stack(inner, name="Submaster", source_range=span(5, 40, 25.0)),
            clip1("sc13", movie(media), span(90100, 30, 25.0), effects=[effect("LinearTimeWarp.1", time_scalar=-1.0)]),
            name="V1",
            metadata={"AAF": {"PhysicalTrackNumber": 1}},
        ),
        start=time(90000, 25.0),
    )


def opened(built: otio.schema.Timeline, folder: Path) -> OpenTimeline:
    return OpenTimeline(built, folder / "made.otio", "otio", folder)


def frames(start: float, duration: float, rate: float = 24.0) -> TimeRange:
    return TimeRange(RationalTime(start, rate), RationalTime(duration, rate))


def clip(name: str, url: str, start: float = 0, duration: float = 48, rate: float = 24.0) -> otio.schema.Clip:
    reference = otio.schema.ExternalReference(url, frames(0, 10_000, rate))
    return otio.schema.Clip(name, reference, frames(start, duration, rate))
