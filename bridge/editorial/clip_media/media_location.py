"""Where a media reference's picture is on this machine: URLs and paths as every application spells them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence as Many
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import quote, unquote

import msgspec
import opentimelineio as otio

from bridge.editorial.clip_media.media_search import MediaSearch
from bridge.editorial.clip_media.numbered_media import (
    STILL_SUFFIXES,
    named_number,
    sequence_around,
    sequence_of_pattern,
)
from contract.errors import BadTimeline
from contract.image_sequence import ImageSequence

_WINDOWS_PATH = re.compile(r"^[A-Za-z]:[\\/]|^\\\\")
_OTHER_SCHEME = re.compile(r"^(?!file:)[A-Za-z][A-Za-z0-9+.-]+:")
_RELINK = (
    "Relink the clip in your editor and export again, or name the folder that holds the media (--media on the command"
    " line)."
)


class MediaLocation(msgspec.Struct, frozen=True):
    """A file that was found: `path` of the movie, or of a sequence's first image; `url` as the timeline spells it.

    `counts_from` is the number that the timeline gives to the first picture, where only the lengths show it.
    """

    path: str
    url: str
    sequence: ImageSequence | None = None
    counts_from: int | None = None


def find_media(clip: otio.schema.Clip, base: Path, search: MediaSearch | None = None) -> MediaLocation:
    """The movie or image sequence behind a clip. Relative references count from `base`.

    A file that is not where the timeline says is looked for below each of the search's folders, longest common tail
    first, then by its name. A clip without a reference (an EDL knows names alone) is looked for by the name of the
    clip, then of its reel, beside the timeline and by the search.
    Raises BadTimeline when there is none or several: no reference, a generator, not a local file, a still, or offline.
    """
    reference, search = clip.media_reference, search or MediaSearch()
    if isinstance(reference, otio.schema.ImageSequenceReference):
        return _find_sequence(reference, base, search)
    if isinstance(reference, otio.schema.GeneratorReference):
        kind = reference.generator_kind or reference.name or "generator"
        raise BadTimeline(
            f"The clip is a generator ({kind}), not footage.",
            "Titles, bars and mattes exist only inside the application that made them.",
            "Render it to a movie in your editor and use that.",
        )
    url = _url_of(reference)
    if reference is None or not url:
        return _find_by_name(clip, base, search)
    if _OTHER_SCHEME.match(url) and not _WINDOWS_PATH.match(url):
        raise BadTimeline(
            f"The clip's media is not a file on this machine: {url}", remedy="Copy it to a disk and relink the clip."
        )
    spellings = _spellings(url, base)
    for path in _with_relinks(spellings, search.folders):
        if os.path.isfile(path):
            return _movie_or_numbered(path, url, clip)
        sequence = sequence_of_pattern(path)
        if sequence is not None:
            return MediaLocation(sequence.image(0), url, sequence)
    # An edit list's file is one more name of it.
    found = search.named([url, clip.name, _reel_of(clip)] if "cmx_3600" in clip.metadata else [url])
    if found is not None:
        return _movie_or_numbered(found, url, clip)
    raise _offline(spellings[0], search)


def _find_by_name(clip: otio.schema.Clip, base: Path, search: MediaSearch) -> MediaLocation:
    noted = clip.media_reference.name if clip.media_reference is not None else ""
    names = list(dict.fromkeys(name for name in (clip.name, noted, _reel_of(clip)) if name.strip()))
    if clip.name and os.path.basename(clip.name) == clip.name:
        beside = os.path.join(base, clip.name)
        if os.path.isfile(beside):
            return _movie_or_numbered(beside, clip.name, clip)
    found = search.named(names)
    if found is not None:
        return _movie_or_numbered(found, found, clip)
    if not names:
        raise BadTimeline(
            "The clip has no media.",
            "The timeline names no file for it (a title, an offline or a compound clip).",
            "Relink it in your editor and export again, or render it to a movie.",
        )
    called = " or ".join(f'"{name}"' for name in names)
    if not search.places:
        raise BadTimeline(
            "The clip has no media.",
            f"The timeline names no file for it, only {called}.",
            "Name the folder that holds a file of that name (--media on the command line), or export OpenTimelineIO or "
            "XML, which name the files.",
        )
    near = search.nearest(names)
    also = f" Similar: {', '.join(near)}." if near else ""
    raise BadTimeline(
        "The clip's media was not found.",
        f"No movie or image sequence called {called} lies below {', '.join(map(str, search.places))}.{also}",
        (f"If it is one of these, name the file itself (--media {near[0]}); else name" if near else "Name")
        + " the folder that holds it (--media), or export OpenTimelineIO or XML, which name the files.",
    )


def _reel_of(clip: otio.schema.Clip) -> str:
    """The reel that an edit list names; "" where there is none."""
    noted = clip.metadata.get("cmx_3600")
    reel = noted.get("reel", "") if hasattr(noted, "get") else ""
    return reel if isinstance(reel, str) else ""


def is_relative(url: str) -> bool:
    """Whether a media reference counts from the timeline's own folder."""
    return bool(url) and not (is_plain_path(url) or url.startswith("file:") or _OTHER_SCHEME.match(url))


