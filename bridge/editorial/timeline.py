"""Opening timelines: .otio, .otioz, .otiod and exchange files, or a plain movie seen as a timeline of one clip."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
import zipfile
from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Literal, cast

import opentimelineio as otio

from bridge.editorial.clip_media.media_location import find_media, url_like
from bridge.editorial.clip_media.media_search import MediaSearch
from bridge.editorial.exchange.readers import read_exchange
from bridge.editorial.exchange.reading import AskMedia, Reading
from bridge.editorial.rates import as_time, exact_rate, frames_at, is_frame_rate, is_usable_time
from bridge.editorial.stack_order import StackOrder, mark_bottom_first, stack_order
from bridge.editorial.timeline_choice import choose_timeline
from bridge.editorial.timeline_kinds import EXCHANGE_SUFFIXES, refuse_projects
from bridge.editorial.video_clips import walk_video_clips
from contract.errors import BadMedia, BadTimeline, OutOfDisk
from contract.image_sequence import ImageSequence

TimelineKind = Literal["otio", "otioz", "otiod", "edl", "xml", "fcpxml", "fcpxmld", "aaf", "movie"]

_CONTENT = "content.otio"  # the timeline's name inside .otioz and .otiod (OTIO file bundles)
_EXPORT = "Export the timeline as OpenTimelineIO (.otio) from your editor."


@dataclass(frozen=True)
class OpenTimeline:
    """A timeline in memory and where it came from.

    Relative media references count from `media_base`; media that is not where the timeline says is looked for below
    `media_folders`. `path` is the file that was opened (the movie itself for kind "movie"). `older` says that
    no Clip.2 was in the file, so that the application which wrote it may know only Clip.1. `notices` are sentences
    about what was uncertain when it was read. `media_rate` is the rate of the media, for timelines whose times are all
    in seconds; see `with_frame_rate`.
    """

    timeline: otio.schema.Timeline
    path: Path
    kind: TimelineKind
    media_base: Path
    media_folders: tuple[Path, ...] = ()
    older: bool = True
    notices: tuple[str, ...] = ()
    media_rate: Fraction | None = None

    @cached_property
    def stack_order(self) -> StackOrder:
        """Whether the file lists its tracks from the bottom or from the top."""
        return stack_order(self.timeline)

    @cached_property
    def rate(self) -> Fraction:
        """Frames a second of the timeline: its start time's, else Premiere's note, else what most clips are in."""
        start = self.timeline.global_start_time
        if start is not None and is_frame_rate(start.rate):
            return exact_rate(start.rate)
        premiere = self.timeline.tracks.metadata.get("PremierePro_OTIO")
        noted = premiere.get("VideoFrameRate") if hasattr(premiere, "get") else None
        if isinstance(noted, int | float) and is_frame_rate(noted):
            return exact_rate(noted)
        # Audio is left out: its ranges may be in samples.
        clips = [found.clip for found in walk_video_clips(self.timeline)]
        ranges = [clip.source_range or _available_range(clip) for clip in clips]
        spelled = [each.duration.rate for each in ranges if each is not None]
        rates = Counter(exact_rate(rate) for rate in spelled if is_frame_rate(rate))
        if not rates and self.media_rate is not None:
            return self.media_rate
        if not rates:
            raise BadTimeline(
                "The timeline has no frame rate.",
                "Neither the start time nor any clip has one, and no media of it can be read.",
                _EXPORT,
            )
        return rates.most_common(1)[0][0]

    @cached_property
    def media_search(self) -> MediaSearch:
        """Looks for media below `media_folders` by name; each folder is read once."""
        return MediaSearch(self.media_folders)

    @cached_property
    def start(self) -> int:
        """Frame number that the timeline's first frame has (86400 for 01:00:00:00 at 24)."""
        start = self.timeline.global_start_time
        return round(frames_at(start, self.rate)) if start is not None and is_usable_time(start) else 0


