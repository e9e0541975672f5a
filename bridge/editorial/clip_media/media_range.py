"""Which frames of its media a clip shows: what the timeline says about the media, compared with the media itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import opentimelineio as otio

from bridge.editorial.rates import exact_rate, frames_at, is_frame_rate, to_frame
from contract.counting import counted
from contract.errors import BadTimeline
from contract.timecode import recounted

# Programs count a clip's last frames differently (edit lists, a last picture without duration).
_COUNTS_ALIKE = 2


class MediaFacts(Protocol):
    """What is known of a movie or an image sequence. `start_timecode` is in frames of `rate`, None without one."""

    @property
    def rate(self) -> Fraction: ...
    @property
    def frame_count(self) -> int: ...
    @property
    def start_timecode(self) -> int | None: ...
    @property
    def drop_frame(self) -> bool: ...
    @property
    def variable_rate(self) -> bool: ...


@dataclass(frozen=True)
class MediaRange:
    """A clip's range in frames of its media.

    `first` and `count` are the frames that are seen, whole or in part; `offset` in [0, 1) is the part of the first one
    that the cut leaves out. `rate` is what the timeline plays the frames at, `media_rate` what they are counted at in
    the file: two rates only where footage is interpreted. `media_start` is the number that the timeline gives to the
    media's first frame, `media_count` the number of the media's frames, 0 where it is not known. `notices` are
    sentences about what was uncertain, or differs from what the timeline says.
    """

    first: int
    count: int
    offset: Fraction
    rate: Fraction
    media_rate: Fraction
    media_start: Fraction
    media_count: int
    notices: tuple[str, ...]


@dataclass(frozen=True)
class ClipTimes:
    """What a timeline says of a clip: the range that it shows, and its media's range where that is given.

    `own_rate` is the rate of the media where the reference itself names one; `image_count` and `first_number` are a
    sequence's.
    """

    source: otio.opentime.TimeRange
    available: otio.opentime.TimeRange | None
    timeline_rate: Fraction
    own_rate: Fraction | None = None
    image_count: int = 0
    first_number: int | None = None


def read_media_range(times: ClipTimes, facts: MediaFacts | None = None) -> MediaRange:
    """The frames that a clip shows.

    Without `facts` the timeline is believed. Raises BadTimeline when timeline and media contradict each other so that
    no reading is certain, or when the media does not have the frames.
    """
    notices: list[str] = []
    rate, media_rate = _rates(times, facts, notices)
    count = facts.frame_count if facts is not None else times.image_count
    spelled = _spellings(times, rate)
    length = frames_at(times.source.duration, rate, spelled)
    begin = frames_at(times.source.start_time, rate, spelled)
    zeros = _zeros(times, facts, rate, count, notices)
    known = count
    if not known and times.available is not None:
        known = math.ceil(frames_at(times.available.duration, rate, spelled))
    pace = rate / times.timeline_rate
    fitting = [(zero, found) for zero in zeros if (found := _whole_frames(to_frame(begin - zero), length, known, pace))]
    if not fitting:
        raise _not_there(times, facts, rate, begin, length, zeros[0], known)
    zero, (first, shown, offset) = fitting[0]
    if times.available is None and len({found for _, found in fitting}) > 1:
        notices.append(
            f"The clip's range may count from the media's timecode or from its first frame: frame {first} was taken "
            f"for its first, it could be frame {fitting[1][1][0]}."
        )
    if times.available is not None and zero != zeros[0]:
        notices.append(
            "The clip's range and the range of its media count the same timecode at two rates; they were compared as "
            "timecodes."
        )
    return MediaRange(first, shown, offset, rate, media_rate, zero, known, tuple(notices))


def _rates(times: ClipTimes, facts: MediaFacts | None, notices: list[str]) -> tuple[Fraction, Fraction]:
    """The rate that the timeline plays the media's frames at, and the media's own."""
    own = facts.rate if facts is not None else times.own_rate
    count = facts.frame_count if facts is not None else times.image_count
    counting = times.available or times.source
    rate = exact_rate(counting.duration.rate)
    if own is None:
        rate = rate if is_frame_rate(rate) else times.timeline_rate
        return rate, rate
    if rate == own or not is_frame_rate(rate):
        return own, own
    named = frames_at(counting.duration, rate, _spellings(times, rate))
    if times.available is None:
        return _rates_of_range(times, own, rate, named, count, notices)
    if not count:
        return rate, rate
    if named == count:
        notices.append(
            f"The timeline plays this media at {_fps(rate)}, the file runs at {_fps(own)}. Both have "
            f"{counted(count, 'frame')}, so they were taken one to one."
        )
        return rate, own
    slowest = min(each for each in (rate, own, times.timeline_rate) if is_frame_rate(each))
    if abs(named / rate - count / own) <= Fraction(101, 100) / slowest:
        notices.append(
            f"The timeline counts {counted(round(named), 'frame')} of this media at {_fps(rate)}, the file has "
            f"{count:,} at {_fps(own)}. Both last {float(count / own):.2f} s, so the file's frames were found by time."
        )
        return own, own
    if abs(named - count) <= _COUNTS_ALIKE and count >= 12 * _COUNTS_ALIKE:
        notices.append(
            f"The timeline plays {counted(round(named), 'frame')} of this media at {_fps(rate)}, the file has "
            f"{count:,} at {_fps(own)}. They were taken one to one from the first frame on."
        )
        return rate, own
    raise BadTimeline(
        "The timeline and the media do not agree on the media's frames.",
        f"The timeline says {counted(round(named), 'frame')} at {_fps(rate)}, the file has {count:,} at {_fps(own)}: "
        "neither the number of frames nor the time is the same, so it is not certain which frames the clip shows.",
        "Relink the clip to this file in your editor and export again, or render the clip to a movie and use that.",
    )


def _rates_of_range(
    times: ClipTimes, own: Fraction, rate: Fraction, named: Fraction, count: int, notices: list[str]
) -> tuple[Fraction, Fraction]:
    """The rates where only the clip's own range is given, at another rate than the media's."""
    if count and named == count and times.first_number is None:
        notices.append(
            f"The clip shows {counted(count, 'frame')} at {_fps(rate)}, and the file has as many at {_fps(own)}: they "
            "were taken one to one."
        )
        return rate, own
    notices.append(
        f"The timeline does not say how it plays this media. The clip's range is counted at {_fps(rate)}, the file "
        f"runs at {_fps(own)}, so its frames were found by time. If your editor interprets the footage at another "
        "rate, it shows other frames."
    )
    return own, own


def _zeros(
    times: ClipTimes, facts: MediaFacts | None, rate: Fraction, count: int, notices: list[str]
) -> list[Fraction]:
    """Numbers in frames of `rate` that the timeline may give to the media's first frame, the likeliest first."""
    start = facts.start_timecode if facts is not None else times.first_number
    if times.available is not None:
        named = frames_at(times.available.start_time, rate, _spellings(times, rate))
        length = frames_at(times.available.duration, rate, _spellings(times, rate))
        zeros = [_zero_of_part(named, length, Fraction(start or 0), count, notices)]
        # 01:00:00:00 is one hour at every rate for a program that counts timecodes, not seconds.
        return zeros + _as_timecode(times, int(zeros[0]), rate, None)
    if start is None:
        return [Fraction(0)]
    if facts is None:
        return [Fraction(start), Fraction(0)]
    by_timecode = [zero / facts.rate * rate for zero in _as_timecode(times, start, facts.rate, facts.drop_frame)]
    return [*by_timecode, Fraction(start) / facts.rate * rate, Fraction(0)]


