"""Numbered image files as one clip."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from media.errors import EmptyMedia, MissingFrames, MissingMedia, UnreadableMedia

IMAGE_SUFFIXES = frozenset(
    (".png", ".exr", ".dpx", ".tif", ".tiff", ".jpg", ".jpeg", ".jp2", ".tga", ".bmp", ".webp", ".sgi", ".ppm", ".cin")
)
_PRINTF = re.compile(r"%0?(\d*)d")
_HASHES = re.compile(r"#+")
_RANGE = re.compile(r"\[(\d+)-(\d+)\]")
_LAST_NUMBER = re.compile(r"(\d+)(?=\D*$)")


@dataclass(frozen=True)
class FrameFiles:
    """Files `folder/head + number + tail` from `first` on; `digits` is the width of the padded number."""

    folder: Path
    head: str
    tail: str
    digits: int
    first: int
    count: int

    @property
    def pattern(self) -> str:
        """The sequence as a printf path, e.g. /shots/a.%04d.png."""
        number = f"%0{self.digits}d" if self.digits > 1 else "%d"
        return str(self.folder / f"{self.head}{number}{self.tail}")

    def file(self, index: int) -> Path:
        """Path of frame `index`, counted from 0."""
        return self.folder / f"{self.head}{self.first + index:0{self.digits}d}{self.tail}"


def is_sequence(path: str) -> bool:
    """True for a folder, a pattern (%04d, ####, [1001-1100]) or a numbered still picture."""
    name = os.path.basename(path)
    if any(mark.search(name) for mark in (_PRINTF, _HASHES, _RANGE)) and not os.path.isfile(path):
        return True
    return os.path.isdir(path) or Path(path).suffix.lower() in IMAGE_SUFFIXES


def find_sequence(path: str) -> FrameFiles:
    """Resolve a folder, a pattern or one still picture to its files.

    A still picture stands for itself alone: name a pattern or the folder for the whole sequence.
    Raises MissingMedia, UnreadableMedia, EmptyMedia or MissingFrames.
    """
    place = Path(path)
    is_folder = os.path.isdir(place)  # False where it may not be looked at; pathlib's would raise
    folder = place if is_folder else place.parent
    try:
        names = os.listdir(folder)
    except FileNotFoundError as error:
        raise MissingMedia(f"The folder {folder} does not exist.", remedy="Relink the clip, then try again.") from error
    except PermissionError as error:
        raise UnreadableMedia(f"The folder {folder} may not be read.", remedy="Check its permissions.") from error
    if is_folder:
        return _only_sequence(folder, names)
    if place.is_file():
        number = _LAST_NUMBER.search(place.stem)
        digits = number.group(1) if number else ""
        head = place.stem[: number.start()] if number else place.name
        tail = place.stem[number.end() :] + place.suffix if number else ""
        return FrameFiles(folder, head, tail, len(digits), int(digits), 1) if digits else _lone(folder, place.name)
    return _from_pattern(folder, place.name, names)


def _lone(folder: Path, name: str) -> FrameFiles:
    return FrameFiles(folder, name, "", 0, 0, 1)


def _from_pattern(folder: Path, name: str, names: list[str]) -> FrameFiles:
    wanted = None
    if mark := _RANGE.search(name):
        wanted = range(int(mark.group(1)), int(mark.group(2)) + 1)
        digits = len(mark.group(1))
    elif mark := _PRINTF.search(name):
        digits = int(mark.group(1) or 1)
    elif mark := _HASHES.search(name):
        digits = len(mark.group())
    else:
        raise MissingMedia(f"The file {folder / name} does not exist.", remedy="Relink the clip, then try again.")
    head, tail = name[: mark.start()], name[mark.end() :]
    numbers = _numbers(names, head, tail, digits)
    if wanted is not None:
        absent = sorted(set(wanted) - set(numbers))
        if absent:
            raise _holes(folder / name, absent)
        numbers = list(wanted)
    if not numbers:
        raise MissingMedia(f"No file matches {folder / name}.", remedy="Check the pattern and the folder.")
    return _checked(folder, head, tail, digits, numbers)


def _only_sequence(folder: Path, names: list[str]) -> FrameFiles:
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
    if len({(head, tail) for head, tail, _ in groups}) > 1:
        found = ", ".join(sorted(f"{head}{'#' * width}{tail}" for head, tail, width in groups))
        raise MissingMedia(
            f"The folder {folder} holds several sequences: {found}.", remedy="Name one of them by its pattern."
        )
    # Unpadded numbers (1 ... 10) come as several widths of one sequence.
    head, tail, _ = next(iter(groups))
    digits = min(width for _, _, width in groups)
    return _checked(folder, head, tail, digits, sorted(sum(groups.values(), [])))


def _numbers(names: list[str], head: str, tail: str, digits: int) -> list[int]:
    found = []
    for name in names:
        middle = name[len(head) : len(name) - len(tail)]
        padded = len(middle) == digits or (len(middle) > digits and middle[:1] != "0")
        if name.startswith(head) and name.endswith(tail) and middle.isdigit() and padded:
            found.append(int(middle))
    return sorted(found)


def _checked(folder: Path, head: str, tail: str, digits: int, numbers: list[int]) -> FrameFiles:
    files = FrameFiles(folder, head, tail, digits, numbers[0], len(numbers))
    absent = sorted(set(range(numbers[0], numbers[-1] + 1)) - set(numbers))
    if absent:
        raise _holes(files.pattern, absent)
    for index in range(files.count):
        if files.file(index).stat().st_size == 0:
            raise EmptyMedia(f"The picture {files.file(index)} has no bytes.", remedy="Render or copy it again.")
    return files


def _holes(pattern: str | Path, absent: list[int]) -> MissingFrames:
    shown = ", ".join(map(str, absent[:8])) + (" ..." if len(absent) > 8 else "")
    return MissingFrames(
        f"{len(absent)} frames of {pattern} are missing: {shown}.",
        "A picture that is not there would have to be invented.",
        "Render or copy the missing frames, or choose a range without them.",
    )
