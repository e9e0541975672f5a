"""Where the video clips of a timeline sit: tracks, compound clips, and exact record positions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import opentimelineio as otio

from bridge.editorial.rates import seconds
from bridge.editorial.stack_order import stack_order
from contract.errors import BadTimeline

Window = tuple[Fraction, Fraction | None]


@dataclass(frozen=True)
class VideoClip:
    """One clip and its way down from the timeline's stack of tracks.

    `address` holds child indices from the stack of tracks to the clip; `chain` the compositions on that way, the stack
    of tracks first and the clip's own parent last. `track_number` counts the timeline's video tracks from 1, bottom
    first (V1, V2, ...); a clip inside a compound clip has the number of the compound clip's track. `height` sorts clips
    from the bottom track up. `start` is what `record_start` returns, or raises.

    `window` are the seconds of the timeline, from and to (None: no end), that the ranges of `chain` leave to be seen.
    `after_retime`: a speed change lies before the clip, so that programs disagree on its position.
    """

    clip: otio.schema.Clip
    address: tuple[int, ...]
    chain: tuple[otio.core.Composition, ...]
    track_number: int
    height: tuple[int, ...]
    start: Fraction | BadTimeline
    window: Window = (Fraction(0), None)
    after_retime: bool = False

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


def is_retimed(item: otio.core.Item) -> bool:
    """Whether the item's length depends on the program: its own speed changes, or that of what gives its length."""
    if any(
        isinstance(effect, otio.schema.TimeEffect) and effect.enabled and getattr(effect, "time_scalar", None) != 1.0
        for effect in item.effects
    ):
        return True
    if not isinstance(item, otio.core.Composition) or item.source_range is not None:
        return False
    return any(is_retimed(child) for child in item if isinstance(child, otio.core.Item))


def walk_video_clips(timeline: otio.schema.Timeline) -> Iterator[VideoClip]:
    """Every clip on the timeline's video tracks, those inside compound clips too, in the order of the file.

    Each item is visited once, whatever the number of clips.
    """
    stack = timeline.tracks
    top_first = stack_order(timeline).top_first
    window = _narrowed((Fraction(0), None), stack, Fraction(0))
    whole = _Place((), (stack,), (), _zero_of(stack, Fraction(0)), window, False)
    layers = [index for index, layer in enumerate(stack) if is_video(layer)]
    for count, index in enumerate(layers, start=1):
        number = len(layers) + 1 - count if top_first else count
        yield from _walk(stack[index], whole.child(index, top_first), number, top_first)


@dataclass(frozen=True)
class _Place:
    """Where an item is; see VideoClip."""

    address: tuple[int, ...]
    chain: tuple[otio.core.Composition, ...]
    height: tuple[int, ...]
    start: Fraction | BadTimeline
    window: Window
    after_retime: bool

    def child(self, index: int, top_first: bool) -> _Place:
        in_stack = isinstance(self.chain[-1], otio.schema.Stack)
        height = (*self.height, -index if in_stack and top_first else index)
        return replace(self, address=(*self.address, index), height=height)


def _walk(item: otio.core.Composable, place: _Place, number: int, top_first: bool) -> Iterator[VideoClip]:
    if isinstance(item, otio.schema.Clip):
        at = place
        yield VideoClip(item, at.address, at.chain, number, at.height, at.start, at.window, at.after_retime)
    elif isinstance(item, otio.core.Composition):
        window = _narrowed(place.window, item, place.start)
        inside = replace(place, chain=(*place.chain, item), start=_zero_of(item, place.start), window=window)
        in_a_row = not isinstance(item, otio.schema.Stack)
        for index, child in enumerate(item):
            if is_video(child):
                yield from _walk(child, inside.child(index, top_first), number, top_first)
            # Transitions overlap their neighbours and fill nothing; children of a stack all start together.
            if in_a_row and isinstance(child, otio.core.Item):
                retimed = inside.after_retime or is_retimed(child)
                inside = replace(inside, start=_after(inside.start, child), after_retime=retimed)


def _narrowed(window: Window, item: otio.core.Composition, start: Fraction | BadTimeline) -> Window:
    """What is left of a window by an item that begins at `start` and shows its own range of what it holds."""
    if item.source_range is None or isinstance(start, BadTimeline):
        return window
    try:
        end = start + seconds(item.source_range.duration)
    except BadTimeline:
        return window
    first, last = window
    return max(first, start), end if last is None else min(last, end)


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
    error: Exception | None = None
    try:
        length = item.duration()
        if not math.isnan(length.value):
            return length
    except (otio.exceptions.OTIOError, NotImplementedError) as problem:
        error = problem  # NotImplementedError: an object of OTIO's abstract kind Item.
    raise BadTimeline(
        f"{item.name or item.schema_name()!r} has no length in the timeline.",
        "Neither its source range nor the range of its media gives one, so nothing behind it has a position.",
        "Put its media online, or give it a length or delete it in your editor, and export the timeline again.",
    ) from error