def is_plain_path(url: str) -> bool:
    """Whether a reference is an absolute operating system path (`/x/y.mov`, `C:\\x\\y.mov`) and no URL."""
    return url.startswith("/") or bool(_WINDOWS_PATH.match(url))


def absolute_path(url: str, base: Path) -> str:
    """Absolute path of a reference that counts from `base`: the spelling that exists, else the likeliest."""
    spellings = _spellings(url, base)
    return next((path for path in spellings if os.path.exists(path)), spellings[0])


def url_like(example: str, path: str) -> str:
    """Absolute `path` spelled in the way `example` is, because the application that wrote it surely reads that.

    URLs give percent-encoded URLs, with their host if it is `localhost` (Premiere and others). Everything else gives a
    plain operating system path: Resolve and Kdenlive write that, and do not find media behind `file://` everywhere.
    """
    absolute = os.path.abspath(path)
    if not example.startswith("file:"):
        return absolute
    posix = absolute.replace("\\", "/") if os.sep == "\\" else absolute
    host = "localhost" if example.startswith("file://localhost/") else ""
    return f"file://{host}/{quote(posix.lstrip('/'), safe='/:')}"


def _url_of(reference: otio.core.MediaReference | None) -> str:
    url = getattr(reference, "target_url", "")
    if not url and isinstance(reference, otio.schema.MissingReference):
        # For media that is offline in Resolve, it writes no reference, but notes the path.
        noted = reference.metadata.get("Resolve_OTIO")
        url = noted.get("Media Url", "") if hasattr(noted, "get") else ""
    return url if isinstance(url, str) else ""


def _find_sequence(reference: otio.schema.ImageSequenceReference, base: Path, search: MediaSearch) -> MediaLocation:
    count = reference.number_of_images_in_sequence() if reference.available_range and reference.rate > 0 else 0
    spellings = _spellings(reference.target_url_base or ".", base)
    wanted = ImageSequence(
        spellings[0],
        reference.name_prefix,
        reference.name_suffix,
        reference.start_frame,
        max(1, reference.frame_step),
        reference.frame_zero_padding,
        count,
    )
    for folder in [*spellings, *_with_relinks(spellings, search.folders), *map(str, search.folders)]:
        sequence = msgspec.structs.replace(wanted, folder=folder)
        if os.path.isfile(sequence.image(0)):
            return MediaLocation(sequence.image(0), reference.target_url_base, sequence)
    found = search.named([wanted.image(0)])
    if found is not None:
        sequence = msgspec.structs.replace(wanted, folder=os.path.dirname(found))
        return MediaLocation(found, reference.target_url_base, sequence)
    raise _offline(wanted.image(0), search)


def _offline(path: str, search: MediaSearch) -> BadTimeline:
    also = f" It is not below {', '.join(map(str, search.places))} either." if search.places else ""
    return BadTimeline(f"The clip's media is offline: {path}", f"There is no such file on this machine.{also}", _RELINK)


