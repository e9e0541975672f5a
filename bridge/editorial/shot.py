"""Shots: what is known about a clip that work can be done on, in frames of its own media."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import msgspec
import opentimelineio as otio

from bridge.editorial.media_location import MediaLocation, find_media
from bridge.editorial.rates import exact_rate, frames_at, seconds
from bridge.editorial.timeline import OpenTimeline
from bridge.editorial.video_clips import VideoClip, duration_of
from contract.errors import BadTimeline
from contract.image_sequence import ImageSequence
from contract.timecode import timecode

Probe = Callable[[str], int]
"""Start timecode of a movie in frames of its own rate, 0 when it carries none."""


class Shot(msgspec.Struct, frozen=True):
    """One clip of a timeline, the whole of it or a part.

    Media time: `frame_count` frames of `media_path` from `source_start` (0 is the media's first frame) at `rate`
    (numerator, denominator) are seen in the timeline; `handles` more are there before and after (after is 0 when the
    timeline does not give the media's length). `source_offset` is the part of the first frame, a fraction in [0, 1),
    that the cut leaves out: not 0 only where a clip's rate differs from its timeline's.

    Record time: the shot lies at `record_start` for `record_frames`, in frames of `timeline_rate` counted from the
    timeline's first frame, which itself has the number `timeline_start`.

    Identity: `index` is the number in `list_shots`, `address` the child indices from the stack of tracks to the clip,
    `track_index` the layer's place in its stack (OTIO order, bottom 0, audio counted), `track_number` the N of VN;
    `part` are the first and last frame (both included, 0 is the clip's first visible frame) of a chosen range,
    which begins `part_offset` timeline frames after the clip does. `dissolves` are the timeline frames for which
    transitions show the clip before its record in and after its record out; a take does not reach there.
    """

    name: str
    index: int
    address: tuple[int, ...]
    track_index: int
    track_number: int
    track_name: str
    nested: bool
    media_path: str
    media_url: str
    sequence: ImageSequence | None
    media_start: int
    source_start: int
    source_offset: tuple[int, int]
    frame_count: int
    rate: tuple[int, int]
    handles: tuple[int, int]
    record_start: int
    record_frames: int
    timeline_rate: tuple[int, int]
    timeline_start: int
    part: tuple[int, int] | None = None
    part_offset: int = 0
    dissolves: tuple[int, int] = (0, 0)
    effects: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}

    @property
    def frame_rate(self) -> Fraction:
        """Media frames a second."""
        return Fraction(*self.rate)

    @property
    def record_timecodes(self) -> tuple[str, str]:
        """Record in and (excluded) record out, as an edit list shows them."""
        rate, first = Fraction(*self.timeline_rate), self.timeline_start + self.record_start
        return timecode(first, rate), timecode(first + self.record_frames, rate)


def read_shot(opened: OpenTimeline, found: VideoClip, index: int, probe: Probe | None = None) -> Shot:
    """The shot that a clip is. Raises BadTimeline with the reason when no work can be done on it."""
    clip = found.clip
    if not clip.enabled:
        raise BadTimeline("The clip is disabled.", "The timeline does not show it.", "Enable it and export again.")
    _refuse_speed_changes(found)
    media = find_media(clip, opened.media_base, opened.media_search)
    source, available, rate = _ranges(clip)
    media_start = _media_start(source, available, rate, media, probe)
    start, length = frames_at(source.start_time, rate) - media_start, frames_at(source.duration, rate)
    if rate == opened.rate:
        # Resolve writes starts such as 37008.099992. At the timeline's own rate every timeline frame shows one media
        # frame, so a fraction of a frame means nothing.
        start, length = Fraction(round(start)), Fraction(max(1, round(length)))
    first, count = _whole_frames(start, length, _length(available, rate, media))
    after = max(0, _length(available, rate, media) - first - count)
    depth = found.layer_depth
    if len(found.chain) > depth + 1:
        raise BadTimeline(
            "The clip is in a track inside a track.",
            "There is no stack in which a new track could lie directly above it.",
            "Open or decompose the nested track in your editor and export again.",
        )
    record_in = found.record_start() * opened.rate
    record_out = record_in + seconds(duration_of(clip)) * opened.rate
    if round(record_out) == round(record_in):
        raise BadTimeline("The clip is shorter than one frame of the timeline.", remedy="Choose a longer clip.")
    return Shot(
        name=clip.name or media.path.replace("\\", "/").rpartition("/")[2],
        index=index,
        address=found.address,
        track_index=found.address[depth - 1],
        track_number=found.track_number,
        track_name=found.chain[-1].name if isinstance(found.chain[-1], otio.schema.Track) else "",
        nested=found.nested,
        media_path=media.path,
        media_url=media.url,
        sequence=media.sequence,
        media_start=int(media_start),
        source_start=first,
        source_offset=(start - first).as_integer_ratio(),
        frame_count=count,
        rate=rate.as_integer_ratio(),
        handles=(first, after),
        record_start=round(record_in),
        record_frames=round(record_out) - round(record_in),
        timeline_rate=opened.rate.as_integer_ratio(),
        timeline_start=opened.start,
        dissolves=_dissolves(found, opened.rate),
        effects=tuple(effect.name or effect.effect_name for effect in clip.effects),
        metadata=json.loads(otio.core.serialize_json_to_string(clip.metadata)),
    )


def _dissolves(found: VideoClip, rate: Fraction) -> tuple[int, int]:
    parent = found.chain[-1]
    if not isinstance(parent, otio.schema.Track):
        return 0, 0
    # Neighbours by their index: `handles_of_child` looks for the clip in the whole track.
    index = found.address[-1]
    before = parent[index - 1] if index > 0 else None
    after = parent[index + 1] if index + 1 < len(parent) else None
    return (
        round(seconds(before.in_offset) * rate) if isinstance(before, otio.schema.Transition) else 0,
        round(seconds(after.out_offset) * rate) if isinstance(after, otio.schema.Transition) else 0,
    )


def _refuse_speed_changes(found: VideoClip) -> None:
    remedy = "Render it in place (or bake the speed change) in your editor and export again."
    for item in (found.clip, *found.chain):
        for effect in item.effects:
            if not isinstance(effect, otio.schema.TimeEffect) or not effect.enabled:
                continue
            scalar = getattr(effect, "time_scalar", None)
            if scalar == 1.0:
                continue
            where = "The clip" if item is found.clip else f"{item.name or 'The compound clip'!r}, which holds the clip,"
            if isinstance(effect, otio.schema.FreezeFrame) or scalar == 0:
                what = f"{where} is a freeze frame."
            elif scalar is None:
                what = f"{where} has a variable speed change ({effect.name or effect.effect_name or 'time effect'})."
            elif scalar < 0:
                what = f"{where} runs backwards ({scalar * 100:g} % speed)."
            else:
                what = f"{where} has a speed change ({scalar * 100:g} %)."
            raise BadTimeline(
                what, "Editors retime with their own frame blending, which a file cannot carry over exactly.", remedy
            )


def _ranges(
    clip: otio.schema.Clip,
) -> tuple[otio.opentime.TimeRange, otio.opentime.TimeRange | None, Fraction]:
    """The clip's source range, its media's range if known, and the media's rate."""
    reference = clip.media_reference
    available = reference.available_range
    if available is not None and available.duration.value <= 0:
        available = None
    source = clip.source_range or available
    if source is None:
        raise BadTimeline(
            "The clip does not say which part of its media it shows.",
            "It has neither a source range nor an available range.",
            "Export the timeline again with its media online.",
        )
    if source.duration.value <= 0:
        raise BadTimeline("The clip has no frames.", remedy="Choose a clip with at least one frame.")
    if available is not None:
        return source, available, exact_rate(available.duration.rate)
    if isinstance(reference, otio.schema.ImageSequenceReference) and reference.rate > 1:
        return source, None, exact_rate(reference.rate)
    return source, None, exact_rate(source.duration.rate)


def _media_start(
    source: otio.opentime.TimeRange,
    available: otio.opentime.TimeRange | None,
    rate: Fraction,
    media: MediaLocation,
    probe: Probe | None,
) -> Fraction:
    """Number that the timeline gives to the media's first frame.

    Without an available range the media itself is asked: source ranges then count from its start timecode (or a
    sequence's first number). Some applications count from 0 all the same; a range that begins before the media's
    first frame can only be meant so.
    """
    if available is not None:
        return frames_at(available.start_time, rate)
    if media.counts_from is not None:
        return Fraction(media.counts_from)
    if media.sequence is not None:
        start = Fraction(media.sequence.first)
    else:
        start = Fraction(probe(media.path) if probe else 0)
    return start if frames_at(source.start_time, rate) >= start else Fraction(0)


def _length(available: otio.opentime.TimeRange | None, rate: Fraction, media: MediaLocation) -> int:
    """Frames of the media, 0 when unknown."""
    if available is not None:
        return math.ceil(frames_at(available.duration, rate))
    return media.sequence.count if media.sequence is not None else 0


def _whole_frames(start: Fraction, length: Fraction, media_length: int) -> tuple[int, int]:
    """First frame and number of frames that cover a range of media frames, which may begin and end within frames."""
    first, end = math.floor(start), math.ceil(start + length)
    if media_length and media_length < end < media_length + 1 + (start != first):
        end = media_length
    if first < 0 or (media_length and end > media_length):
        raise BadTimeline(
            "The clip shows frames that its media does not have.",
            f"It wants frames {first} to {end - 1}; the timeline says that the media has {media_length or 'no such'}"
            " frames, counted from 0.",
            "Relink the clip to the right media and export again.",
        )
    return first, end - first