def open_timeline(
    path: str | os.PathLike[str],
    scratch: str | os.PathLike[str] | None = None,
    *,
    name: str | None = None,
    media_folders: Many[str | os.PathLike[str]] = (),
    rate: Fraction | None = None,
    ask_media: AskMedia | None = None,
) -> OpenTimeline:
    """Read a timeline. `scratch` is where an .otioz unpacks its media (beside the file when None).

    `name` chooses one of several timelines, by its name or its number from 1. For an edit list, `rate` are its frames a
    second where a person named them, and `ask_media` looks at a movie by its path. Raises BadTimeline when
    the file is missing, not a timeline, or holds several and none is chosen; OutOfDisk when media cannot be unpacked.
    """
    path = Path(path)
    folders = tuple(map(Path, media_folders))
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadTimeline(f"There is no timeline at {path}.", remedy="Check the path.") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise BadTimeline(f"{path} cannot be read.", why, "Check the permissions of file and folder.") from error
    refuse_projects(path)
    kind = path.suffix.lower().removeprefix(".")
    if f".{kind}" in EXCHANGE_SUFFIXES:
        reading = Reading((path if is_folder else path.parent).absolute(), MediaSearch(folders), rate, ask_media)
        read = read_exchange(path, reading)
        timeline = choose_timeline(read.timelines, name, path)
        mark_bottom_first(timeline)
        return OpenTimeline(timeline, path, cast(TimelineKind, kind), reading.base, folders, True, read.notices)
    return _open_otio(path, is_folder, scratch, name, folders)


def _open_otio(
    path: Path, is_folder: bool, scratch: str | os.PathLike[str] | None, name: str | None, folders: tuple[Path, ...]
) -> OpenTimeline:
    kind: TimelineKind
    if is_folder:
        text, kind, base = _read_text(path / _CONTENT), "otiod", path
    elif zipfile.is_zipfile(path):
        base = Path(scratch) if scratch is not None else path.with_name(f"{path.stem} media")
        text, kind = _unpack(path, base), "otioz"
    else:
        text, kind, base = _read_text(path), "otio", path.parent
    timeline = choose_timeline(_timelines_of(_parse(text, path), path), name, path)
    return OpenTimeline(timeline, path, kind, base.absolute(), folders, '"Clip.2"' not in text)


def with_frame_rate(opened: OpenTimeline, rate_of: Callable[[str], Fraction]) -> OpenTimeline:
    """The timeline with a frame rate, which is its media's where all its times are in seconds or milliseconds.

    `rate_of` gives a movie's rate, or raises BadMedia. The media is asked only where it is needed.
    """
    try:
        _ = opened.rate
    except BadTimeline:
        rates: Counter[Fraction] = Counter()
        for found in walk_video_clips(opened.timeline):
            with contextlib.suppress(BadTimeline, BadMedia):
                media = find_media(found.clip, opened.media_base, opened.media_search)
                own = getattr(found.clip.media_reference, "rate", 0)
                if media.sequence is None:
                    rates[rate_of(media.path)] += 1
                elif is_frame_rate(own):
                    rates[exact_rate(own)] += 1
        if rates:
            return replace(opened, media_rate=rates.most_common(1)[0][0])
    return opened


def timeline_for_media(
    media_path: str | os.PathLike[str],
    rate: Fraction,
    frame_count: int,
    start_timecode_frames: int = 0,
    name: str = "",
    sequence: ImageSequence | None = None,
) -> OpenTimeline:
    """A movie or image sequence as a timeline of one clip, so that a result is always a timeline.

    `frame_count` and `start_timecode_frames` are in frames of `rate`; the clip is the whole movie.
    """
    path = Path(media_path).absolute()
    if frame_count < 1:
        raise BadTimeline(f"{path.name} has no frames.", remedy="Choose a movie with at least one frame.")
    whole = otio.opentime.TimeRange(as_time(start_timecode_frames, rate), as_time(frame_count, rate))
    if sequence is None:
        reference = otio.schema.ExternalReference(url_like("", str(path)), whole)
    else:
        reference = otio.schema.ImageSequenceReference(
            url_like("file:", sequence.folder) + "/",
            sequence.prefix,
            sequence.suffix,
            sequence.first,
            sequence.step,
            float(rate),
            sequence.padding,
            available_range=whole,
        )
    name = name or path.stem
    timeline = otio.schema.Timeline(name, global_start_time=whole.start_time)
    clip = otio.schema.Clip(name, reference, whole)
    timeline.tracks.append(otio.schema.Track("V1", [clip], kind=otio.schema.TrackKind.Video))
    return OpenTimeline(timeline, path, "movie", path.parent)


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise BadTimeline(f"{path.parent} is not a timeline bundle.", f"It has no {path.name}.", _EXPORT) from error
    except OSError as error:
        raise BadTimeline(f"{path} cannot be read.", error.strerror or "", "Check the file's permissions.") from error
    except UnicodeDecodeError as error:
        raise BadTimeline(f"{path.name} is not a timeline.", "It is not text.", _EXPORT) from error


