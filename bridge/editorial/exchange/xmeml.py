"""Final Cut Pro 7 XML (xmeml), which Premiere Pro, DaVinci Resolve and others export, as timelines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element

import opentimelineio as otio

from bridge.editorial.exchange.reading import Laid, Reading, ReadTimelines, speed_change, timeline_of, tracks_of
from bridge.editorial.exchange.xml_text import whole
from bridge.editorial.rates import as_time
from contract.errors import BadTimeline
from contract.timecode import frame_of_timecode

_DEEPEST = 20
_TICKS = 254_016_000_000
"""Premiere's ticks a second, in which it notes exact times beside the frames."""


def read_xmeml(path: Path, root: Element, reading: Reading) -> ReadTimelines:
    """The sequences of a file that are not only used inside of others. Raises BadTimeline."""
    document = _Document(root)
    sequences = [each for each in document.sequences() if each.find("media/video") is not None]
    if not sequences:
        raise BadTimeline(
            f"{path.name} holds no sequence with pictures.",
            "",
            "Select the sequence in your editor and export its XML.",
        )
    timelines = [document.timeline(each) for each in sequences]
    return ReadTimelines(timelines, tuple(dict.fromkeys(document.notices)))


@dataclass(frozen=True)
class _Cut:
    """A transition of a track: from `start` to `end`, the cut in it at `cut`, in frames of the sequence."""

    start: int
    end: int
    cut: Fraction
    name: str


@dataclass
class _Document:
    """A file, in which later elements refer to earlier ones by their id."""

    root: Element
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._named: dict[tuple[str, str], Element] = {}
        for element in self.root.iter():
            if isinstance(element.tag, str) and (name := element.get("id")) and len(element):
                # The first one with content is the definition; all others are empty.
                self._named.setdefault((element.tag, name), element)

    def sequences(self) -> Iterator[Element]:
        """Sequences outside of clips, in the order of the file."""
        seen: set[int] = set()
        todo = [self.root]
        while todo:
            element = todo.pop(0)
            if element.tag == "sequence":
                element = self._defined(element)
                if id(element) not in seen:
                    seen.add(id(element))
                    yield element
            elif element.tag not in ("clipitem", "clip", "media"):
                todo[:0] = list(element)

    def timeline(self, sequence: Element) -> otio.schema.Timeline:
        """A sequence with the number of its first frame."""
        rate = _rate(sequence) or Fraction(24)
        name = sequence.findtext("name") or "sequence"
        tracks = self._tracks(sequence, rate, 0)
        return timeline_of(name, tracks, _timecode(sequence.find("timecode"), rate), rate)

    def _defined(self, element: Element) -> Element:
        return self._named.get((str(element.tag), element.get("id") or ""), element)

    def _tracks(self, sequence: Element, rate: Fraction, depth: int) -> list[otio.schema.Track]:
        found = []
        for number, track in enumerate(sequence.findall("media/video/track"), start=1):
            laid, cuts = self._items(track, rate, depth)
            made = tracks_of(laid, rate, f"V{number}") or [otio.schema.Track(f"V{number}", kind="Video")]
            if len(made) > 1:
                self.notices.append(f"Clips of V{number} overlap; they lie on {len(made)} tracks.")
            for each in made:
                each.enabled = _is_true(track.findtext("enabled"), True)
                _put_transitions(each, cuts, rate)
            found += made
        return found

    def _items(self, track: Element, rate: Fraction, depth: int) -> tuple[list[Laid], list[_Cut]]:
        elements = [each for each in track if each.tag in ("clipitem", "generatoritem", "transitionitem")]
        cuts = {index: _cut(each) for index, each in enumerate(elements) if each.tag == "transitionitem"}
        laid = []
        for index, element in enumerate(elements):
            if index in cuts:
                continue
            before, after = cuts.get(index - 1), cuts.get(index + 1)
            start, end = whole(element.findtext("start"), -1), whole(element.findtext("end"), -1)
            # -1: the clip begins or ends somewhere in the transition beside it; its in is where the transition begins.
            skipped = before.cut - before.start if start == -1 and before else Fraction(0)
            first = before.cut if start == -1 and before else Fraction(start or 0)
            last = after.cut if end == -1 and after else Fraction(end or 0)
            if start == -1 and before is None or end == -1 and after is None or last <= first:
                self.notices.append(f'"{element.findtext("name") or "A clip"}" has no position and was left out.')
                continue
            covered = last - first + skipped + (after.end - after.cut if end == -1 and after else 0)
            item = self._item(element, rate, last - first, skipped, covered, depth)
            laid.append(Laid(first, last - first, item))
        return laid, list(cuts.values())

    def _item(
        self,
        element: Element,
        timeline_rate: Fraction,
        length: Fraction,
        skipped: Fraction,
        covered: Fraction,
        depth: int,
    ) -> otio.core.Item:
        """A clip or nested sequence that is seen for `length` from `skipped` after its in, its in and out being
        `covered` apart, all in frames of the timeline."""
        rate = _rate(element) or timeline_rate
        begin = max(0, whole(element.findtext("in"), 0) or 0)
        end = whole(element.findtext("out"), 0) or 0
        name = element.findtext("name") or ""
        nested = element.find("sequence")
        seconds = self._source_seconds(element, begin, rate) + skipped / timeline_rate
        if nested is not None and depth < _DEEPEST:
            inner = self._defined(nested)
            inner_rate = _rate(inner) or rate
            item: otio.core.Item = otio.schema.Stack(name, self._tracks(inner, inner_rate, depth + 1))
            start = otio.opentime.RationalTime(float(seconds * inner_rate), float(inner_rate))
        else:
            item, start = self._clip(element, name, seconds, rate)
        item.source_range = otio.opentime.TimeRange(start, as_time(length, timeline_rate))
        item.enabled = _is_true(element.findtext("enabled"), True)
        _add_effects(item, element, _speed(element, Fraction(end - begin) / rate, covered / timeline_rate, rate))
        return item

    def _source_seconds(self, element: Element, begin: int, rate: Fraction) -> Fraction:
        """Seconds from the media's first frame to the clip's in."""
        ticks = whole(element.findtext("pproTicksIn"))
        counted = begin / rate
        if ticks is not None and abs(Fraction(ticks, _TICKS) - counted) < 1 / rate:
            return Fraction(ticks, _TICKS)
        return counted

    def _clip(
        self, element: Element, name: str, seconds: Fraction, rate: Fraction
    ) -> tuple[otio.schema.Clip, otio.opentime.RationalTime]:
        file = element.find("file")
        if element.tag == "generatoritem" or file is None and element.find(".//effecttype") is not None:
            kind = element.findtext("effect/name") or name or "generator"
            clip = otio.schema.Clip(name, otio.schema.GeneratorReference(kind, kind))
            return clip, otio.opentime.RationalTime(float(seconds * rate), float(rate))
        if file is None:
            file = element.find("media/video/track/clipitem/file")  # a multicam clip's own
        file = self._defined(file) if file is not None else Element("file")
        own = _rate(file) or rate
        first = _timecode(file.find("timecode"), own)
        length = whole(file.findtext("duration"), 0) or 0
        url = (file.findtext("pathurl") or "").strip()
        available = otio.opentime.TimeRange(as_time(first, own), as_time(length, own)) if length > 0 else None
        media: otio.core.MediaReference
        if url:
            media = otio.schema.ExternalReference(url, available)
        else:
            media = otio.schema.MissingReference(file.findtext("name") or "", available)
        clip = otio.schema.Clip(name or file.findtext("name") or "", media)
        return clip, as_time(first + seconds * own, own)