def _spellings(url: str, base: Path) -> list[str]:
    """Paths that a reference may mean, the likeliest first; percent signs may be encoding or part of the name."""
    if url.startswith("file:"):
        host, slash, rest = url.removeprefix("file:").removeprefix("//").partition("/")
        raw = _from_host(host, slash + rest)
        texts = [unquote(raw), raw]
    else:
        texts = [url, unquote(url)]
    if any("\\" in text for text in texts) and not _WINDOWS_PATH.match(texts[0]):
        texts += [text.replace("\\", "/") for text in texts]
    # A Windows path on another system is nothing relative: it stays as it is for the message and for relinking.
    paths = [text if _WINDOWS_PATH.match(text) else os.path.join(base, text) for text in texts]
    return list(dict.fromkeys(os.path.normpath(path) for path in paths))


def _from_host(host: str, path: str) -> str:
    """Path of a file URL's host and path: file:///C:/x, file://localhost/C|/x, file://C:/x, file://server/share/x."""
    if re.fullmatch(r"[A-Za-z][:|]", unquote(host)):
        return unquote(host)[0] + ":" + path
    if host not in ("", "localhost", "127.0.0.1", "."):
        return f"//{host}{path}"
    drive = re.match(r"^/([A-Za-z])(?::|%3[Aa]|\|)(/.*)?$", path)
    return f"{drive[1]}:{drive[2] or '/'}" if drive else path


def _with_relinks(spellings: list[str], media_folders: Many[Path]) -> list[str]:
    paths = list(spellings)
    for spelling in spellings:
        pure = PureWindowsPath(spelling) if _WINDOWS_PATH.match(spelling) else PurePosixPath(spelling)
        parts = [part for part in pure.parts if part != pure.anchor]
        for folder in media_folders:
            paths += [os.path.join(folder, *parts[start:]) for start in range(len(parts))]
    return paths


def _movie_or_numbered(path: str, url: str, clip: otio.schema.Clip) -> MediaLocation:
    """A movie, or the sequence that a single image stands for; a held still is refused."""
    if os.path.splitext(path)[1].lower() not in STILL_SUFFIXES:
        return MediaLocation(path, url)
    available = clip.media_reference.available_range if clip.media_reference is not None else None
    if available is None:
        return _part_of_sequence(path, url, clip)
    length = round(available.duration.value)
    picture = named_number(os.path.basename(path))
    # Photographs are numbered too: only a range that the numbered files really cover makes an image a sequence.
    if picture is not None and length > 1:
        first, digits = picture.number, picture.digits
        sequence = ImageSequence(os.path.dirname(path), picture.prefix, picture.suffix, first, 1, digits, length)
        if all(os.path.isfile(sequence.image(index)) for index in range(length)):
            return MediaLocation(path, url, sequence)
    raise _still(path)


def _part_of_sequence(path: str, url: str, clip: otio.schema.Clip) -> MediaLocation:
    """The sequence around one picture, of which the timeline does not say how long it is.

    The clip's range says which pictures are meant where it counts in their numbers, or is as long as all of them.
    """
    sequence, shown = sequence_around(path), clip.source_range
    if sequence is None or shown is None:
        raise _still(path)
    first, count = round(shown.start_time.value), round(shown.duration.value)
    last = sequence.first + sequence.count - 1
    if sequence.first <= first and first + count - 1 <= last:
        return MediaLocation(sequence.image(0), url, sequence)
    if count == sequence.count:
        return MediaLocation(sequence.image(0), url, sequence, counts_from=first)
    raise BadTimeline(
        f"Which pictures of the sequence the clip shows is not known: {os.path.basename(path)}",
        f"Its pictures are numbered {sequence.first} to {last}; the clip counts {count} frames from {first}, and the "
        "timeline does not say which picture has which number.",
        f'Name the sequence itself, with the part that you mean: dynvfx add "{sequence.pattern}" "..." '
        f"--range 0-{min(count, sequence.count) - 1}",
    )


def _still(path: str) -> BadTimeline:
    return BadTimeline(
        f"The clip is a still image: {os.path.basename(path)}",
        "Its frames are all the same picture.",
        "Render it to a movie in your editor and use that.",
    )
