"""What is seen of a clip: disabled tracks and compound clips hide it, their ranges trim it."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import opentimelineio as otio

from bridge.editorial.rates import exact_rate, seconds
from bridge.editorial.stack_order import OWN_TRACK
from bridge.editorial.video_clips import VideoClip, duration_of, walk_video_clips
from contract.errors import BadTimeline


class SeenPart(msgspec.Struct, frozen=True):
    """What the ranges around a clip leave to be seen of it, in frames of the timeline.

    `before` frames (numerator, denominator) of the clip are hidden, then `count` are seen.
    """

    before: tuple[int, int]
    count: int


class RecordRange(msgspec.Struct, frozen=True):
    """Where a clip is seen, in frames of the timeline; `seen` is None where all is, else `hidden` frames are not."""

    first: int
    count: int
    seen: SeenPart | None = None
    hidden: int = 0


def record_range(found: VideoClip, rate: Fraction) -> RecordRange:
    """Where the clip lies, without what the ranges around it hide. Raises BadTimeline when nothing of it is seen."""
    begin = found.record_start()
    end = begin + seconds(duration_of(found.clip))
    first, last = round(begin * rate), round(end * rate)
    if first == last:
        raise BadTimeline("The clip is shorter than one frame of the timeline.", remedy="Choose a longer clip.")
    opens, closes = found.window
    seen_first = max(first, round(opens * rate))
    seen_last = last if closes is None else min(last, round(closes * rate))
    if seen_first >= seen_last:
        holders = [repr(item.name or item.schema_name()) for item in found.chain if item.source_range is not None]
        raise BadTimeline(
            "The clip is not shown.",
            f"It lies outside of the range that {' and '.join(holders)} shows of what is in it.",
            "Choose a clip that is seen, or extend that range in your editor and export again.",
        )
    count, hidden = seen_last - seen_first, seen_first - first + last - seen_last
    if not hidden:
        return RecordRange(first, count)
    # Exact: a clip need not begin on a frame of the timeline.
    before = seen_first - begin * rate if seen_first > first else Fraction(0)
    return RecordRange(seen_first, count, SeenPart(before.as_integer_ratio(), count), hidden)


def seen_of(source: otio.opentime.TimeRange, seen: SeenPart | None, rate: Fraction) -> otio.opentime.TimeRange:
    """The part of a clip's source range that is seen in a timeline of `rate`."""
    if seen is None:
        return source
    start, length = source.start_time, source.duration
    begin = start.value + Fraction(*seen.before) * exact_rate(start.rate) / rate
    shown = seen.count * exact_rate(length.rate) / rate
    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(float(begin), start.rate), otio.opentime.RationalTime(float(shown), length.rate)
    )


def refuse_hidden(found: VideoClip) -> None:
    if not found.clip.enabled:
        raise BadTimeline("The clip is disabled.", "The timeline does not show it.", "Enable it and export again.")
    for item in found.chain:
        if not item.enabled:
            kind = "track" if isinstance(item, otio.schema.Track) else "compound clip"
            named = f'The {kind} "{item.name}"' if item.name else f"A {kind}"
            raise BadTimeline(
                "The clip is not shown.",
                f"{named}, which holds it, is disabled.",
                f"Enable the {kind} in your editor and export again, or choose a clip that is seen.",
            )


def clip_above(timeline: otio.schema.Timeline, found: VideoClip) -> VideoClip | None:
    """Footage without effects that lies above the whole of a clip; where it is opaque, the clip is not seen."""
    begin = found.record_start()
    end = begin + seconds(duration_of(found.clip))
    return next(
        (each for each in walk_video_clips(timeline) if _is_above(each, found) and _covers(each, begin, end)), None
    )


def _is_above(one: VideoClip, other: VideoClip) -> bool:
    levels = zip(one.height, other.height, other.chain, strict=False)
    differing = next(((mine, theirs, holder) for mine, theirs, holder in levels if mine != theirs), None)
    return differing is not None and isinstance(differing[2], otio.schema.Stack) and differing[0] > differing[1]


def _covers(one: VideoClip, begin: Fraction, end: Fraction) -> bool:
    if not isinstance(one.clip.media_reference, otio.schema.ExternalReference) or one.clip.effects:
        return False
    if not one.clip.enabled or not all(item.enabled and not item.effects for item in one.chain):
        return False
    if any(item.name.startswith(OWN_TRACK) for item in one.chain):
        return False
    try:
        first = one.record_start()
        last = first + seconds(duration_of(one.clip))
    except BadTimeline:
        return False
    opens, closes = one.window
    return max(first, opens) <= begin and end <= (last if closes is None else min(last, closes))
