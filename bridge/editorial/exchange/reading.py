"""What readers of other programs' timelines share: what they give back, and tracks from items with positions."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Many
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import opentimelineio as otio

from bridge.editorial.clip_media.media_search import MediaSearch
from bridge.editorial.rates import as_time
from contract.errors import BadTimeline


class CountedMedia(Protocol):
    """How a movie counts its frames. `start_timecode` is in frames of `rate`, None without one."""

    @property
    def rate(self) -> Fraction: ...
    @property
    def start_timecode(self) -> int | None: ...
    @property
    def drop_frame(self) -> bool: ...


AskMedia = Callable[[str], CountedMedia]
"""Looks at a movie by its path; raises a Problem."""


@dataclass(frozen=True)
class Reading:
    """What a reader may use: the folder of the file, where media is looked for, and what is known of its rate.

    rate: frames a second, where a person named them
    ask: looks at media, None where none may be looked at
    """

    base: Path
    search: MediaSearch = field(default_factory=MediaSearch)
    rate: Fraction | None = None
    ask: AskMedia | None = None


@dataclass(frozen=True)
class ReadTimelines:
    """The timelines of one file, and what was uncertain about them, as sentences."""

    timelines: list[otio.schema.Timeline]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Laid:
    """An item at its place: from `start` for `length`, in frames of the timeline from its first one."""

    start: Fraction
    length: Fraction
    item: otio.core.Item


def tracks_of(items: Many[Laid], rate: Fraction, name: str) -> list[otio.schema.Track]:
    """Video tracks that hold the items at their places; what overlaps goes to a further track above."""
    tracks: list[otio.schema.Track] = []
    ends: list[Fraction] = []
    for laid in sorted(items, key=lambda each: each.start):
        place = next((index for index, end in enumerate(ends) if end <= laid.start), len(tracks))
        if place == len(tracks):
            tracks.append(otio.schema.Track(name if not tracks else f"{name} ({place + 1})", kind="Video"))
            ends.append(Fraction(0))
        if laid.start > ends[place]:
            tracks[place].append(otio.schema.Gap(duration=as_time(laid.start - ends[place], rate)))
        tracks[place].append(laid.item)
        ends[place] = laid.start + laid.length
    return tracks


def timeline_of(name: str, tracks: Many[otio.schema.Track], start: int, rate: Fraction) -> otio.schema.Timeline:
    """A timeline whose first frame has the number `start`; the first track is the lowest."""
    timeline = otio.schema.Timeline(name, global_start_time=as_time(start, rate))
    timeline.tracks.extend(tracks)
    return timeline


def speed_change(factor: Fraction | float | None) -> otio.schema.TimeEffect | None:
    """The effect of a constant speed (1 is none), of a freeze (0), or of a speed that varies (None)."""
    if factor is None:
        return otio.schema.TimeEffect("speed", "variable speed")
    if factor == 0:
        return otio.schema.FreezeFrame("freeze")
    return None if factor == 1 else otio.schema.LinearTimeWarp("speed", float(factor))


def read_text(path: Path) -> str:
    """A text file in UTF-8, UTF-16 with its mark, or an older encoding of the West. Raises BadTimeline."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadTimeline(f"{path} cannot be read.", error.strerror or "", "Check the file's permissions.") from error
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")
