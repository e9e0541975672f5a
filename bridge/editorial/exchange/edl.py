"""Edit decision lists (CMX 3600) as timelines.

An edit list names its sources by reel and clip name and its frames by timecode; how many frames a second has, it does
not say. The rate is the one that a person names, else the one of the media that is found.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

from bridge.editorial.clip_media.media_location import find_media
from bridge.editorial.exchange.edl_events import EditList, EdlEvent, parse_edit_list
from bridge.editorial.exchange.reading import (
    CountedMedia,
    Laid,
    Reading,
    ReadTimelines,
    read_text,
    speed_change,
    timeline_of,
    tracks_of,
)
from bridge.editorial.rates import as_time
from contract.errors import BadTimeline, Problem
from contract.rates import is_ntsc
from contract.timecode import frame_of_timecode

_ASKED = 8
"""Movies that are asked for their rate; the one that is worked on is compared later."""
_USUAL = (24, 25, 30, 48, 50, 60, 120)
_BLACK = frozenset(("BL", "BLACK", "BLK"))
_NO_REEL = frozenset(("AX", "UNKNOWN", "NONE"))
_CHANNELS = re.compile(r"(?:A+\d*/?)*V(?P<video>\d*)(?:/?A+\d*)*")
_TIMECODE = re.compile(r"(\d+)[:;.](\d\d)[:;.](\d\d)([:;.])(\d{2,3})")


class RateNotKnown(BadTimeline):
    """An edit list's frame rate has to be named by a person."""

    kind = "rate_not_known"


def read_edl(path: Path, reading: Reading) -> ReadTimelines:
    """The timeline of an edit list; a track for each of its video channels. Raises BadTimeline."""
    edits = parse_edit_list(read_text(path))
    events = [each for each in edits.events if _video_channel(each) is not None]
    if not events:
        raise BadTimeline(
            f"{path.name} holds no video edit.",
            "It has no line like 001  REEL  V  C  01:00:00:00 01:00:02:00 01:00:00:00 01:00:02:00.",
            "Export the edit list again with its video track (CMX 3600), or export OpenTimelineIO (.otio).",
        )
    media = _Media(events, reading)
    rate, notices = _rate(path, edits, events, media.rates(), reading.rate)
    start = min(_frame(each.times[2], rate, edits.record_drops) for each in events)
    channels: dict[int, list[Laid]] = {}
    for event in events:
        laid = _laid(event, edits, rate, start, media)
        if laid is not None:
            channels.setdefault(_video_channel(event) or 0, []).append(laid)
    keys = [each.number for each in events if each.kind.startswith("K")]
    if keys:
        notices.append(f"Keyed events of {path.name} lie on tracks of their own: {', '.join(keys)}.")
    tracks = []
    for channel, items in sorted(channels.items()):
        made = tracks_of(items, rate, f"V{channel}")
        if len(made) > 1:
            notices.append(f"Events of V{channel} in {path.name} overlap; they lie on {len(made)} tracks.")
        tracks += [_with_dissolves(track, rate) for track in made]
    return ReadTimelines([timeline_of(edits.title or path.stem, tracks, start, rate)], tuple(notices))


def _video_channel(event: EdlEvent) -> int | None:
    """N of VN, None for sound alone. B is both; AA/V and A2/V are both, too."""
    if event.channels == "B":
        return 1
    match = _CHANNELS.fullmatch(event.channels)
    return int(match["video"] or 1) if match is not None else None


# The rate -------------------------------------------------------------------------------------------------------------


