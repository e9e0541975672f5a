"""FCPXML, as Final Cut Pro and DaVinci Resolve export it, as timelines: a track for each lane.

Times are exact seconds. An item lies at its `offset` in its parent's local time, and its own local time begins with
its `start`. Items with a lane are connected to their parent: above it where the lane is positive, else below.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

import opentimelineio as otio

from bridge.editorial.exchange.fcpxml_resources import Resources, has_picture
from bridge.editorial.exchange.reading import Laid, Reading, ReadTimelines, speed_change, timeline_of, tracks_of
from bridge.editorial.exchange.xml_text import rational_seconds
from bridge.editorial.rates import as_time
from contract.errors import BadTimeline

ITEMS = frozenset("asset-clip clip video title gap ref-clip sync-clip mc-clip audition".split())
_COMPOUND = frozenset("ref-clip sync-clip mc-clip".split())
_DEEPEST = 20


def read_fcpxml(path: Path, root: Element, reading: Reading) -> ReadTimelines:
    """The projects of a file; without any, its compound clips. Raises BadTimeline."""
    document = FcpxmlDocument(root)
    timelines = document.timelines()
    if not timelines:
        raise BadTimeline(
            f"{path.name} holds no project.",
            "It holds clips of the browser alone.",
            "Select a project and export its XML.",
        )
    return ReadTimelines(timelines)


@dataclass(frozen=True)
class StorylineItem:
    """An element of a storyline: from `start` for `length` seconds of its container's time, on `lane`.

    `anchor` is the element that the lane belongs to: the element itself, its audition, or its own storyline.
    """

    element: Element
    start: Fraction
    length: Fraction
    lane: int
    anchor: Element


class FcpxmlDocument:
    """A file and where its elements lie."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self.resources = Resources(root)
        self.nodes = [each for each in root.iter() if isinstance(each.tag, str)]
        self._numbers = {id(each): number for number, each in enumerate(self.nodes)}
        self._zeros: dict[int, Fraction] = {}

    # Timelines --------------------------------------------------------------------------------------------------------

    def timelines(self) -> list[otio.schema.Timeline]:
        """Those of the projects, else those of the compound clips."""
        found = [each for each in self.nodes if each.find("sequence/spine") is not None]
        named = [each for each in found if each.tag == "project"] or [each for each in found if each.tag == "media"]
        return [self._timeline(each.get("name") or "project", each.find("sequence")) for each in named]

    def _timeline(self, name: str, sequence: Element | None) -> otio.schema.Timeline:
        assert sequence is not None, "it has been looked for"
        rate = self.resources.rate(sequence.get("format")) or self.resources.any_rate() or Fraction(24)
        start = rational_seconds(sequence.get("tcStart")) or Fraction(0)
        return timeline_of(name, self._tracks(self.placed_in(sequence), rate, 0), round(start * rate), rate)

    def _tracks(self, placed: Many[StorylineItem], rate: Fraction, depth: int) -> list[otio.schema.Track]:
        lanes: dict[int, list[Laid]] = {}
        cuts: dict[int, list[tuple[Fraction, Fraction]]] = {}
        for each in placed:
            first, end = round(each.start * rate), round((each.start + each.length) * rate)
            if each.element.tag == "transition":
                cuts.setdefault(each.lane, []).append((each.start * rate, (each.start + each.length) * rate))
                continue
            item = self._item(each, rate, end - first, depth) if end > first else None
            if item is not None:
                lanes.setdefault(each.lane, []).append(Laid(Fraction(first), Fraction(end - first), item))
        tracks = []
        for lane, laid in sorted(lanes.items()):
            name = "storyline" if lane == 0 else f"lane {lane}"
            for track in tracks_of(laid, rate, name):
                tracks.append(_with_transitions(track, cuts.get(lane, []), rate))
        return tracks

    # Where elements lie -----------------------------------------------------------------------------------------------

    def placed_in(self, container: Element) -> list[StorylineItem]:
        """Everything that lies in a sequence, a synchronised clip or an angle, and what is connected to it."""
        zero = self._zero_of(container)
        spine = container.find("spine")
        found: list[StorylineItem] = []
        self._walk(spine if spine is not None else container, -zero, 0, None, found)
        if spine is not None:
            self._connected(container, -zero, 0, found)
        return found

    def _walk(
        self, storyline: Element, origin: Fraction, lane: int, anchor: Element | None, found: list[StorylineItem]
    ) -> None:
        """The items of a storyline one behind the other. `origin` is where the zero of its offsets lies."""
        end = -origin
        for child in storyline:
            if child.tag == "transition":
                start = rational_seconds(child.get("offset")) or Fraction(0)
                length = rational_seconds(child.get("duration")) or Fraction(0)
                found.append(
                    StorylineItem(child, origin + start, length, lane, anchor if anchor is not None else child)
                )
            elif child.tag in ITEMS and _lane(child) == 0:
                offset = rational_seconds(child.get("offset"))
                start = origin + (end if offset is None else offset)
                end = start - origin + self._place(child, start, lane, anchor, found)
            elif child.tag in ITEMS or child.tag == "spine":
                self._connect(child, origin, lane, found)

    def _place(
        self, element: Element, start: Fraction, lane: int, anchor: Element | None, found: list[StorylineItem]
    ) -> Fraction:
        """One item, and what is connected to it; its length."""
        holder, element = element, _picked(element)
        length = self.length_of(element)
        found.append(StorylineItem(element, start, length, lane, anchor if anchor is not None else holder))
        if element.tag == "sync-clip" or element.tag == "clip" and _is_compound(element):
            return length  # what has a lane in it belongs to its contents
        self._connected(element, start - self.start_of(element), lane, found)
        return length

    def _connected(self, element: Element, origin: Fraction, lane: int, found: list[StorylineItem]) -> None:
        for child in element:
            if (child.tag in ITEMS or child.tag == "spine") and _lane(child) != 0:
                self._connect(child, origin, lane, found)

    def _connect(self, child: Element, origin: Fraction, lane: int, found: list[StorylineItem]) -> None:
        start = origin + (rational_seconds(child.get("offset")) or Fraction(0))
        if child.tag == "spine":
            first = next((each for each in child if each.tag in ITEMS), None)
            zero = (rational_seconds(first.get("offset")) if first is not None else None) or Fraction(0)
            self._walk(child, start - zero, lane + _lane(child), child, found)
        else:
            self._place(child, start, lane + _lane(child), child, found)

    def _zero_of(self, container: Element) -> Fraction:
        """The time in a container's own count at which it begins."""
        if id(container) not in self._zeros:
            first = rational_seconds(container.get("tcStart")) or Fraction(0)
            spine = container.find("spine")
            children = spine if spine is not None else container
            offsets = [
                rational_seconds(each.get("offset")) for each in children if each.tag in ITEMS and not _lane(each)
            ]
            known = [each for each in offsets if each is not None]
            if container.tag != "sequence" and not container.get("tcStart"):
                first = min(known, default=Fraction(0))
            # Some programs count offsets from the timecode of the start, some from 0.
            self._zeros[id(container)] = first if all(each >= first for each in known) else Fraction(0)
        return self._zeros[id(container)]

    def start_of(self, element: Element) -> Fraction:
        """Where an item's local time begins."""
        start = rational_seconds(element.get("start"))
        if start is not None:
            return start
        asset = self.resources.get(element.get("ref"), "asset")
        if asset is None:
            return Fraction(0)
        first, length = (rational_seconds(asset.get(name)) or Fraction(0) for name in ("start", "duration"))
        # Left out means 0, or the beginning of media that does not have that time.
        return Fraction(0) if first <= 0 < first + length else first

    def length_of(self, element: Element) -> Fraction:
        """Seconds for which an item is seen."""
        length = rational_seconds(element.get("duration"))
        if length is None:
            asset = self.resources.get(element.get("ref"), "asset")
            length = rational_seconds(asset.get("duration")) if asset is not None else None
        return length or Fraction(0)

    # Items ------------------------------------------------------------------------------------------------------------

    def _item(self, placed: StorylineItem, timeline_rate: Fraction, frames: int, depth: int) -> otio.core.Item | None:
        """A clip or a compound clip; None for gaps and sound."""
        element = placed.element
        if element.tag == "gap" or element.get("srcEnable") == "audio":
            return None
        item: otio.core.Item | None
        if _is_compound(element) and depth < _DEEPEST:
            item, start, rate = self._compound(element, timeline_rate, depth)
        else:
            item, start, rate = self._clip(element, timeline_rate)
        if item is None:
            return None
        item.name = element.get("name") or item.name
        item.source_range = otio.opentime.TimeRange(as_time(start * rate, rate), as_time(frames, timeline_rate))
        item.enabled = element.get("enabled", "1") != "0"
        item.metadata["fcpxml"] = {"element": self._numbers.get(id(element), -1)}
        item.effects.extend(_effects(element, rate, timeline_rate))
        return item

    def _clip(self, element: Element, timeline_rate: Fraction) -> tuple[otio.schema.Clip | None, Fraction, Fraction]:
        """A clip, the time of its media's own count at which it begins, and the media's rate."""
        start = self.start_of(element)
        media = element
        if element.tag == "clip":
            found = next((each for each in element if each.tag in ("video", "asset-clip") and _lane(each) == 0), None)
            if found is None:
                return None, start, timeline_rate
            # The clip's local time is where its media lies in it, not the media's own.
            media = found
            start = self.start_of(media) + start - (rational_seconds(media.get("offset")) or Fraction(0))
        asset = self.resources.get(media.get("ref"), "asset")
        if asset is None:
            generator = self.resources.get(media.get("ref"), "effect")
            kind = (generator.get("name") if generator is not None else "") or element.tag
            return otio.schema.Clip(kind, otio.schema.GeneratorReference(kind, kind)), start, timeline_rate
        if not has_picture(asset):
            return None, start, timeline_rate
        rate = self.resources.rate(asset.get("format")) or timeline_rate
        return otio.schema.Clip(asset.get("name") or "", self.resources.media_of(asset, rate)), start, rate

    def _compound(
        self, element: Element, timeline_rate: Fraction, depth: int
    ) -> tuple[otio.schema.Stack | None, Fraction, Fraction]:
        container: Element | None = element
        if element.tag in ("ref-clip", "mc-clip"):
            media = self.resources.get(element.get("ref"), "media")
            container = media.find("sequence") if media is not None else None
            if media is not None and element.tag == "mc-clip":
                container = _angle(element, media)
        if container is None:
            return None, Fraction(0), timeline_rate
        rate = self.resources.rate(container.get("format")) or timeline_rate
        tracks = self._tracks(self.placed_in(container), rate, depth + 1)
        zero, start = self._zero_of(container), self.start_of(element)
        return otio.schema.Stack(element.get("name") or "", tracks), start - zero if start >= zero else start, rate


