"""The content of a Resolve project, as plain data that can be compared and copied."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


@dataclass
class Marker:
    color: str
    name: str
    note: str
    duration: float
    custom: str


@dataclass
class PoolItem:
    uid: str
    name: str
    path: str
    frames: int
    rate: str
    start: int = 0
    """Number of the first frame: a sequence's first image, a movie's start timecode in frames."""
    audio: bool = False
    properties: dict[str, str] = field(default_factory=dict)
    third_party: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    timeline: str = ""


@dataclass
class Bin:
    uid: str
    name: str
    bins: list[Bin] = field(default_factory=list)
    clips: list[PoolItem] = field(default_factory=list)


@dataclass
class Take:
    pool: str
    first: int
    frames: int


@dataclass
class Item:
    """`first` is the first used media frame, counted from 0 at the media's own first frame, at the media's rate."""

    uid: str
    name: str
    pool: str | None
    start: int
    duration: int
    first: int = 0
    speed: Fraction = Fraction(1)
    color: str = ""
    enabled: bool = True
    properties: dict[str, Any] = field(default_factory=dict)
    markers: dict[float, Marker] = field(default_factory=dict)
    takes: list[Take] = field(default_factory=list)
    take: int = 0

    @property
    def end(self) -> int:
        return self.start + self.duration


@dataclass
class Track:
    name: str = ""
    locked: bool = False
    enabled: bool = True
    items: list[Item] = field(default_factory=list)


@dataclass
class Timeline:
    uid: str
    name: str
    start: int
    settings: dict[str, str]
    tracks: dict[str, list[Track]]
    markers: dict[float, Marker] = field(default_factory=dict)
    playhead: int = 0


@dataclass
class Project:
    uid: str
    name: str
    settings: dict[str, str]
    root: Bin
    timelines: list[Timeline] = field(default_factory=list)
    current_timeline: str = ""
    current_bin: str = ""
    jobs: list[str] = field(default_factory=list)


def rate_of(text: str) -> Fraction:
    """Exact frames per second of "23.976", "29.97 DF", "24"."""
    number = float(text.split()[0])
    whole = round(number)
    return Fraction(whole) if abs(number - whole) < 0.001 else Fraction(round(number * 1.001) * 1000, 1001)


def bins_below(root: Bin) -> list[Bin]:
    found = [root]
    for each in root.bins:
        found += bins_below(each)
    return found


def pool_items(project: Project) -> list[PoolItem]:
    return [clip for each in bins_below(project.root) for clip in each.clips]


def items_of(timeline: Timeline, kind: str = "") -> list[tuple[str, int, Item]]:
    """(track type, index from 1, item) of everything on the timeline."""
    return [
        (name, index, item)
        for name, tracks in timeline.tracks.items()
        if kind in ("", name)
        for index, track in enumerate(tracks, start=1)
        for item in track.items
    ]
