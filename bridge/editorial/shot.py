"""Shots: what is known about a clip that work can be done on, in frames of its own media."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import msgspec
import opentimelineio as otio

from bridge.editorial.clip_media.media_location import MediaLocation, find_media
from bridge.editorial.clip_media.media_range import ClipTimes, MediaFacts, MediaRange, read_media_range
from bridge.editorial.rates import exact_rate, is_frame_rate, is_usable_time, seconds
from bridge.editorial.timeline import OpenTimeline
from bridge.editorial.video_clips import VideoClip
from bridge.editorial.visibility import RecordRange, SeenPart, clip_above, record_range, refuse_hidden, seen_of
from contract.counting import counted
from contract.errors import BadTimeline
from contract.image_sequence import ImageSequence
from contract.printable import one_line
from contract.timecode import timecode

Probe = Callable[[str, Fraction | None], MediaFacts]
"""What a movie is, at its own rate, or laid on the grid of another one (see `media.probe.probe`)."""


class Shot(msgspec.Struct, frozen=True):
    """One clip of a timeline, the whole of it or a part.

    Media time: `frame_count` frames of `media_path` from `source_start` (0 is the media's first frame) at `rate`
    (numerator, denominator) are seen in the timeline; `handles` more are there before and after (after is 0 when the
    timeline does not give the media's length). `media_rate` is what frames are counted at in the file: another rate
    than `rate` only where the timeline plays the file's frames at another speed, one to one. `source_offset` is the
    part of the first frame, a fraction in [0, 1), that the cut leaves out: not 0 only where a clip's rate differs from
    its timeline's.

    Record time: the shot lies at `record_start` for `record_frames`, in frames of `timeline_rate` counted from the
    timeline's first frame, which itself has the number `timeline_start`.

    Identity: `index` is the number in `list_shots`, `address` the child indices from the stack of tracks to the clip,
    `track_index` the layer's place in its stack (OTIO order, bottom 0, audio counted), `track_number` the N of VN;
    `part` are the first and last frame (both included, 0 is the clip's first visible frame) of a chosen range,
    which begins `part_offset` timeline frames after the clip does. `seen` is the part of the clip that tracks and
    compound clips around it leave to be seen, where that is not all of it; the rest belongs neither to shot nor part.
    `dissolves` are the timeline frames for which transitions show the clip before its record in and after its record
    out; a take does not reach there.

    `notices` are sentences about what was uncertain, or read otherwise than the timeline says.
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
    media_rate: tuple[int, int]
    handles: tuple[int, int]
    record_start: int
    record_frames: int
    timeline_rate: tuple[int, int]
    timeline_start: int
    part: tuple[int, int] | None = None
    part_offset: int = 0
    seen: SeenPart | None = None
    dissolves: tuple[int, int] = (0, 0)
    effects: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}
    notices: tuple[str, ...] = ()

    @property
    def frame_rate(self) -> Fraction:
        """Media frames a second."""
        return Fraction(*self.rate)

    @property
    def offset_in_clip(self) -> Fraction | int:
        """Timeline frames from the clip's own beginning to the shot's."""
        return self.part_offset + (Fraction(*self.seen.before) if self.seen is not None else 0)

    @property
    def record_timecodes(self) -> tuple[str, str]:
        """Record in and (excluded) record out, as an edit list shows them."""
        rate, first = Fraction(*self.timeline_rate), self.timeline_start + self.record_start
        return timecode(first, rate), timecode(first + self.record_frames, rate)


def read_shot(
    opened: OpenTimeline, found: VideoClip, index: int, probe: Probe | None = None, *, compare: bool = True
) -> Shot:
    """The shot that a clip is. Raises BadTimeline with the reason when no work can be done on it, and BadMedia.

    What the timeline says about the media is compared with what `probe` says; without `compare` the media is asked
    only where the timeline alone does not give the frames.
    """
    clip = found.clip
    refuse_hidden(found)
    _refuse_speed_changes(found)
    media = find_media(clip, opened.media_base, opened.media_search)
    source = _source_range(clip)
    record = record_range(found, opened.rate)
    source = seen_of(source, record.seen, opened.rate)
    times = ClipTimes(source, _available_range(clip, opened), opened.rate, *_sequence_facts(clip, media, compare))
    shown = _media_range(times, media, probe, compare)
    sequence = media.sequence
    if sequence is not None and times.image_count:
        sequence = msgspec.structs.replace(sequence, count=times.image_count)
    depth = found.layer_depth
    if len(found.chain) > depth + 1:
        raise BadTimeline(
            "The clip is in a track inside a track.",
            "There is no stack in which a new track could lie directly above it.",
            "Open or decompose the nested track in your editor and export again.",
        )
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
        sequence=sequence,
        media_start=int(shown.media_start),
        source_start=shown.first,
        source_offset=shown.offset.as_integer_ratio(),
        frame_count=shown.count,
        rate=shown.rate.as_integer_ratio(),
        media_rate=shown.media_rate.as_integer_ratio(),
        handles=(shown.first, max(0, shown.media_count - shown.first - shown.count)),
        record_start=record.first,
        record_frames=record.count,
        timeline_rate=opened.rate.as_integer_ratio(),
        timeline_start=opened.start,
        seen=record.seen,
        dissolves=_dissolves(found, opened.rate),
        effects=tuple(effect.name or effect.effect_name for effect in clip.effects),
        metadata=json.loads(otio.core.serialize_json_to_string(clip.metadata)),
        notices=(*shown.notices, *_notices(opened, found, record)) if compare else (),
    )


def _notices(opened: OpenTimeline, found: VideoClip, record: RecordRange) -> Iterator[str]:
    order = opened.stack_order
    if order.notice:
        yield order.notice
    if record.hidden:
        yield (
            f"A range around the clip hides {counted(record.hidden, 'frame')} of it; the take is made for what "
            f"is seen, {counted(record.count, 'frame')} of the timeline."
        )
    above = clip_above(opened.timeline, found)
    if above is not None:
        yield (
            f"{_named(above.clip)} on V{above.track_number} lies above the whole clip. Where it is opaque, it hides "
            "the clip and the take."
        )
    if found.after_retime:
        yield (
            "A speed change lies before the clip. Programs count its length in two ways, so record times may differ "
            "from your editor's. The take's track repeats the speed change, so the take lies above the clip in both."
        )


def _named(clip: otio.schema.Clip) -> str:
    return f'"{one_line(clip.name)}"' if clip.name else "A clip"


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


def _source_range(clip: otio.schema.Clip) -> otio.opentime.TimeRange:
    """What the clip shows: its source range, or all of its media."""
    source = clip.source_range or _usable(clip.media_reference.available_range)
    if source is None:
        raise BadTimeline(
            "The clip does not say which part of its media it shows.",
            "It has neither a source range nor an available range.",
            "Export the timeline again with its media online.",
        )
    if not source.duration.value > 0:
        raise BadTimeline("The clip has no frames.", remedy="Choose a clip with at least one frame.")
    return source


def _available_range(clip: otio.schema.Clip, opened: OpenTimeline) -> otio.opentime.TimeRange | None:
    """The media's range. Kdenlive writes its length in frames of the project, with the media's rate beside it."""
    available = _usable(clip.media_reference.available_range)
    if available is None or not opened.stack_order.kdenlive:
        return available
    rate = float(opened.rate)
    length = otio.opentime.RationalTime(available.duration.value, rate)
    return otio.opentime.TimeRange(available.start_time, length)


def _usable(available: otio.opentime.TimeRange | None) -> otio.opentime.TimeRange | None:
    """A range of media that says something; others count as not given."""
    if available is None or not is_usable_time(available.start_time) or not is_usable_time(available.duration):
        return None
    return available if available.duration.value > 0 else None


def _sequence_facts(
    clip: otio.schema.Clip, media: MediaLocation, compare: bool
) -> tuple[Fraction | None, int, int | None]:
    """An image sequence's own rate, the number of its images, and the number of the first one."""
    if media.sequence is None:
        return None, 0, None
    reference, sequence = clip.media_reference, media.sequence
    first = sequence.first if media.counts_from is None else media.counts_from
    own = None
    if isinstance(reference, otio.schema.ImageSequenceReference):
        own = exact_rate(reference.rate) if is_frame_rate(reference.rate) else None
        available = _usable(reference.available_range)
        if compare and available is not None and exact_rate(available.duration.rate) != own:
            # Its length is not in images: they are counted.
            return own, _images_there(sequence), first
    return own, sequence.count, first


def _images_there(sequence: ImageSequence) -> int:
    """Images of the sequence on the disk, up to the last one."""
    numbered = re.compile(re.escape(sequence.prefix) + r"(\d+)" + re.escape(sequence.suffix))
    numbers = [int(match[1]) for match in map(numbered.fullmatch, os.listdir(sequence.folder)) if match]
    return (max(numbers, default=sequence.first - 1) - sequence.first) // sequence.step + 1


def _media_range(times: ClipTimes, media: MediaLocation, probe: Probe | None, compare: bool) -> MediaRange:
    if media.sequence is not None or probe is None:
        return read_media_range(times)
    counting = times.available or times.source
    rate = exact_rate(counting.duration.rate)
    if not compare and times.available is not None and is_frame_rate(rate):
        try:
            return read_media_range(times)
        except BadTimeline:
            pass  # the media may have more frames than the timeline says
    facts = probe(media.path, None)
    if facts.variable_rate and is_frame_rate(rate) and rate != facts.rate:
        # As editors do: each frame of the timeline's rate shows the picture that is due.
        facts = probe(media.path, rate)
    return read_media_range(times, facts)
