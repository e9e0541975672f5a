"""The list of a timeline's clips, and the choice of one by name, number or range.

The list itself touches no media: it shows what the timeline says. The media of a chosen clip is compared with that, so
only chosen clips are read, and every file is asked once.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import msgspec

from bridge.editorial.clip_media.media_range import MediaFacts
from bridge.editorial.rates import to_frame
from bridge.editorial.shot import Probe, Shot, read_shot
from bridge.editorial.timeline import OpenTimeline
from bridge.editorial.video_clips import VideoClip, walk_video_clips
from contract.counting import counted
from contract.errors import BadMedia, BadTimeline
from contract.printable import one_line
from contract.timecode import timecode

__all__ = ["ListedClip", "Probe", "Shot", "list_clips", "list_shots", "part_of", "select_shot", "shot_at"]

_SHOWN = 10
"""Clips that an error lists."""


@dataclass(frozen=True)
class ListedClip:
    """A clip in the list: a usable one has its `shot`, any other the `problem` that says why not.

    One whose media has to be asked first has neither; see `shot_at`.
    `name` is printable: what would disturb a line of text is escaped.
    `index` counts from 1 in record order, clips that start together from the bottom track up.
    """

    index: int
    name: str
    track: str
    record_in: str
    shot: Shot | None
    problem: BadTimeline | BadMedia | None

    def __str__(self) -> str:
        text = f'{self.index}. "{self.name}" on {self.track}'
        if self.shot is not None:
            return f"{text}, {' to '.join(self.shot.record_timecodes)}, {counted(self.shot.frame_count, 'frame')}"
        why = "" if self.problem is None else f": cannot be used. {self.problem.what}"
        return f"{text}, {self.record_in}{why}"


@dataclass(frozen=True)
class _Place:
    """A clip with its number; nothing but the timeline was read."""

    index: int
    found: VideoClip
    start: Fraction | None

    @property
    def name(self) -> str:
        return one_line(self.found.clip.name or _file_name(self.found) or "unnamed")


def list_clips(opened: OpenTimeline) -> list[ListedClip]:
    """Every clip on the video tracks in record order, no media being asked.

    Raises BadTimeline only when the timeline has no video track or no clip at all.
    """
    return [_listed(opened, place, _ask_later) for place in _places(opened)]


def list_shots(opened: OpenTimeline, probe: Probe | None = None) -> list[ListedClip]:
    """Like `list_clips`, every clip with its shot or the reason why it has none. Each file is asked once."""
    once = None if probe is None else _remembered(probe)
    return [_listed(opened, place, once) for place in _places(opened)]


def shot_at(opened: OpenTimeline, index: int, probe: Probe | None = None) -> ListedClip:
    """Clip number `index` with its shot, or the reason why it has none. Raises BadTimeline when there is no such."""
    places = _places(opened)
    return _listed(opened, _numbered(opened, places, index), probe)


def select_shot(
    opened: OpenTimeline,
    clip: str | int | None = None,
    in_out: tuple[int, int] | None = None,
    probe: Probe | None = None,
) -> Shot:
    """The one shot to work on; of a clip that is named, no other's media is asked.

    `clip` is a name, or the number in `list_clips` (as text too, unless a clip has that very name); None takes the
    only usable clip. `in_out` are the first and last frame of a part, both included, 0 being the clip's first visible
    frame. Raises BadTimeline when the choice is not clear, the clip cannot be used, or the range is not inside it.
    """
    places = _places(opened)
    once = None if probe is None else _remembered(probe)
    place = _only_usable(opened, places, once) if clip is None else _named(opened, places, clip)
    chosen = _listed(opened, place, once)
    if chosen.shot is None:
        problem = chosen.problem
        assert problem is not None, "a clip without a shot has a problem"
        raise BadTimeline(f'"{chosen.name}" cannot be used. {problem.what}', problem.why, problem.remedy)
    return part_of(chosen.shot, in_out) if in_out is not None else chosen.shot


def part_of(shot: Shot, in_out: tuple[int, int]) -> Shot:
    """The frames IN to OUT (both included, 0 is the shot's first visible frame) of a shot, as a shot of its own.

    Raises BadTimeline when the range is not inside the shot or does not begin and end on frames of the timeline.
    """
    first, last = in_out
    if not 0 <= first <= last < shot.frame_count:
        raise BadTimeline(
            f"The range {first} to {last} is not inside the clip.",
            f'"{shot.name}" has the frames 0 to {shot.frame_count - 1}; both ends of a range are included.',
            "Choose IN and OUT between them, IN first.",
        )
    if (first, last) == (0, shot.frame_count - 1):
        return shot
    timeline_rate = Fraction(*shot.timeline_rate)
    timeline_frames = timeline_rate / shot.frame_rate
    offset = Fraction(*shot.source_offset)
    start = to_frame((first - offset) * timeline_frames) if first else Fraction(0)
    end = to_frame((last + 1 - offset) * timeline_frames)
    if start.denominator != 1 or end.denominator != 1 or end <= start:
        raise BadTimeline(
            f"The range {first} to {last} does not begin and end on frames of the timeline.",
            f"The clip has {float(shot.frame_rate):g} frames a second, the timeline {float(timeline_rate):g}.",
            "Use the whole clip, or cut it in your editor and export again.",
        )
    before, after = shot.handles
    return msgspec.structs.replace(
        shot,
        source_start=shot.source_start + first,
        source_offset=(0, 1) if first else shot.source_offset,
        frame_count=last - first + 1,
        handles=(before + first, after + shot.frame_count - 1 - last),
        record_start=shot.record_start + int(start),
        record_frames=int(end - start),
        part=(first, last),
        part_offset=int(start),
        dissolves=(0 if first else shot.dissolves[0], 0 if last < shot.frame_count - 1 else shot.dissolves[1]),
    )


class _MediaNeeded(Exception):
    """The clip's shot depends on its media, which was not to be asked yet."""


def _ask_later(path: str, rate: Fraction | None) -> MediaFacts:
    raise _MediaNeeded(path)


def _remembered(probe: Probe) -> Probe:
    """`probe`, that asks every file once; a file that cannot be read gives its problem each time."""

    @cache
    def answer(path: str, rate: Fraction | None) -> MediaFacts | BadMedia:
        try:
            return probe(path, rate)
        except BadMedia as problem:
            return problem

    def remembered(path: str, rate: Fraction | None) -> MediaFacts:
        found = answer(path, rate)
        if isinstance(found, BadMedia):
            raise type(found)(found.what, found.why, found.remedy)
        return found

    return remembered


def _places(opened: OpenTimeline) -> list[_Place]:
    clips = list(walk_video_clips(opened.timeline))
    if not clips:
        has_tracks = bool(opened.timeline.video_tracks())
        raise BadTimeline(
            "The timeline has no video clip." if has_tracks else "The timeline has no video track.",
            "There is nothing on it that could be worked on.",
            "Export a timeline that shows at least one clip.",
        )
    starts = [(_record_start(found), found) for found in clips]
    # Clips without a known position are listed last.
    starts.sort(key=lambda pair: (pair[0] is None, pair[0] or 0, pair[1].height))
    return [_Place(index, found, start) for index, (start, found) in enumerate(starts, start=1)]


def _record_start(found: VideoClip) -> Fraction | None:
    try:
        return found.record_start()
    except BadTimeline:
        return None


def _file_name(found: VideoClip) -> str:
    url = getattr(found.clip.media_reference, "target_url", "") or ""
    return str(url).replace("\\", "/").rpartition("/")[2]


def _listed(opened: OpenTimeline, place: _Place, probe: Probe | None) -> ListedClip:
    found, rate = place.found, opened.rate
    start = place.start
    record_in = "unknown position" if start is None else timecode(opened.start + round(start * rate), rate)
    track = f"V{found.track_number}" + (" (inside a compound clip)" if found.nested else "")
    shot: Shot | None = None
    problem: BadTimeline | BadMedia | None = None
    try:
        shot = read_shot(opened, found, place.index, probe, compare=probe is not _ask_later)
    except _MediaNeeded:
        pass
    except (BadTimeline, BadMedia) as error:
        # BadMedia comes from the probe: one damaged movie must not hide the others.
        problem = error
    name = place.name if found.clip.name or shot is None else one_line(shot.name)
    return ListedClip(place.index, name, track, record_in, shot, problem)


def _only_usable(opened: OpenTimeline, places: list[_Place], probe: Probe | None) -> _Place:
    if len(places) == 1:
        return places[0]
    listed = [_listed(opened, place, _ask_later) for place in places]
    usable = [each for each in listed if each.problem is None]
    if 1 < len(usable) <= _SHOWN:
        # Few enough to ask the media, which may leave one.
        read = [_listed(opened, places[each.index - 1], probe) for each in usable]
        usable = [each for each in read if each.problem is None]
        listed = listed if usable else read
    if len(usable) == 1:
        return places[usable[0].index - 1]
    if not usable:
        raise BadTimeline("No clip of the timeline can be used.", _lines(listed), "See each clip's reason.")
    raise BadTimeline(f"The timeline has {len(usable)} clips.", _lines(usable), "Choose one by its name or number.")


def _named(opened: OpenTimeline, places: list[_Place], clip: str | int) -> _Place:
    if isinstance(clip, str):
        wanted = one_line(clip).strip()
        found = _with_name(places, lambda name: name == wanted)
        found = found or _with_name(places, lambda name: name.casefold() == wanted.casefold())
        if len(found) == 1:
            return found[0]
        if found:
            lines = _lines_of(opened, found)
            raise BadTimeline(f'{len(found)} clips are called "{wanted}".', lines, "Choose one by its number.")
        if not wanted.isdecimal():
            raise _no_such_name(opened, places, wanted)
        clip = int(wanted)
    return _numbered(opened, places, clip)


def _with_name(places: list[_Place], fits: Callable[[str], bool]) -> list[_Place]:
    return [place for place in places if fits(place.name.strip())]


def _no_such_name(opened: OpenTimeline, places: list[_Place], wanted: str) -> BadTimeline:
    """The error, with the clips whose names are nearest."""
    names: dict[str, str] = {}
    for place in places:
        names.setdefault(place.name.strip().casefold(), place.name)
    within = [name for name in names if wanted.casefold() in name]
    close = difflib.get_close_matches(wanted.casefold(), names, n=_SHOWN)
    near = list(dict.fromkeys([*within[:_SHOWN], *close]))
    remedy = f'Did you mean "{names[near[0]]}"?' if near else "Choose one of them by its name or number."
    shown = [place for place in places if place.name.strip().casefold() in near] if len(places) > _SHOWN else places
    return BadTimeline(f'No clip is called "{wanted}".', _lines_of(opened, shown or places, len(places)), remedy)


def _numbered(opened: OpenTimeline, places: list[_Place], number: int) -> _Place:
    if not 1 <= number <= len(places):
        lines, choice = _lines_of(opened, places), f"Choose a number from 1 to {len(places)}."
        raise BadTimeline(f"There is no clip number {number}.", lines, choice)
    return places[number - 1]


def _lines_of(opened: OpenTimeline, places: list[_Place], all_of_them: int = 0) -> str:
    shown = [_listed(opened, place, _ask_later) for place in places[:_SHOWN]]
    return _lines(shown, all_of_them or len(places))


def _lines(listed: list[ListedClip], all_of_them: int = 0) -> str:
    """The first ten, and how many more there are."""
    more = (all_of_them or len(listed)) - min(len(listed), _SHOWN)
    lines = [f"  {each}" for each in listed[:_SHOWN]]
    if more:
        lines.append(f"  and {more} more; `dynvfx clips` lists and searches them all")
    return "\n".join(lines)
