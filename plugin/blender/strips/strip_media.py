"""A strip's media: movie or numbered pictures, their size, rate, number and the strip's trim."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import bpy

from . import compat
from .frame_rates import snap_rate

_NUMBERED = re.compile(r"^(?P<prefix>.*?)(?P<number>\d+)(?P<suffix>\.[^.\d][^.]*)$")


@dataclass(frozen=True)
class NumberedPictures:
    """Pictures PREFIX + number + SUFFIX in `folder`, without gaps; `padding` is the number's digits, 0 if unpadded."""

    folder: str
    prefix: str
    suffix: str
    first: int
    padding: int
    count: int


@dataclass(frozen=True)
class SourceRange:
    """`count` frames from `first`, the media frame (from 0) at the strip's left handle; the media has `total`."""

    first: int
    count: int
    total: int


def source_range(strip: Any) -> SourceRange | None:
    """The part of its media that a strip shows, at one media frame for each frame of the timeline; None otherwise
    (retimed, or between frames).

    The media frame at timeline frame F is animation_offset_start + F - frame_start (measured in 3.4 to 5.0).
    """
    before, after = compat.frames(strip, "animation_offset_start"), compat.frames(strip, "animation_offset_end")
    left, right = compat.frames(strip, "frame_offset_start"), compat.frames(strip, "frame_offset_end")
    length, count = compat.frames(strip, "frame_duration"), compat.frames(strip, "frame_final_duration")
    if any(abs(each - round(each)) > 1e-3 for each in (left, right, compat.frames(strip, "frame_start"))):
        return None
    if round(left) + count + round(right) != length:
        return None
    return SourceRange(before + round(left), count, before + length + after)


def media_path(strip: Any) -> str:
    """Absolute path of a movie or of the first picture; empty for other strips."""
    if strip.type == "MOVIE":
        return os.path.normpath(bpy.path.abspath(strip.filepath)) if strip.filepath else ""
    if strip.type == "IMAGE" and len(strip.elements):
        return os.path.join(picture_folder(strip), strip.elements[0].filename)
    return ""


def picture_folder(strip: Any) -> str:
    """Absolute folder of an image strip's pictures."""
    return os.path.normpath(bpy.path.abspath(strip.directory))


def missing_file(strip: Any) -> str:
    """The first missing file of a strip; empty when none is missing."""
    if strip.type == "MOVIE":
        path = media_path(strip)
        return "" if path and os.path.isfile(path) else path or "(no file)"
    if strip.type == "IMAGE":
        there = _names_in(picture_folder(strip))
        absent = next((each.filename for each in strip.elements if each.filename not in there), None)
        return os.path.join(picture_folder(strip), absent) if absent is not None else ""
    return ""


def numbered_pictures(strip: Any) -> NumberedPictures | None:
    """An image strip's pictures as a sequence; None when they are not numbered consecutively."""
    names = [each.filename for each in strip.elements]
    matches = [match for match in map(_NUMBERED.match, names) if match]
    if len(names) < 2 or len(matches) < len(names):
        return None
    first, digits = int(matches[0]["number"]), len(matches[0]["number"])
    widths = {len(each["number"]) for each in matches}
    padding = digits if len(widths) == 1 or matches[0]["number"].startswith("0") else 0
    prefix, suffix = matches[0]["prefix"], matches[0]["suffix"]
    wanted = [f"{prefix}{number:0{padding}d}{suffix}" for number in range(first, first + len(names))]
    if names != wanted:
        return None
    return NumberedPictures(picture_folder(strip), prefix, suffix, first, padding, len(names))


def media_size(strip: Any) -> tuple[int, int] | None:
    """Width and height of a strip's media in pixels; None for strips that have the scene's size."""
    if strip.type in ("MOVIE", "IMAGE") and len(strip.elements):
        first = strip.elements[0]
        if first.orig_width > 0 and first.orig_height > 0:
            return first.orig_width, first.orig_height
    return None


def media_rate(strip: Any) -> Fraction | None:
    """Frames per second of a movie; None for pictures, and for a movie whose rate is unknown."""
    if strip.type != "MOVIE":
        return None
    fps = strip.fps if hasattr(strip, "fps") else 0.0
    return snap_rate(fps) if fps > 0.01 else None


def _names_in(folder: str) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()
