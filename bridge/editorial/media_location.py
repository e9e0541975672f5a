"""Where a media reference's picture is on this machine: URLs and paths as every application spells them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence as Many
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import quote, unquote

import msgspec
import opentimelineio as otio

from contract.errors import BadTimeline
from contract.image_sequence import ImageSequence

_WINDOWS_PATH = re.compile(r"^[A-Za-z]:[\\/]|^\\\\")
_OTHER_SCHEME = re.compile(r"^(?!file:)[A-Za-z][A-Za-z0-9+.-]+:")
_NUMBERED = re.compile(
    r"^(?P<prefix>.*?)(?:\[(?P<from>\d+)-(?P<to>\d+)\]|%(?P<width>0?\d*)d|(?P<hashes>#+))(?P<suffix>.*)$"
)
_LAST_NUMBER = re.compile(r"^(?P<prefix>.*?)(?P<number>\d+)(?P<suffix>\.[^.\d][^.]*)$")
_STILL_SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx", ".cin", ".psd", ".tga", ".bmp", ".webp", ".heic", ".gif"]
)
_RELINK = "Relink the clip in your editor and export again, or name the folder that holds the media."


class MediaLocation(msgspec.Struct, frozen=True):
    """A file that was found: `path` of the movie, or of a sequence's first image; `url` as the timeline spells it."""

    path: str
    url: str
    sequence: ImageSequence | None = None


def find_media(reference: otio.core.MediaReference | None, base: Path, media_folders: Many[Path] = ()) -> MediaLocation:
    """The movie or image sequence behind a reference. Relative references count from `base`.

    A file that is not where the timeline says is looked for below each of `media_folders`, longest common tail first.
    Raises BadTimeline when there is none: no reference, a generator, not a local file, a still, or offline.
    """
    if isinstance(reference, otio.schema.ImageSequenceReference):
        return _find_sequence(reference, base, media_folders)
    if isinstance(reference, otio.schema.GeneratorReference):
        kind = reference.generator_kind or reference.name or "generator"
        raise BadTimeline(
            f"The clip is a generator ({kind}), not footage.",
            "Titles, bars and mattes exist only inside the application that made them.",
            "Render it to a movie in your editor and use that.",
        )
    url = _url_of(reference)
    if reference is None or not url:
        raise BadTimeline(
            "The clip has no media.",
            "The timeline names no file for it (a title, an offline or a compound clip).",
            _RELINK,
        )
    if _OTHER_SCHEME.match(url) and not _WINDOWS_PATH.match(url):
        raise BadTimeline(
            f"The clip's media is not a file on this machine: {url}", remedy="Copy it to a disk and relink the clip."
        )
    spellings = _spellings(url, base)
    for path in _with_relinks(spellings, media_folders):
        if os.path.isfile(path):
            return _movie_or_numbered(path, url, reference.available_range)
        sequence = _numbered(path)
        if sequence and os.path.isfile(sequence.image(0)):
            return MediaLocation(sequence.image(0), url, sequence)
    raise _offline(spellings[0], media_folders)


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


def _find_sequence(
    reference: otio.schema.ImageSequenceReference, base: Path, media_folders: Many[Path]
) -> MediaLocation:
    count = reference.number_of_images_in_sequence() if reference.available_range and reference.rate > 0 else 0
    spellings = _spellings(reference.target_url_base or ".", base)
    first_name = ""
    for folder in [*spellings, *_with_relinks(spellings, media_folders), *map(str, media_folders)]:
        sequence = ImageSequence(
            folder,
            reference.name_prefix,
            reference.name_suffix,
            reference.start_frame,
            max(1, reference.frame_step),
            reference.frame_zero_padding,
            count,
        )
        first_name = first_name or sequence.image(0)
        if os.path.isfile(sequence.image(0)):
            return MediaLocation(sequence.image(0), reference.target_url_base, sequence)
    raise _offline(first_name, media_folders)


def _offline(path: str, media_folders: Many[Path]) -> BadTimeline:
    also = f" It is not below {', '.join(map(str, media_folders))} either." if media_folders else ""
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


def _movie_or_numbered(path: str, url: str, available: otio.opentime.TimeRange | None) -> MediaLocation:
    """A movie, or the sequence that a single image stands for; a held still is refused."""
    if os.path.splitext(path)[1].lower() not in _STILL_SUFFIXES:
        return MediaLocation(path, url)
    length = round(available.duration.value) if available else 1
    match = _LAST_NUMBER.match(os.path.basename(path))
    # Photographs are numbered too: only a range that the numbered files really cover makes an image a sequence.
    if match and length > 1:
        folder, first = os.path.dirname(path), int(match["number"])
        sequence = ImageSequence(folder, match["prefix"], match["suffix"], first, 1, len(match["number"]), length)
        if all(os.path.isfile(sequence.image(index)) for index in range(length)):
            return MediaLocation(path, url, sequence)
    raise BadTimeline(
        f"The clip is a still image: {os.path.basename(path)}",
        "Its frames are all the same picture.",
        "Render it to a movie in your editor and use that.",
    )


def _numbered(path: str) -> ImageSequence | None:
    """The sequence behind name.[1001-1100].exr, name.%04d.exr or name.####.exr; None for any other name."""
    folder, name = os.path.split(path)
    match = _NUMBERED.match(name)
    if not match:
        return None
    prefix, suffix = match["prefix"], match["suffix"]
    if match["from"]:
        first, last = int(match["from"]), int(match["to"])
        return ImageSequence(folder, prefix, suffix, first, 1, len(match["from"]), last - first + 1)
    padding = len(match["hashes"]) if match["hashes"] else int(match["width"] or 0)
    numbers = _numbers_in(folder, prefix, suffix)
    if not numbers:
        return None
    return ImageSequence(folder, prefix, suffix, numbers[0], 1, padding, numbers[-1] - numbers[0] + 1)


def _numbers_in(folder: str, prefix: str, suffix: str) -> list[int]:
    if not os.path.isdir(folder):
        return []
    wanted = re.compile(re.escape(prefix) + r"(\d+)" + re.escape(suffix))
    return sorted(int(found[1]) for found in map(wanted.fullmatch, os.listdir(folder)) if found)
