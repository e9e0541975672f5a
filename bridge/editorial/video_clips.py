"""Where the video clips of a timeline sit: tracks, compound clips, and exact record positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import opentimelineio as otio

from bridge.editorial.rates import seconds
from contract.errors import BadTimeline


@dataclass(frozen=True)
class VideoClip:
    """One clip and its way down from the timeline's stack of tracks.

    `address` holds child indices from the stack of tracks to the clip; `chain` the compositions on that way, the stack
    of tracks first and the clip's own parent last. `track_number` counts the timeline's video tracks from 1, bottom
    first (V1, V2, ...); a clip inside a compound clip has the number of the compound clip's track. `start` is what
    `record_start` returns, or raises.
    """

    clip: otio.schema.Clip
    address: tuple[int, ...]
    chain: tuple[otio.core.Composition, ...]
    track_number: int
    start: Fraction | BadTimeline

    @property
    def nested(self) -> bool:
        """Whether the clip is inside a compound (nested) clip."""
        return len(self.address) > 2

    @property
    def layer_depth(self) -> int:
        """Length of the address of the clip's layer: the track (or bare clip) that lies directly in a stack."""
        for depth in range(len(self.chain), 0, -1):
            if isinstance(self.chain[depth - 1], otio.schema.Stack):
                return depth
        raise BadTimeline("The clip is in no stack of tracks.", remedy="Export the timeline again.")

    def record_start(self) -> Fraction:
        """Seconds from the timeline's first frame to the clip's first visible frame.

        Raises BadTimeline when something before the clip has no length.
        """
        if isinstance(self.start, BadTimeline):
            # A new one each time: an exception keeps the frames that it came through.
            raise BadTimeline(self.start.what, self.start.why, self.start.remedy)
        return self.start


def is_video(item: otio.core.Composable) -> bool:
    """Whether a layer of a stack carries pictures: every video track, and whatever is no track at all."""
    return not isinstance(item, otio.schema.Track) or (item.kind or "Video").lower() == "video"


def walk_video_clips(timeline: otio.schema.Timeline) -> Iterator[VideoClip]:
    """Every clip on the timeline's video tracks, those inside compound clips too, bottom track first.

    Each item is visited once, whatever the number of clips.
    """
    stack = timeline.tracks
    start = _zero_of(stack, Fraction(0))
    number = 0
    for index, layer in enumerate(stack):
        if is_video(layer):
            number += 1
            yield from _walk(layer, (index,), (stack,), number, start)


def _walk(
    item: otio.core.Composable,
    address: tuple[int, ...],
    chain: tuple[otio.core.Composition, ...],
    number: int,
    start: Fraction | BadTimeline,
) -> Iterator[VideoClip]:
    if isinstance(item, otio.schema.Clip):
        yield VideoClip(item, address, chain, number, start)
    elif isinstance(item, otio.core.Composition):
        position = _zero_of(item, start)
        in_a_row = not isinstance(item, otio.schema.Stack)
        for index, child in enumerate(item):
            if is_video(child):
                yield from _walk(child, (*address, index), (*chain, item), number, position)
            # Transitions overlap their neighbours and fill nothing; children of a stack all start together.
            if in_a_row and isinstance(child, otio.core.Item):
                position = _after(position, child)


def _zero_of(item: otio.core.Composition, start: Fraction | BadTimeline) -> Fraction | BadTimeline:
    """Where the item's own zero is, when its first visible frame is at `start`."""
    if isinstance(start, BadTimeline) or item.source_range is None:
        return start
    try:
        return start - seconds(item.source_range.start_time)
    except BadTimeline as problem:
        return problem


def _after(position: Fraction | BadTimeline, item: otio.core.Item) -> Fraction | BadTimeline:
    if isinstance(position, BadTimeline):
        return position
    try:
        return position + seconds(duration_of(item))
    except BadTimeline as problem:
        return problem


def items_before(track: otio.core.Composition, index: int) -> list[otio.core.Item]:
    """What fills the track before its child at `index`; transitions overlap their neighbours and fill nothing."""
    return [child for position, child in enumerate(track) if position < index and isinstance(child, otio.core.Item)]


def duration_of(item: otio.core.Item) -> otio.opentime.RationalTime:
    """Record duration of a clip, gap or compound clip. Raises BadTimeline when it has none."""
    try:
        return item.duration()
    except (otio.exceptions.OTIOError, NotImplementedError) as error:
        # NotImplementedError: an object of OTIO's abstract kind Item.
        raise BadTimeline(
            f"{item.name or item.schema_name()!r} has no length in the timeline.",
            "Neither its source range nor the range of its media is given, so nothing behind it has a position.",
            "Export the timeline again, with its media online.",
        ) from error
