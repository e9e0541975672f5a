"""The list of a timeline's clips, and the choice of one by name, number or range."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from fractions import Fraction

import msgspec

from bridge.editorial.rates import to_frame
from bridge.editorial.shot import Probe, Shot, read_shot
from bridge.editorial.timeline import OpenTimeline
from bridge.editorial.video_clips import VideoClip, walk_video_clips
from contract.errors import BadMedia, BadTimeline
from contract.printable import one_line
from contract.timecode import timecode

__all__ = ["ListedClip", "Probe", "Shot", "list_shots", "part_of", "select_shot"]


@dataclass(frozen=True)
class ListedClip:
    """A clip in the list: a usable one has its `shot`, any other the `problem` that says why not.

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
            return f"{text}, {' to '.join(self.shot.record_timecodes)}, {self.shot.frame_count} frames"
        why = "" if self.problem is None else f" {self.problem.what}"
        return f"{text}, {self.record_in}: cannot be used.{why}"


def list_shots(opened: OpenTimeline, probe: Probe | None = None) -> list[ListedClip]:
    """Every clip on the video tracks in record order, with the reason where one cannot be used.

    Raises BadTimeline only when the timeline has no video track or no clip at all.
    """
    clips = list(walk_video_clips(opened.timeline))
    if not clips:
        has_tracks = bool(opened.timeline.video_tracks())
        raise BadTimeline(
            "The timeline has no video clip." if has_tracks else "The timeline has no video track.",
            "There is nothing on it that could be worked on.",
            "Export a timeline that shows at least one clip.",
        )
    ordered = sorted(clips, key=lambda found: (_record_start(found), found.address))
    return [_listed(opened, found, index, probe) for index, found in enumerate(ordered, start=1)]


def select_shot(
    opened: OpenTimeline,
    clip: str | int | None = None,
    in_out: tuple[int, int] | None = None,
    probe: Probe | None = None,
) -> Shot:
    """The one shot to work on.

    `clip` is a name, or the number in `list_shots` (as text too, unless a clip has that very name); None takes the
    only usable clip. `in_out` are the first and last frame of a part, both included, 0 being the clip's first visible
    frame. Raises BadTimeline when the choice is not clear, the clip cannot be used, or the range is not inside it.
    """
    listed = list_shots(opened, probe)
    chosen = _only_usable(listed) if clip is None else _named(listed, clip)
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


def _record_start(found: VideoClip) -> Fraction:
    try:
        return found.record_start()
    except BadTimeline:
        # No position is known, so it is listed last.
        return Fraction(10**9)


def _listed(opened: OpenTimeline, found: VideoClip, index: int, probe: Probe | None) -> ListedClip:
    start, rate = _record_start(found), opened.rate
    known = start < 10**9
    record_in = timecode(opened.start + round(start * rate), rate) if known else "unknown position"
    track = f"V{found.track_number}" + (" (inside a compound clip)" if found.nested else "")
    try:
        shot, problem = read_shot(opened, found, index, probe), None
    except (BadTimeline, BadMedia) as error:
        # BadMedia comes from the probe: one damaged movie must not hide the others.
        shot, problem = None, error
    name = found.clip.name or (shot.name if shot else "unnamed")
    return ListedClip(index, one_line(name), track, record_in, shot, problem)


def _only_usable(listed: list[ListedClip]) -> ListedClip:
    usable = [each for each in listed if each.shot is not None]
    if len(usable) == 1:
        return usable[0]
    if len(listed) == 1:
        return listed[0]
    if not usable:
        raise BadTimeline("No clip of the timeline can be used.", _lines(listed), "See each clip's reason.")
    raise BadTimeline(f"The timeline has {len(usable)} clips.", _lines(usable), "Choose one by its name or number.")


def _named(listed: list[ListedClip], clip: str | int) -> ListedClip:
    if isinstance(clip, str):
        wanted = one_line(clip).strip()
        found = [each for each in listed if each.name.strip() == wanted]
        found = found or [each for each in listed if each.name.strip().casefold() == wanted.casefold()]
        if len(found) == 1:
            return found[0]
        if found:
            raise BadTimeline(f'{len(found)} clips are called "{wanted}".', _lines(found), "Choose one by its number.")
        if not wanted.isdecimal():
            close = difflib.get_close_matches(wanted, [each.name for each in listed], n=1)
            remedy = f'Did you mean "{close[0]}"?' if close else "Choose one of them by its name or number."
            raise BadTimeline(f'No clip is called "{wanted}".', _lines(listed), remedy)
        clip = int(wanted)
    if not 1 <= clip <= len(listed):
        raise BadTimeline(
            f"There is no clip number {clip}.", _lines(listed), f"Choose a number from 1 to {len(listed)}."
        )
    return listed[clip - 1]


def _lines(listed: list[ListedClip]) -> str:
    return "\n".join(f"  {each}" for each in listed)
