"""A shot as it travels: a timeline of that one clip at its place, and the media behind it under plain names."""

from __future__ import annotations

import os
from collections.abc import Sequence as Many
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from bridge.editorial.clip_list import Shot
from bridge.editorial.rates import as_time
from bridge.editorial.timeline import OpenTimeline
from bridge.editorial.visibility import seen_of
from bridge.files.relative_paths import safe_name
from contract.errors import BadTimeline
from contract.image_sequence import ImageSequence

TIMELINE = "shot.otio"
"""The timeline's place in the parcel; media is in the folder `media` beside it."""


@dataclass(frozen=True)
class ShotBundle:
    """What is sent: `timeline` under the name TIMELINE, and each of `files` (its place in the parcel, its path here).

    Sent so, the shot has the frames, rate and record position that it
    has here; other clips, tracks and effects stay here.
    """

    timeline: bytes
    files: tuple[tuple[str, Path], ...]


def pack_shot(opened: OpenTimeline, shot: Shot, sequence_count: int = 0) -> ShotBundle:
    """The bundle of a shot. `sequence_count` is the number of a sequence's images where the timeline gives none.

    A chosen part travels as the whole clip: name the same part again over there. Raises BadTimeline.
    """
    clip = _clip_at(opened.timeline, shot.address)
    reference = clip.media_reference
    sent = otio.schema.Clip(shot.name, source_range=_seen_range(clip, shot))
    if shot.sequence is None:
        name = safe_name(os.path.basename(shot.media_path))
        files = [(f"media/{name}", Path(shot.media_path))]
        sent.media_reference = otio.schema.ExternalReference(f"media/{name}", reference.available_range)
    else:
        there = _plain_sequence(shot.sequence, sequence_count)
        files = [
            (f"media/{os.path.basename(there.image(index))}", Path(shot.sequence.image(index)))
            for index in range(there.count)
        ]
        sent.media_reference = otio.schema.ImageSequenceReference(
            "media/",
            there.prefix,
            there.suffix,
            there.first,
            there.step,
            float(shot.frame_rate),
            there.padding,
            available_range=reference.available_range or _counted(shot, there),
        )
    timeline = otio.schema.Timeline(opened.timeline.name, global_start_time=as_time(opened.start, opened.rate))
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    before = shot.record_start - shot.part_offset
    if before:
        track.append(otio.schema.Gap(duration=as_time(before, opened.rate)))
    track.append(sent)
    timeline.tracks.append(track)
    text = otio.adapters.write_to_string(timeline, "otio_json")
    return ShotBundle(text.encode() + b"\n", tuple(files))


def _counted(shot: Shot, sequence: ImageSequence) -> otio.opentime.TimeRange:
    """The sequence's range in the count of the timeline, which did not write it down."""
    return otio.opentime.TimeRange(as_time(shot.media_start, shot.frame_rate), as_time(sequence.count, shot.frame_rate))


def _seen_range(clip: otio.schema.Clip, shot: Shot) -> otio.opentime.TimeRange | None:
    """The clip's source range, without what tracks and compound clips around it hide: these stay here."""
    if shot.seen is None:
        return clip.source_range
    return seen_of(clip.trimmed_range(), shot.seen, Fraction(*shot.timeline_rate))


def _clip_at(timeline: otio.schema.Timeline, address: Many[int]) -> otio.schema.Clip:
    # Parents are kept in a list: OTIO's children do not keep them alive.
    way: list[otio.core.Composable] = [timeline.tracks]
    for index in address:
        parent = way[-1]
        if not isinstance(parent, otio.core.Composition) or index >= len(parent):
            raise BadTimeline("The shot is not from this timeline.", remedy="Select the clip again.")
        way.append(parent[index])
    if not isinstance(way[-1], otio.schema.Clip):
        raise BadTimeline("The shot is not from this timeline.", remedy="Select the clip again.")
    return way[-1].deepcopy()


def _plain_sequence(sequence: ImageSequence, count: int) -> ImageSequence:
    """The same numbers under a name that every system takes."""
    stem = safe_name(sequence.prefix.rstrip("._- ") or "image")
    suffix = "." + safe_name(sequence.suffix.rpartition(".")[2] or "img")
    count = sequence.count or count
    padding = max(sequence.padding, 1)
    return ImageSequence("media", f"{stem}.", suffix, sequence.first, sequence.step, padding, count)
