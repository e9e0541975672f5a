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
    first (V1, V2, ...); a clip inside a compound clip has the number of the compound clip's track.
    """

    clip: otio.schema.Clip
    address: tuple[int, ...]
    chain: tuple[otio.core.Composition, ...]
    track_number: int

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
        position = Fraction(0)
        for parent, index in zip(reversed(self.chain), reversed(self.address), strict=True):
            position += start_in(parent, index)
            if parent.source_range is not None:
                position -= seconds(parent.source_range.start_time)
        return position


def is_video(item: otio.core.Composable) -> bool:
    """Whether a layer of a stack carries pictures: every video track, and whatever is no track at all."""
    return not isinstance(item, otio.schema.Track) or (item.kind or "Video").lower() == "video"


def walk_video_clips(timeline: otio.schema.Timeline) -> Iterator[VideoClip]:
    """Every clip on the timeline's video tracks, those inside compound clips too, bottom track first."""
    stack = timeline.tracks
    number = 0
    for index, layer in enumerate(stack):
        if is_video(layer):
            number += 1
            yield from _walk(layer, (index,), (stack,), number)


def _walk(
    item: otio.core.Composable, address: tuple[int, ...], chain: tuple[otio.core.Composition, ...], number: int
) -> Iterator[VideoClip]:
    if isinstance(item, otio.schema.Clip):
        yield VideoClip(item, address, chain, number)
    elif isinstance(item, otio.core.Composition):
        for index, child in enumerate(item):
            if is_video(child):
                yield from _walk(child, (*address, index), (*chain, item), number)


def start_in(parent: otio.core.Composition, index: int) -> Fraction:
    """Seconds from the parent's own zero to its child at `index`; children of a stack all start at zero."""
    if isinstance(parent, otio.schema.Stack):
        return Fraction(0)
    return sum((seconds(duration_of(child)) for child in items_before(parent, index)), Fraction(0))


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