class _Media:
    """The movies behind the events, found by name and each looked at once."""

    def __init__(self, events: list[EdlEvent], reading: Reading) -> None:
        self._events, self._reading = events, reading
        self._seen: dict[str, CountedMedia] = {}

    def rates(self) -> list[Fraction]:
        """The rates of the first few movies that are there."""
        for event in self._events:
            if len(self._seen) < _ASKED:
                self.of(event)
        return [each.rate for each in self._seen.values()]

    def of(self, event: EdlEvent) -> CountedMedia | None:
        """The movie of an event; None where it is not found, or no movie."""
        if self._reading.ask is None:
            return None
        try:
            found = find_media(_clip(event), self._reading.base, self._reading.search)
            if found.sequence is not None:
                return None
            if found.path not in self._seen:
                self._seen[found.path] = self._reading.ask(found.path)
            return self._seen[found.path]
        except Problem:
            # The clip's own line in the list says why it cannot be used.
            return None


def _rate(
    path: Path, edits: EditList, events: list[EdlEvent], media: list[Fraction], given: Fraction | None
) -> tuple[Fraction, list[str]]:
    timecodes = [match for each in events for text in each.times if (match := _TIMECODE.fullmatch(text))]
    most = 1 + max((int(match[5]) for match in timecodes), default=0)
    drops = edits.record_drops or any(match[4] != ":" for match in timecodes)
    if given is not None:
        if most > round(given):
            raise RateNotKnown(
                f"{path.name} was not made at {float(given):g} frames a second.",
                f"It holds the frame number {most - 1}, and {round(given)} frames end with {round(given) - 1}.",
                "Name the rate of the timeline that it was exported from (--rate).",
            )
        # An edit list counts 23.976 as 24: frame numbers are the same, and the media says which of both it is.
        alike = [rate for rate in media if round(rate) == round(given)]
        return (Counter(alike).most_common(1)[0][0] if alike and given not in alike else given), []
    counted = Counter(rate for rate in media if round(rate) >= most and (not drops or round(rate) % 30 == 0))
    # At the rate that a list was written at, its events add up; at others, few do.
    best = max(_equal(events, Fraction(rate), edits.record_drops) for rate in (*_USUAL, 1000) if rate >= most)
    fitting = [rate for rate, _ in counted.most_common() if _equal(events, rate, edits.record_drops) >= best]
    if len({round(rate) for rate in fitting}) == 1:
        rate = fitting[0]
        if drops and not is_ntsc(rate):
            return rate * Fraction(1000, 1001), []
        name = f"{float(rate):.5g}"
        return rate, [f"{path.name} does not say its frame rate; it was read at {name} frames a second, as its media."]
    if drops:
        return Fraction(30000 if most <= 30 else 60000, 1001), []
    if not media:
        # Nothing of it can be used before its media is found; until then any rate that holds its numbers lists it.
        return Fraction(next(rate for rate in (*_USUAL, 1000) if rate >= most)), []
    rates = ", ".join(f"{float(rate):.5g}" for rate in dict.fromkeys(media))
    raise RateNotKnown(
        f"The frame rate of {path.name} is not known.",
        f"An edit list does not say it, and its media ({rates} frames a second) "
        + ("differ." if len(fitting) > 1 else "does not fit its numbers."),
        "Name the rate of the timeline that it was exported from, for example --rate 25.",
    )


def _source_drops(event: EdlEvent, rate: Fraction, media: _Media) -> bool:
    """Whether the source's timecodes drop frames: as they are written, else as the media counts, else as the list says.

    The letters of a list may all be colons; a source's timecode is what its own media counts.
    """
    match = _TIMECODE.fullmatch(event.times[0])
    if match is None or round(rate) % 30 or match[4] != ":":
        return match is not None and match[4] != ":"
    found = media.of(event) if is_ntsc(rate) else None
    return found.drop_frame if found is not None and found.start_timecode is not None else bool(event.source_drops)


def _equal(events: list[EdlEvent], rate: Fraction, drops: bool | None) -> int:
    """How many plain events have a source and a record of one length at this rate. Some lists do not mark speeds."""
    plain = [each for each in events if each.speed is None and not each.freeze]
    times = [_frames(each, rate, drops, bool(each.source_drops)) for each in plain]
    return sum(each[1] - each[0] == each[3] - each[2] for each in times)


