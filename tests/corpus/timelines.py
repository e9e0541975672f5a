"""One timeline: each of its clips checked like a clip alone, and a take placed without a change of anything else."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import opentimelineio as otio

from backend.jobs.sources import open_source
from bridge.editorial.clip_list import list_clips
from bridge.editorial.placement import PlacedTake, place_takes, write_timeline
from bridge.editorial.timeline import open_timeline, with_frame_rate
from bridge.editorial.timeline_choice import SeveralTimelines
from contract.errors import Problem
from media.probe import probe
from tests.corpus.clips import Disagreement, check_source, judged
from tests.corpus.verdicts import Verdict

MOST_CLIPS = 40
"""Of a timeline, so that a feature film does not take a day."""


def judge_timeline(name: str, path: Path, media: Path, scratch: Path) -> Iterator[Verdict]:
    """The verdict on each timeline of a file: wrong when one of its clips is, refused when none of them can be used."""
    chosen: tuple[str | None, ...] = (None,)
    with contextlib.suppress(Problem):  # it is told in the verdict
        try:
            open_timeline(str(path), scratch / "unpacked", media_folders=(media,), ask_media=probe)
        except SeveralTimelines as several:
            chosen = tuple(str(number) for number in range(1, len(several.names) + 1))
    for each in chosen:
        place = scratch / (each or "only")
        place.mkdir()
        called = name if each is None else f"{name} ({each})"
        yield judged(called, "timeline", partial(_check, path, each, media, place))


def _check(path: Path, chosen: str | None, media: Path, scratch: Path) -> tuple[list[str], dict[str, str]]:
    opened = open_timeline(str(path), scratch / "unpacked", name=chosen, media_folders=(media,), ask_media=probe)
    opened = with_frame_rate(opened, lambda media: probe(media).rate)
    notices: list[str] = []
    usable, refused = 0, ""
    clips = list_clips(opened)
    for clip in clips[:MOST_CLIPS]:
        try:
            _check_clip(path, chosen, clip.index, media, scratch / str(clip.index), notices)
            usable += 1
        except Problem as problem:
            refused = refused or f"{clip.name}: {' '.join(filter(None, (problem.what, problem.why, problem.remedy)))}"
    if not usable:
        raise Problem("No clip of the timeline can be used.", refused)
    return list(dict.fromkeys(notices)), {"clips": f"{usable} of {len(clips)} clips", "refused": refused}


def _check_clip(path: Path, chosen: str | None, index: int, media: Path, scratch: Path, notices: list[str]) -> None:
    folders, unpacked = (media,), scratch / "unpacked"
    source = open_source(str(path), str(index), unpacked=unpacked, media_folders=folders, timeline=chosen)
    found, _ = check_source(source, scratch)
    notices += found
    shot = source.shot
    before = _plain(source.opened.timeline)
    take = PlacedTake(str(scratch / "take.mov"), shot.rate, shot.frame_count, "take")
    placed = place_takes(source.opened, shot, [take], label="corpus")
    write_timeline(placed, scratch / "placed.otio", older=False)
    again = otio.adapters.read_from_file(str(scratch / "placed.otio"))
    if not _removed(again, "corpus"):
        raise Disagreement(f"clip {index}: the take is not in the timeline that was written")
    if _plain(again) != before:
        raise Disagreement(f"clip {index}: something else than the take's track changed in the timeline")


def _removed(timeline: otio.schema.Timeline, label: str) -> bool:
    """Take the take's track out; whether there was one."""
    stacks = [timeline.tracks, *timeline.tracks.find_children(descended_from_type=otio.schema.Stack)]
    for stack in stacks:
        for place, track in enumerate(stack):
            if isinstance(track, otio.schema.Track) and label in track.name:
                del stack[place]
                return True
    return False


def _plain(timeline: otio.schema.Timeline) -> str:
    text: str = otio.adapters.write_to_string(timeline, "otio_json")
    return text
