"""A timeline or a movie read for the panel: its clips, and what was placed in it before. For any thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import msgspec

from bridge.editorial.clip_list import ListedClip, list_clips, shot_at
from bridge.editorial.timeline import OpenTimeline, open_timeline, timeline_for_media, with_frame_rate
from bridge.editorial.timeline_kinds import is_timeline, refuse_projects
from media.probe import probe
from plugin.hosts.base import OpenChoice
from plugin.hosts.placed_record import PlacedRecord, read_record, write_record


@dataclass(frozen=True)
class ReadFile:
    """What was read; `selected` is the number of the only usable clip, None when there is not just one."""

    opened: OpenTimeline
    clips: tuple[ListedClip, ...]
    selected: int | None
    record: PlacedRecord
    choice: OpenChoice

    def with_shot(self, index: int) -> ReadFile:
        """With clip number `index` selected, its frames found from the timeline and the media together."""
        return replace(self, clips=_with_shots(self.opened, self.clips, {index}), selected=index)

    def waiting_for(self, index: int) -> ReadFile:
        """With clip number `index` selected, whose media is not compared yet."""
        clips = tuple(replace(each, shot=None) if each.index == index else each for each in self.clips)
        return replace(self, clips=clips, selected=index)


def read_file(path: Path, choice: OpenChoice | None, records: Path) -> ReadFile:
    """Read a timeline, movie or image sequence. Media is looked at where a clip is selected or has takes placed.

    choice: how to read it, None for how it was read before. `records` is the folder of what was placed.
    Raises BadTimeline, BadMedia, OutOfDisk.
    """
    before = read_record(records, path.absolute())
    chosen = before.choice if choice is None else choice
    opened = _open(path, chosen)
    clips = tuple(list_clips(opened))
    usable = [each.index for each in clips if each.problem is None]
    selected = usable[0] if len(usable) == 1 else None
    placed = {each.shot.index for each in before.stacks}
    clips = _with_shots(opened, clips, placed | ({selected} if selected is not None else set()))
    record = msgspec.structs.replace(before.of_clips(clips), timeline=str(path.absolute()), choice=chosen)
    if chosen != before.choice:
        write_record(records, path.absolute(), record)
    return ReadFile(opened, clips, selected, record, chosen)


def _open(path: Path, choice: OpenChoice) -> OpenTimeline:
    refuse_projects(path)
    if not is_timeline(path) and not path.is_dir():
        info = probe(str(path))
        return timeline_for_media(path, info.rate, info.frame_count, info.start_timecode or 0)
    opened = open_timeline(
        path,
        name=choice.timeline,
        media_folders=choice.media_folders,
        rate=Fraction(choice.rate) if choice.rate else None,
        ask_media=probe,
    )
    return with_frame_rate(opened, lambda name: probe(name).rate)


def _with_shots(opened: OpenTimeline, clips: tuple[ListedClip, ...], numbers: set[int]) -> tuple[ListedClip, ...]:
    return tuple(shot_at(opened, each.index, probe) if each.index in numbers else each for each in clips)
