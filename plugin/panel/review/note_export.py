"""Exports notes: a CSV table, and markers in an OTIO timeline."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from bridge.editorial.rates import as_time
from contract.atomic_file import write_atomically
from contract.image_sequence import ImageSequence
from contract.timecode import timecode
from plugin.review_media.slices import MediaSlice, Reviewed

COLUMNS = (
    "take", "id", "status", "seed", "first frame", "last frame", "timecode in", "timecode out", "category", "note",
    "author", "written",
)  # fmt: skip
_COLOURS = {
    "look": "PURPLE", "placement": "CYAN", "motion": "BLUE", "matte": "RED", "light": "YELLOW", "technical": "ORANGE",
}  # fmt: skip


def notes_csv(reviewed: Sequence[Reviewed], rate: Fraction, start: int, drop: bool | None = None) -> str:
    """A line for every note; a take without notes has one line with its status. Frames count from the take's first.

    `start` is the shot's start timecode in frames.
    """
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for each in reviewed:
        facts = (each.take.label, each.take.id, each.status, each.take.take.seed)
        begin = start + each.take.offset
        for note in each.notes:
            codes = (timecode(begin + frame, rate, drop) for frame in (note.first, note.last))
            table.writerow([*facts, note.first, note.last, *codes, note.category, note.text, note.author, note.created])
        if not each.notes:
            table.writerow([*facts, *[""] * 8])
    return text.getvalue()


def write_csv(path: Path, reviewed: Sequence[Reviewed], rate: Fraction, start: int, drop: bool | None = None) -> None:
    """Write `notes_csv` in UTF-8 with a byte order mark, for spreadsheets. Raises OutOfDisk."""
    write_atomically(path, notes_csv(reviewed, rate, start, drop).encode("utf-8-sig"))


def markers_of(reviewed: Reviewed, rate: Fraction, start: int) -> list[otio.schema.Marker]:
    """A marker for every note; ranges count in the shot's timecode."""
    markers = []
    for note in reviewed.notes:
        first = as_time(start + reviewed.take.offset + note.first, rate)
        marked = otio.opentime.TimeRange(first, as_time(note.last - note.first + 1, rate))
        marker = otio.schema.Marker(
            name=(note.text.splitlines() or [""])[0][:60] or note.category,
            marked_range=marked,
            color=_COLOURS.get(note.category, "GREEN"),
            comment=note.text,
        )
        details = {"category": note.category, "author": note.author, "created": note.created, "take": reviewed.take.id}
        marker.metadata["dynvfx"] = {key: value for key, value in details.items() if value}
        markers.append(marker)
    return markers


def notes_timeline(
    name: str, original: MediaSlice, reviewed: Sequence[Reviewed], rate: Fraction, start: int
) -> otio.schema.Timeline:
    """The shot with the takes on tracks above it; every take's clip carries its notes as markers."""
    timeline = otio.schema.Timeline(name, global_start_time=as_time(start, rate))
    shot = _clip(original.name, _url(original.path), start, original.count, rate)
    timeline.tracks.append(_track("Original", [shot]))
    for each in reviewed:
        count = each.take.count or original.count - each.take.offset
        clip = _clip(each.take.label, _url(each.take.composite), start + each.take.offset, count, rate)
        clip.metadata["dynvfx"] = {"take": each.take.id, "status": each.status, "seed": each.take.take.seed}
        clip.markers.extend(markers_of(each, rate, start))
        gap = [otio.schema.Gap(duration=as_time(each.take.offset, rate))] if each.take.offset else []
        timeline.tracks.append(_track(each.take.label, [*gap, clip]))
    return timeline


def write_markers(path: Path, original: MediaSlice, reviewed: Sequence[Reviewed], rate: Fraction, start: int) -> None:
    """Write `notes_timeline` as an .otio file. Raises OutOfDisk."""
    timeline = notes_timeline(path.stem, original, reviewed, rate, start)
    text = otio.adapters.write_to_string(timeline, "otio_json")
    write_atomically(path, text.encode())


def _clip(name: str, url: str, start: int, count: int, rate: Fraction) -> otio.schema.Clip:
    available = otio.opentime.TimeRange(as_time(start, rate), as_time(count, rate))
    reference = otio.schema.ExternalReference(target_url=url, available_range=available)
    return otio.schema.Clip(name, media_reference=reference, source_range=available)


def _track(name: str, items: list[otio.core.Item]) -> otio.schema.Track:
    track = otio.schema.Track(name, kind=otio.schema.TrackKind.Video)
    track.extend(items)
    return track


def _url(media: str | ImageSequence) -> str:
    return Path(media if isinstance(media, str) else media.image(0)).absolute().as_uri()
