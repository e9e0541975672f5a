"""Names of numbered pictures: patterns as applications spell them, and single files of a sequence."""

from __future__ import annotations

import os
import re

from contract.image_sequence import ImageSequence

STILL_SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx", ".cin", ".psd", ".tga", ".bmp", ".webp", ".heic"]
)
# The number is the last mark of its kind: what stands before is a name, and may hold anything.
_PATTERNS = (
    re.compile(r"^(?P<prefix>.*)\[(?P<from>\d+)-(?P<to>\d+)\](?P<suffix>.*)$"),
    re.compile(r"^(?P<prefix>.*)%(?P<width>0?\d*)d(?P<suffix>.*)$"),
    re.compile(r"^(?P<prefix>.*?)(?P<hashes>#+)(?P<suffix>[^#]*)$"),
)
_LAST_NUMBER = re.compile(r"^(?P<prefix>.*?)(?P<number>\d+)(?P<suffix>\.[^.\d][^.]*)$")


def named_number(name: str) -> re.Match[str] | None:
    """The groups `prefix`, `number` and `suffix` of a picture's file name; None for names without a number."""
    return _LAST_NUMBER.match(name) if os.path.splitext(name)[1].lower() in STILL_SUFFIXES else None


def sequence_of_pattern(path: str) -> ImageSequence | None:
    """The sequence behind name.[1001-1100].exr, name.%04d.exr or name.####.exr; None for any other name."""
    folder, name = os.path.split(path)
    match = next(filter(None, (pattern.match(name) for pattern in _PATTERNS)), None)
    if match is None:
        return None
    groups = match.groupdict()
    prefix, suffix = match["prefix"], match["suffix"]
    if groups.get("from"):
        first, last = int(match["from"]), int(match["to"])
        return ImageSequence(folder, prefix, suffix, first, 1, len(match["from"]), last - first + 1)
    padding = len(groups.get("hashes") or "") or int(groups.get("width") or 0)
    numbers = numbers_in(folder, prefix, suffix)
    if not numbers:
        return None
    return ImageSequence(folder, prefix, suffix, numbers[0], 1, padding, numbers[-1] - numbers[0] + 1)


def sequence_around(path: str) -> ImageSequence | None:
    """The unbroken run of pictures that a file of it stands for; None when it stands alone."""
    folder, name = os.path.split(path)
    match = named_number(name)
    if match is None:
        return None
    there = set(numbers_in(folder, match["prefix"], match["suffix"]))
    first = last = int(match["number"])
    while first - 1 in there:
        first -= 1
    while last + 1 in there:
        last += 1
    if first == last:
        return None
    padding = len(match["number"])
    return ImageSequence(folder, match["prefix"], match["suffix"], first, 1, padding, last - first + 1)


def numbers_in(folder: str, prefix: str, suffix: str) -> list[int]:
    """The numbers that files of a folder have between `prefix` and `suffix`, in order."""
    if not os.path.isdir(folder):
        return []
    wanted = re.compile(re.escape(prefix) + r"(\d+)" + re.escape(suffix))
    return sorted(int(found[1]) for found in map(wanted.fullmatch, os.listdir(folder)) if found)