def _unpack(path: Path, folder: Path) -> str:
    """Unpack an .otioz's media into `folder`, files that are there already excepted; the timeline's text."""
    try:
        with zipfile.ZipFile(path) as bundle:
            text = bundle.read(_CONTENT).decode("utf-8-sig")
            for member in bundle.infolist():
                # Member names come from a stranger: nothing may land outside of the folder.
                target = (folder / member.filename).resolve()
                if member.is_dir() or not target.is_relative_to(folder.resolve() / "media"):
                    continue
                if not target.exists() or target.stat().st_size != member.file_size:
                    _unpack_member(bundle, member, target)
    except (KeyError, UnicodeDecodeError) as error:
        raise BadTimeline(f"{path.name} is not a timeline bundle.", f"It has no {_CONTENT}.", _EXPORT) from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BadTimeline(f"{path.name} is damaged.", str(error), "Export or copy it again.") from error
    except OSError as error:
        raise OutOfDisk(
            f"The media in {path.name} could not be unpacked into {folder}.",
            error.strerror or str(error),
            "Free some space, or name another folder for the media.",
        ) from error
    return text


def _unpack_member(bundle: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    with bundle.open(member) as source, partial.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    os.replace(partial, target)


def _parse(text: str, path: Path) -> object:
    if not text.strip():
        raise BadTimeline(f"{path.name} is not a timeline.", "The file is empty.", _EXPORT)
    try:
        return otio.core.deserialize_json_from_string(text)
    except otio.exceptions.UnsupportedSchemaError as error:
        raise _too_new(text, path) from error
    except (ValueError, KeyError, TypeError, RuntimeError, otio.exceptions.OTIOError) as error:
        why = _why_unreadable(text, error)
        raise BadTimeline(f"{path.name} is not a timeline that can be read.", why, _EXPORT) from error


def _too_new(text: str, path: Path) -> BadTimeline:
    """The error for a file of a newer OpenTimelineIO, with the kinds of objects that are newer."""
    known = otio.core.type_version_map()
    held = {tuple(each) for each in re.findall(r'"OTIO_SCHEMA"\s*:\s*"(\w+)\.(\d+)"', text)}
    newer = sorted((name, int(version)) for name, version in held if int(version) > known.get(name, int(version)))
    holds = ", ".join(f"{name}.{version} (known up to {name}.{known[name]})" for name, version in newer)
    older = ".".join(otio.__version__.split(".")[:2])
    # Markers are the kind that an export can do without.
    without = "without its markers, " if {name for name, _ in newer} == {"Marker"} else ""
    return BadTimeline(
        f"{path.name} was written with a newer OpenTimelineIO.",
        f"It holds {holds or 'newer kinds of objects'}.",
        f"Export it {without}for OpenTimelineIO {older} or older, or update this program.",
    )


def _why_unreadable(text: str, error: Exception) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as syntax:
        if text.lstrip().startswith("<"):
            return "It is XML, not OpenTimelineIO."
        return f"It is not valid JSON (line {syntax.lineno}: {syntax.msg})."
    except RecursionError:
        return "It is nested too deeply."
    if "UnknownSchema" in str(error):
        return "It holds a kind of clip, effect or media that OpenTimelineIO does not know."
    missing = re.search(r"'\): (\w+) \(near line (\d+)", str(error))
    if isinstance(error, KeyError) and missing:
        return f"An object has no {missing[1]!r} (near line {missing[2]})."
    line = re.search(r"near line (\d+)", str(error))
    return f"A value is of the wrong kind (near line {line[1]})." if line else str(error)


def _timelines_of(read: object, path: Path) -> list[otio.schema.Timeline]:
    """The timeline itself, or those of a collection."""
    if isinstance(read, otio.schema.Timeline):
        return [read]
    if isinstance(read, otio.schema.SerializableCollection):
        # A child of a collection would dangle when the collection goes.
        return [timeline.deepcopy() for timeline in read.find_children(otio.schema.Timeline)]
    raise BadTimeline(f"{path.name} is not a timeline.", f"It holds {_described(read)}.", _EXPORT)


def _available_range(clip: otio.schema.Clip) -> otio.opentime.TimeRange | None:
    return clip.media_reference.available_range if clip.media_reference is not None else None


def _described(read: object) -> str:
    if isinstance(read, otio.core.SerializableObject):
        return f"a {read.schema_name()}"
    return "JSON that is not OpenTimelineIO"
