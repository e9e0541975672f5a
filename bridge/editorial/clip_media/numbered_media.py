"""Names of numbered pictures: patterns as applications spell them, and single files of a sequence."""

from __future__ import annotations

import os
import re

from contract.image_sequence import ImageSequence, NumberedName, numbered_name, sequence_names

STILL_SUFFIXES = frozenset(
    [".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx", ".cin", ".psd", ".tga", ".bmp", ".webp", ".heic"]
)


def named_number(name: str) -> NumberedName | None:
    """A picture's file name around the number before its suffix; None for names without one."""
    if os.path.splitext(name)[1].lower() not in STILL_SUFFIXES:
        return None
    found = numbered_name(name)
    return found if found is not None and found.suffix == os.path.splitext(name)[1] else None


def sequence_of_pattern(path: str) -> ImageSequence | None:
    """The sequence of name.[1001-1100].exr, name.%04d.exr or name.####.exr; None where its first picture is absent."""
    folder, name = os.path.split(path)
    for spelled in sequence_names(name):
        if spelled.first is not None and spelled.last is not None:
            first, count = spelled.first, spelled.last - spelled.first + 1
        else:
            numbers = numbers_in(folder, spelled.prefix, spelled.suffix)
            first, count = (numbers[0], numbers[-1] - numbers[0] + 1) if numbers else (0, 0)
        sequence = ImageSequence(folder, spelled.prefix, spelled.suffix, first, 1, spelled.padding, count)
        if count > 0 and os.path.isfile(sequence.image(0)):
            return sequence
    return None


def sequence_around(path: str) -> ImageSequence | None:
    """The unbroken run of pictures that a file of it stands for; None when it stands alone."""
    folder, name = os.path.split(path)
    picture = named_number(name)
    if picture is None:
        return None
    there = set(numbers_in(folder, picture.prefix, picture.suffix))
    first = last = picture.number
    while first - 1 in there:
        first -= 1
    while last + 1 in there:
        last += 1
    if first == last:
        return None
    return ImageSequence(folder, picture.prefix, picture.suffix, first, 1, picture.digits, last - first + 1)


def numbers_in(folder: str, prefix: str, suffix: str) -> list[int]:
    """The numbers that files of a folder have between `prefix` and `suffix`, in order."""
    if not os.path.isdir(folder):
        return []
    wanted = re.compile(re.escape(prefix) + r"(-?\d+)" + re.escape(suffix))
    return sorted(int(found[1]) for found in map(wanted.fullmatch, os.listdir(folder)) if found)