def _rate(element: Element) -> Fraction | None:
    """Frames a second of an element's own `rate`: the timebase, a thousandth slower where it is NTSC."""
    base = whole(element.findtext("rate/timebase"))
    if base is None or base <= 0:
        return None
    return Fraction(base * 1000, 1001) if _is_true(element.findtext("rate/ntsc"), False) else Fraction(base)


def _timecode(timecode: Element | None, rate: Fraction) -> int:
    """The number of the first frame; 0 without a timecode."""
    if timecode is None:
        return 0
    own = _rate(timecode) or rate
    frame = whole(timecode.findtext("frame"))
    if frame is None:
        text = (timecode.findtext("string") or "").strip()
        drops = ";" in text or timecode.findtext("displayformat") == "DF"
        text = text.replace(";", ":")
        text = f"{text[:-3]};{text[-2:]}" if drops else text
        frame = frame_of_timecode(text, own) or 0
    return round(frame * rate / own)


def _is_true(text: str | None, default: bool) -> bool:
    return default if text is None else text.strip().lower() == "true"


def _cut(transition: Element) -> _Cut:
    start, end = whole(transition.findtext("start"), 0) or 0, whole(transition.findtext("end"), 0) or 0
    alignment = (transition.findtext("alignment") or "center").partition("-")[0]
    cut = {"start": Fraction(start), "end": Fraction(end)}.get(alignment, Fraction((start + end) // 2))
    return _Cut(start, end, cut, transition.findtext("effect/name") or "transition")


def _put_transitions(track: otio.schema.Track, cuts: list[_Cut], rate: Fraction) -> None:
    """Transitions before the items that begin at their cuts."""
    at = {each.cut: each for each in cuts}
    index, position = 0, Fraction(0)
    while index < len(track):
        item = track[index]
        cut = at.pop(position, None)
        if cut is not None and isinstance(item, otio.schema.Clip):
            before, after = as_time(cut.cut - cut.start, rate), as_time(cut.end - cut.cut, rate)
            track.insert(index, otio.schema.Transition(cut.name, "SMPTE_Dissolve", before, after))
            index += 1
        position += round(item.duration().value)
        index += 1


def _speed(element: Element, source: Fraction, record: Fraction, rate: Fraction) -> Fraction | None:
    """The speed of a clip: `source` seconds lie between its in and out, `record` seconds show them. None: it varies."""
    for effect in element.findall("filter/effect"):
        if effect.findtext("effectid") != "timeremap":
            continue
        values = {each.findtext("parameterid"): (each.findtext("value") or "") for each in effect.findall("parameter")}
        varies = values.get("variablespeed", "0").strip().lower() in ("1", "true")
        try:
            speed = Fraction(values.get("speed", "100").strip()) / 100
        except ValueError:
            return None
        return None if varies else -speed if _is_true(values.get("reverse"), False) else speed
    # A length that changed without a filter is a speed, too; less than a frame is rounding between two rates.
    changed = source > 0 and abs(source - record) > Fraction(101, 100) / min(rate, Fraction(24))
    return source / record if changed else Fraction(1)


def _add_effects(item: otio.core.Item, element: Element, speed: Fraction | None) -> None:
    """The speed, and the names of the other filters."""
    for effect in element.findall("filter/effect"):
        if effect.findtext("effectid") != "timeremap":
            item.effects.append(otio.schema.Effect(effect.findtext("name") or "", effect.findtext("effectid") or ""))
    changed = speed_change(speed)
    if changed is not None:
        item.effects.append(changed)
