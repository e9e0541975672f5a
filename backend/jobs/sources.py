"""From what a person named to the one clip to work on: timeline, shot, media."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import msgspec

from bridge.editorial.clip_list import Shot, part_of, select_shot
from bridge.editorial.clip_media.edl_media import check_edl_media
from bridge.editorial.timeline import OpenTimeline, open_timeline, timeline_for_media, with_frame_rate
from bridge.editorial.timeline_kinds import is_timeline, refuse_projects
from contract.counting import ordinal
from contract.errors import BadMedia, BadTimeline, Problem
from contract.image_sequence import ImageSequence
from contract.timecode import recounted
from media.errors import MissingFrames
from media.probe import MediaInfo, probe
from media.sequences import check_sequence, find_sequence, is_sequence

CheckMedia = Callable[[Path], object]
"""Sees the path of a file or folder before it is read; raises a Problem when that is not allowed."""


@dataclass(frozen=True)
class Source:
    """A clip that can be worked on: where it stands, and the media behind it."""

    path: str
    opened: OpenTimeline
    shot: Shot
    info: MediaInfo

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences about what is uncertain in the timeline, or was read otherwise than it says."""
        return (*self.opened.notices, *self.shot.notices)

    def media_stamp(self) -> str:
        """Changes when media that is seen is replaced: a digest of its files' paths, sizes and times of change."""
        sequence, shot = self.info.sequence, self.shot
        first, end = shot.source_start, shot.source_start + shot.frame_count
        paths = [self.info.path] if sequence is None else [sequence.image(index) for index in range(first, end)]
        digest = hashlib.sha256()
        for path in map(Path, paths):
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
    info = _media_of(path, rate, part, look)
    opened = _timeline_of(info)
    shot = select_shot(opened, clip)
    return Source(path, opened, shot if part is None else part_of(shot, part), info)


class _Look:
    """Probing, after every file that it would read was checked; each file is looked at once."""

    def __init__(self, check: CheckMedia | None) -> None:
        self._check = check
        self._seen: dict[tuple[str | ImageSequence, Fraction | None], MediaInfo] = {}
        self.refused: Problem | None = None

    def check(self, path: Path) -> None:
        """Raises a Problem when `path` may not be read."""
        if self._check is not None:
            self._check(Path(os.path.abspath(path)))

    def of_a_clip(self, name: str, rate: Fraction | None) -> MediaInfo:
        """Like `at`. Raises BadMedia, also where `check` raises another Problem: one clip that may not be read must not
        hide the others."""
        try:
            return self.at(name, rate)
        except BadMedia:
            raise
        except Problem as problem:
            self.refused = problem
            raise BadMedia(problem.what, problem.why, problem.remedy) from problem

    def at(self, media: str | ImageSequence, rate: Fraction | None = None) -> MediaInfo:
        """`probe`, for what may be read."""
        place = media if isinstance(media, ImageSequence) else os.path.abspath(media)
        key = (place, rate)
        if key not in self._seen:
            if self._check is not None:
                if isinstance(place, ImageSequence):
                    self._pictures(place)
                elif is_sequence(place):
                    self._sequence(place)
                else:
                    self.check(Path(place))
            self._seen[key] = probe(place, rate)
        return self._seen[key]

    def _sequence(self, name: str) -> None:
        path = Path(name)
        self.check(path if path.is_dir() else path.parent)
        self._pictures(find_sequence(name))

    def _pictures(self, sequence: ImageSequence) -> None:
        self.check(Path(sequence.folder))
        for image in check_sequence(sequence).images():
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
    opened = with_frame_rate(opened, lambda name: look.of_a_clip(name, None).rate)
    try:
        shot = select_shot(opened, clip, part, look.of_a_clip)
    except BadTimeline as error:
        if look.refused is not None and error.what.endswith(look.refused.what):
            raise look.refused from error  # the chosen clip itself may not be read
        raise
    if shot.sequence is not None:
        return Source(path, opened, shot, _sequence_info(shot, shot.sequence, look))
    own = Fraction(*shot.media_rate)
    info = look.at(shot.media_path)
    if opened.kind == "edl":
        check_edl_media(shot, info)
    if info.rate != own:
        info = look.at(shot.media_path, own)
    if shot.frame_rate != own:
        info = _played_at(info, shot.frame_rate)
    return Source(path, opened, shot, info)


def _sequence_info(shot: Shot, sequence: ImageSequence, look: _Look) -> MediaInfo:
    """What a timeline's image sequence is. Of its images only those that the shot shows have to be there."""
    if sequence.step != 1:
        raise BadTimeline(
            f'"{shot.name}" is an image sequence that uses every {ordinal(sequence.step)} picture.',
            "Only sequences without steps can be worked on.",
            "Render it to a movie in your editor and use that.",
        )
    if not sequence.count:
        return look.at(sequence, shot.frame_rate)
    first = sequence.first + shot.source_start
    seen = msgspec.structs.replace(sequence, first=first, count=shot.frame_count)
    # Frames count from the first image that the timeline knows, whatever else is in the folder.
    return _as_part_of(sequence, look.at(seen, shot.frame_rate))


def _media_of(path: str, rate: Fraction | None, part: tuple[int, int] | None, look: _Look) -> MediaInfo:
    """A movie or an image sequence; of a sequence with missing images those of `part` have to be there."""
    try:
        return look.at(path, rate)
    except MissingFrames as problem:
        whole = problem.sequence
        if part is None or whole is None or not 0 <= part[0] <= part[1] < whole.count:
            raise
        seen = msgspec.structs.replace(whole, first=whole.first + part[0], count=part[1] - part[0] + 1)
        return _as_part_of(whole, look.at(seen, rate))


def _as_part_of(sequence: ImageSequence, seen: MediaInfo) -> MediaInfo:
    """What is known of some images of a sequence, as facts of all of it."""
    return replace(seen, path=sequence.pattern, sequence=sequence, frame_count=sequence.count)


def _played_at(info: MediaInfo, rate: Fraction) -> MediaInfo:
    """The same frames, each shown for a frame of another rate. Its sound would need another speed, so it has none."""
    start = None
    if info.start_timecode is not None:
        start = recounted(info.start_timecode, info.rate, rate, info.drop_frame)
    notes = info.notes
    if info.has_audio:
        notes += ("The footage is played at another speed than its sound, so composite and preview have no sound.",)
    return replace(info, rate=rate, start_timecode=start, has_audio=False, audio_codec=None, notes=notes)