def _as_timecode(times: ClipTimes, start: int, rate: Fraction, drop: bool | None) -> list[Fraction]:
    """Frame number `start` of `rate` for a program that gives the clip's range in timecode at the range's own rate."""
    spelled = exact_rate(times.source.start_time.rate)
    if start <= 0 or spelled == rate or not is_frame_rate(spelled):
        return []
    number = recounted(start, rate, spelled, drop)
    return [] if number is None else [number / spelled * rate]


def _zero_of_part(named: Fraction, length: Fraction, start: Fraction, count: int, notices: list[str]) -> Fraction:
    """The number of the media's first frame, where the timeline's range of the media may be only a part of it."""
    if not count or abs(length - count) <= _COUNTS_ALIKE:
        return named
    inside = start < named and named + length <= start + count
    notices.append(
        f"The timeline says that the media has {counted(round(length), 'frame')}, the file has {count:,}. "
        + ("They were taken for a part of the file." if inside else "Both were counted from the file's first frame.")
    )
    return start if inside else named


def _whole_frames(start: Fraction, length: Fraction, media: int, pace: Fraction) -> tuple[int, int, Fraction] | None:
    """First frame, number of frames, and what is cut from the first one, of a range that may begin and end within
    frames; None when the media does not have them. `pace`: frames of the media in one of the timeline."""
    if pace == 1:
        # Resolve writes starts such as 37008.099992. At the timeline's own rate every timeline frame shows one media
        # frame, so a fraction of a frame means nothing.
        length = Fraction(max(1, round(length)))
        before = Fraction(math.floor(start))
        start = before if media and round(start) + length > media >= before + length else Fraction(round(start))
    end = math.ceil(to_frame(start + length))
    # A cut on the timeline's frames may lie up to half of one outside of the media.
    if -pace / 2 <= start < 0:
        start = Fraction(0)
    first = math.floor(start)
    if media and media < end < media + max(Fraction(1), pace / 2) + (start != first):
        end = media
    if first < 0 or (media and end > media) or end <= first:
        return None
    return first, end - first, start - first


def _not_there(
    times: ClipTimes,
    facts: MediaFacts | None,
    rate: Fraction,
    begin: Fraction,
    length: Fraction,
    zero: Fraction,
    known: int,
) -> BadTimeline:
    last, there = begin + length - 1, f"{_number(zero)} to {_number(zero + known - 1)}"
    named = math.ceil(frames_at(times.available.duration, rate)) if times.available is not None else known
    if last < zero or begin >= zero + max(named, known):
        return BadTimeline(
            "The clip's range and the range of its media have no frame in common.",
            f"The clip shows the frames {_number(begin)} to {_number(last)}, the media has {there}: one may count "
            "from a timecode and the other from the file's first frame, or another file is meant.",
            "Export the timeline again with both counted alike, or render the clip to a movie and use that.",
        )
    who = "the file" if facts is not None else "the timeline says that it"
    says = f", the timeline says {named:,}" if facts is not None and named != known else ""
    return BadTimeline(
        "The clip shows frames that its media does not have.",
        f"It wants the frames {_number(begin - zero)} to {_number(last - zero)} counted from 0; {who} has "
        f"{counted(known, 'frame')}{says}.",
        "Shorten the clip to the frames that are there, or relink it to the right media, and export again.",
    )


def _spellings(times: ClipTimes, rate: Fraction) -> tuple[float, ...]:
    """How the file writes `rate`."""
    ranges = [each for each in (times.source, times.available) if each is not None]
    written = {value for each in ranges for value in (each.start_time.rate, each.duration.rate)}
    return tuple(sorted(value for value in written if exact_rate(value) == rate))


def _fps(rate: Fraction) -> str:
    return f"{round(float(rate), 3):g} frames a second"


def _number(position: Fraction) -> str:
    return f"{math.floor(position)}"