def _frame(text: str, rate: Fraction, drops: bool | None) -> int:
    """Number of a frame since 00:00:00:00; `drops` counts drop frame also where the text does not show it."""
    if text.isdigit():
        return int(text)
    match = _TIMECODE.fullmatch(text)
    assert match is not None, "the line would be no event"
    separator = ";" if drops or match[4] != ":" else ":"
    found = frame_of_timecode(f"{match[1]}:{match[2]}:{match[3]}{separator}{match[5]}", rate)
    if found is None:
        raise BadTimeline(
            f"The edit list holds the timecode {text}.",
            f"There is no such frame at {float(rate):.5g} frames a second.",
            "Name the rate of the timeline that it was exported from (--rate), or export it again.",
        )
    return found


def _frames(
    event: EdlEvent, rate: Fraction, record_drops: bool | None, source_drops: bool
) -> tuple[int, int, int, int]:
    source_in, source_out = (_frame(text, rate, source_drops) for text in event.times[:2])
    record_in, record_out = (_frame(text, rate, record_drops) for text in event.times[2:])
    if source_out < source_in and event.speed is None:
        source_out += round(rate) * 86400  # past midnight
    return source_in, source_out, record_in, record_out


# Events ---------------------------------------------------------------------------------------------------------------


def _laid(event: EdlEvent, edits: EditList, rate: Fraction, start: int, media: _Media) -> Laid | None:
    drops = _source_drops(event, rate, media)
    source_in, source_out, record_in, record_out = _frames(event, rate, edits.record_drops, drops)
    length = record_out - record_in
    if length <= 0 or event.reel.upper() in _BLACK:
        return None  # the first line of a dissolve has no length; black is a gap
    clip = _clip(event)
    clip.source_range = otio.opentime.TimeRange(as_time(source_in, rate), as_time(length, rate))
    speed: Fraction | float = 1
    if event.freeze:
        speed = 0
    elif event.speed is not None:
        speed = 1 if abs(event.speed - float(rate)) < 0.05 or event.speed == round(rate) else event.speed / float(rate)
    elif source_out - source_in != length and drops == bool(edits.record_drops):
        speed = Fraction(source_out - source_in, length)
    effect = speed_change(speed)
    if effect is not None:
        clip.effects.append(effect)
    clip.metadata["cmx_3600"]["drop"] = drops
    if event.kind != "C" and event.transition:
        clip.metadata["cmx_3600"]["dissolve"] = event.transition
    return Laid(Fraction(record_in - start), Fraction(length), clip)


def _clip(event: EdlEvent) -> otio.schema.Clip:
    reel = "" if event.reel.upper() in _NO_REEL else event.reel
    is_path = os.path.basename(event.file.replace("\\", "/")) != event.file
    media: otio.core.MediaReference
    if event.reel.upper() == "BARS":
        media = otio.schema.GeneratorReference("bars", "SMPTEBars")
    elif event.file and is_path:
        media = otio.schema.ExternalReference(event.file)
    else:
        media = otio.schema.MissingReference(event.file)
    name = event.name or os.path.basename(event.file.replace("\\", "/")) or reel or f"event {event.number}"
    return otio.schema.Clip(name, media, metadata={"cmx_3600": {"reel": reel, "event": event.number}})


def _with_dissolves(track: otio.schema.Track, rate: Fraction) -> otio.schema.Track:
    """The track with a transition before each clip that comes by one: it shows the clip before for so many frames."""
    for index in range(len(track) - 1, 0, -1):
        frames = track[index].metadata.get("cmx_3600", {}).get("dissolve")
        if frames and isinstance(track[index - 1], otio.schema.Clip):
            transition = otio.schema.Transition(
                "dissolve", "SMPTE_Dissolve", in_offset=as_time(0, rate), out_offset=as_time(frames, rate)
            )
            track.insert(index, transition)
    return track
