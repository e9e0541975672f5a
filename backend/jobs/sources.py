"""From what a person named to the one clip to work on: timeline, shot, media."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from bridge.editorial.clip_list import Shot, part_of, select_shot
from bridge.editorial.edl_media import check_edl_media
from bridge.editorial.timeline import OpenTimeline, open_timeline, timeline_for_media
from bridge.editorial.timeline_kinds import is_timeline, refuse_projects
from contract.errors import BadMedia, BadTimeline, Problem
from media.probe import MediaInfo, probe
from media.sequences import find_sequence, is_sequence

CheckMedia = Callable[[Path], object]
"""Sees the path of a file or folder before it is read; raises a Problem when that is not allowed."""


@dataclass(frozen=True)
class Source:
    """A clip that can be worked on: where it stands, and the media behind it."""

    path: str
    opened: OpenTimeline
    shot: Shot
    info: MediaInfo

    def media_stamp(self) -> str:
        """Changes when the media files are replaced: a digest of their paths, sizes and times of change."""
        sequence = self.info.sequence
        paths = map(Path, [self.info.path] if sequence is None else sequence.images())
        digest = hashlib.sha256()
        for path in paths:
            facts = path.stat()
            digest.update(f"{path.absolute()}|{facts.st_size}|{facts.st_mtime_ns}\n".encode())
        return digest.hexdigest()


def open_source(
    path: str,
    clip: str | None = None,
    part: tuple[int, int] | None = None,
    *,
    unpacked: Path,
    media_folders: tuple[Path, ...] = (),
    rate: Fraction | None = None,
    timeline: str | None = None,
    check: CheckMedia | None = None,
) -> Source:
    """Open a movie, an image sequence or a timeline and choose the clip; `timeline` is one of several in a file.

    `rate` is that of an image sequence or of an edit list, which do not say it.
    `unpacked` is where a timeline bundle's media goes. `check` sees the timeline and all media before they are read.
    Raises BadMedia, BadTimeline, OutOfDisk, and what `check` raises.
    """
    look = _Look(check)
    refuse_projects(path)
    if is_timeline(path):
        look.check(Path(path))
        opened = open_timeline(path, unpacked, name=timeline, media_folders=media_folders, rate=rate, ask_media=look.at)
        return _from_timeline(path, opened, clip, part, look)
    if os.path.isfile(path) and is_sequence(path):
        raise BadMedia(
            f"{Path(path).name} is a single picture.",
            "New content moves with the shot, so there has to be one.",
            "Name a movie, the folder of an image sequence, or its pattern (shot.%04d.png).",
        )
    info = look.at(path, rate)
    opened = _timeline_of(info)
    shot = select_shot(opened, clip)
    return Source(path, opened, shot if part is None else part_of(shot, part), info)


class _Look:
    """Probing, after every file that it would read was checked."""

    def __init__(self, check: CheckMedia | None) -> None:
        self._check = check

    def check(self, path: Path) -> None:
        """Raises a Problem when `path` may not be read."""
        if self._check is not None:
            self._check(Path(os.path.abspath(path)))

    def start_of(self, name: str) -> int:
        """The start timecode of a clip's media in frames. Raises BadMedia, also where `check` raises another Problem:
        one clip that may not be read must not hide the others."""
        try:
            return self.at(name).start_timecode or 0
        except BadMedia:
            raise
        except Problem as problem:
            raise BadMedia(problem.what, problem.why, problem.remedy) from problem

    def at(self, name: str, rate: Fraction | None = None) -> MediaInfo:
        """`probe`, for what may be read."""
        if self._check is not None:
            if is_sequence(os.path.abspath(name)):
                self._sequence(os.path.abspath(name))
            else:
                self.check(Path(name))
        return probe(name, rate)

    def _sequence(self, name: str) -> None:
        path = Path(name)
        self.check(path if path.is_dir() else path.parent)
        for image in find_sequence(name).images():
            self.check(Path(image))


def _timeline_of(info: MediaInfo) -> OpenTimeline:
    sequence = info.sequence
    if sequence is None:
        return timeline_for_media(info.path, info.rate, info.frame_count, info.start_timecode or 0)
    name = sequence.prefix.rstrip("._- ") or Path(sequence.folder).name
    return timeline_for_media(sequence.image(0), info.rate, sequence.count, 0, name, sequence)


def _from_timeline(
    path: str, opened: OpenTimeline, clip: str | None, part: tuple[int, int] | None, look: _Look
) -> Source:
    shot = select_shot(opened, clip, part, look.start_of)
    info = look.at(_media_name(shot), shot.frame_rate)
    if opened.kind == "edl" and shot.sequence is None:
        check_edl_media(shot, look.at(shot.media_path))
    if shot.source_start + shot.frame_count > info.frame_count:
        raise BadTimeline(
            f'"{shot.name}" shows frames that its media does not have.',
            f"It wants frames {shot.source_start} to {shot.source_start + shot.frame_count - 1}; {info.path} has "
            f"{info.frame_count} at {float(shot.frame_rate):g} frames a second.",
            "Relink the clip to the right media and export the timeline again.",
        )
    return Source(path, opened, shot, info)


def _media_name(shot: Shot) -> str:
    """The shot's media as `probe` names it: a movie's path, or a sequence's pattern."""
    sequence = shot.sequence
    if sequence is None:
        return shot.media_path
    if sequence.step != 1:
        raise BadTimeline(
            f'"{shot.name}" is an image sequence that uses every {sequence.step}th picture.',
            "Only sequences without steps can be worked on.",
            "Render it to a movie in your editor and use that.",
        )
    # The range names exactly the pictures that the timeline knows, whatever else is in the folder.
    return sequence.ranged_pattern if sequence.count else sequence.pattern
