"""Image sequences on disk: a folder, a pattern or one picture, resolved to numbered files without holes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from contract.image_sequence import ImageSequence
from media.errors import EmptyMedia, MissingFrames, MissingMedia, UnreadableMedia

IMAGE_SUFFIXES = frozenset(
    (".png", ".exr", ".dpx", ".tif", ".tiff", ".jpg", ".jpeg", ".jp2", ".tga", ".bmp", ".webp", ".sgi", ".ppm", ".cin")
)
_PRINTF = re.compile(r"%0?(\d*)d")
_HASHES = re.compile(r"#+")
_RANGE = re.compile(r"\[(\d+)-(\d+)\]")
_LAST_NUMBER = re.compile(r"(\d+)(?=\D*$)")


def is_sequence(path: str) -> bool:
    """True for a folder, a pattern (%04d, ####, [1001-1100]) or a picture file."""
    name = os.path.basename(path)
    if any(mark.search(name) for mark in (_PRINTF, _HASHES, _RANGE)) and not os.path.isfile(path):
        return True
    return os.path.isdir(path) or Path(path).suffix.lower() in IMAGE_SUFFIXES


def is_unnumbered_picture(path: str) -> bool:
    """True for a picture file whose name holds no number, so that it belongs to no sequence."""
    return os.path.isfile(path) and is_sequence(path) and not _LAST_NUMBER.search(Path(path).stem)


def find_sequence(path: str) -> ImageSequence:
    """Resolve a folder, a pattern or one numbered picture to its files; `folder` is absolute if `path` is.

    A picture stands for itself alone: name a pattern or the folder for the whole sequence.
    Raises MissingMedia, UnreadableMedia, EmptyMedia or MissingFrames.
    """
    is_folder = os.path.isdir(path)  # False where it may not be looked at; pathlib's would raise
    folder, name = (path, "") if is_folder else os.path.split(path)
    try:
        names = os.listdir(folder or ".")
    except FileNotFoundError as error:
        raise MissingMedia(f"The folder {folder} does not exist.", remedy="Relink the clip, then try again.") from error
    except PermissionError as error:
        raise UnreadableMedia(f"The folder {folder} may not be read.", remedy="Check its permissions.") from error
    if is_folder:
        return _only_sequence(folder, names)
    stem, suffix = os.path.splitext(name)
    number = _LAST_NUMBER.search(stem)
    if os.path.isfile(path):
        if number is None:
            raise MissingFrames(f"{path} belongs to no sequence.", "Its name holds no number.", "Choose a movie.")
        digits = number[1]
        tail = stem[number.end() :] + suffix
        return ImageSequence(folder, stem[: number.start()], tail, int(digits), 1, len(digits), 1)
    return _from_pattern(folder, name, names)


def _from_pattern(folder: str, name: str, names: list[str]) -> ImageSequence:
    wanted = None
    if mark := _last(_RANGE, name):
        wanted = range(int(mark.group(1)), int(mark.group(2)) + 1)
        padding = len(mark.group(1))
    elif mark := _last(_PRINTF, name):
        padding = int(mark.group(1) or 1)
    elif mark := _last(_HASHES, name):
        padding = len(mark.group())
    else:
        missing = os.path.join(folder, name)
        raise MissingMedia(f"The file {missing} does not exist.", remedy="Relink the clip, then try again.")
    prefix, suffix = name[: mark.start()], name[mark.end() :]
    numbers: Sequence[int] = _numbers(names, prefix, suffix, padding)
    if wanted is not None:
        absent = sorted(set(wanted) - set(numbers))
        if absent:
            raise _holes(os.path.join(folder, name), absent)
        numbers = wanted
    if not numbers:
        raise MissingMedia(f"No file matches {os.path.join(folder, name)}.", remedy="Check the pattern and the folder.")
    return _checked(folder, prefix, suffix, padding, numbers)


def _only_sequence(folder: str, names: list[str]) -> ImageSequence:
    groups: dict[tuple[str, str, int], list[int]] = {}
    for name in names:
        stem, suffix = os.path.splitext(name)
        number = _LAST_NUMBER.search(stem)
        if name.startswith(".") or suffix.lower() not in IMAGE_SUFFIXES or not number:
            continue
        digits = number.group(1)
        width = len(digits) if digits[0] == "0" or len(digits) > 1 else 1
        groups.setdefault((stem[: number.start()], stem[number.end() :] + suffix, width), []).append(int(digits))
    if not groups:
        raise EmptyMedia(f"The folder {folder} holds no numbered pictures.", remedy="Name the movie or the sequence.")
    if len({(prefix, suffix) for prefix, suffix, _ in groups}) > 1:
        found = ", ".join(sorted(f"{prefix}{'#' * width}{suffix}" for prefix, suffix, width in groups))
        raise MissingMedia(
            f"The folder {folder} holds several sequences: {found}.", remedy="Name one of them by its pattern."
        )
    # Unpadded numbers (1 ... 10) come as several widths of one sequence.
    prefix, suffix, _ = next(iter(groups))
    padding = min(width for _, _, width in groups)
    return _checked(folder, prefix, suffix, padding, sorted(sum(groups.values(), [])))


def _last(mark: re.Pattern[str], name: str) -> re.Match[str] | None:
    """The last mark in a name: what stands before it is a name, and may hold anything."""
    return next(reversed(list(mark.finditer(name))), None)


def _numbers(names: list[str], prefix: str, suffix: str, padding: int) -> list[int]:
    found = []
    for name in names:
        middle = name[len(prefix) : len(name) - len(suffix)]
        padded = len(middle) == padding or (len(middle) > padding and middle[:1] != "0")
        if name.startswith(prefix) and name.endswith(suffix) and middle.isdigit() and padded:
            found.append(int(middle))
    return sorted(found)


def _checked(folder: str, prefix: str, suffix: str, padding: int, numbers: Sequence[int]) -> ImageSequence:
    sequence = ImageSequence(folder, prefix, suffix, numbers[0], 1, padding, len(numbers))
    absent = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if absent:
        raise _holes(sequence.pattern, absent)
    for image in sequence.images():
        if os.path.getsize(image) == 0:
            raise EmptyMedia(f"The picture {image} has no bytes.", remedy="Render or copy it again.")
    return sequence


def _holes(pattern: str, absent: list[int]) -> MissingFrames:
    shown = ", ".join(map(str, absent[:8])) + (" ..." if len(absent) > 8 else "")
    return MissingFrames(
        f"{len(absent)} frames of {pattern} are missing: {shown}.",
        "A picture that is not there would have to be invented.",
        "Render or copy the missing frames, or choose a range without them.",
    )