def is_container(element: Element) -> bool:
    """Whether `FcpxmlDocument.placed_in` tells what lies in an element."""
    in_itself = element.tag in ("sequence", "mc-angle", "sync-clip")
    return in_itself or element.tag == "clip" and _is_compound(element)


def _is_compound(element: Element) -> bool:
    """Whether an item holds a storyline of its own, or refers to one."""
    return element.tag in _COMPOUND or element.tag == "clip" and any(not _lane(each) for each in element.iter("spine"))


def _lane(element: Element) -> int:
    try:
        return int(element.get("lane") or 0)
    except ValueError:
        return 0


def _picked(element: Element) -> Element:
    """The pick of an audition, which is its first clip; any other element itself."""
    if element.tag != "audition":
        return element
    return next((each for each in element if each.tag in ITEMS), element)


def _angle(element: Element, media: Element) -> Element | None:
    """The angle of a multicam clip whose picture is seen."""
    sources = {each.get("angleID"): each.get("srcEnable", "all") for each in element.findall("mc-source")}
    seen = [angle for angle, enabled in sources.items() if enabled in ("all", "video")]
    angles = media.findall("multicam/mc-angle")
    return next((each for each in angles if not seen or each.get("angleID") in seen), None)


def _effects(element: Element, rate: Fraction, timeline_rate: Fraction) -> Iterator[otio.schema.Effect]:
    for child in element:
        if child.tag == "timeMap":
            changed = speed_change(_speed(child))
        elif child.tag == "conform-rate" and child.get("scaleEnabled", "1") != "0" and rate != timeline_rate:
            # Each of the media's frames is shown for one frame of the project.
            changed = speed_change(timeline_rate / rate)
        elif child.tag == "filter-video" or child.tag in ("adjust-transform", "adjust-crop", "adjust-corners"):
            yield otio.schema.Effect(child.get("name") or str(child.tag), str(child.tag))
            continue
        elif child.tag in ("adjust-stabilization", "adjust-rollingShutter", "adjust-blend"):
            yield otio.schema.Effect(str(child.tag).removeprefix("adjust-"), str(child.tag))
            continue
        else:
            continue
        if changed is not None:
            yield changed


def _speed(time_map: Element) -> Fraction | None:
    """The speed that a map of times stands for; None when it varies."""
    points = [(rational_seconds(each.get("time")), rational_seconds(each.get("value"))) for each in time_map]
    known = [(time, value) for time, value in points if time is not None and value is not None]
    speeds = {
        (after[1] - before[1]) / (after[0] - before[0])
        for before, after in zip(known, known[1:], strict=False)
        if after[0] != before[0]
    }
    return speeds.pop() if len(speeds) == 1 else None


def _with_transitions(
    track: otio.schema.Track, cuts: list[tuple[Fraction, Fraction]], rate: Fraction
) -> otio.schema.Track:
    """Transitions before the clips that begin within them."""
    index, position = 0, Fraction(0)
    while index < len(track):
        item = track[index]
        over = next((each for each in cuts if each[0] <= position <= each[1] and position > 0), None)
        length = round(item.duration().value)
        if over is not None and isinstance(item, otio.schema.Clip):
            before, after = as_time(position - over[0], rate), as_time(over[1] - position, rate)
            track.insert(index, otio.schema.Transition("transition", "SMPTE_Dissolve", before, after))
            index += 1
        position += length
        index += 1
    return track
