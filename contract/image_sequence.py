"""Numbered pictures as one clip: how a sequence is named wherever it is spoken of."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import msgspec

_PRINTF = re.compile(r"%0?(\d*)d")
_HASHES = re.compile(r"#+")
_RANGE = re.compile(r"\[(-?\d+)-(-?\d+)\]")
# A minus is one where it stands alone: shot.-0005, not shot-0005.
_LAST_NUMBER = re.compile(r"((?<![^._ -])-)?(\d+)(?=\D*$)")


class ImageSequence(msgspec.Struct, frozen=True):
    """Picture `index` (from 0) is the file `folder/prefix NUMBER suffix`, its number `first + index * step`.

    `padding` is the number of digits to which numbers are filled up with zeros, a minus not counted. `count` is the
    number of pictures, 0 where it is not known (a timeline that does not say it, and a folder that is not there).
    Names are taken as they are: nothing in them is a pattern.
    """

    folder: str
    prefix: str
    suffix: str
    first: int
    step: int = 1
    padding: int = 0
    count: int = 0

    @classmethod
    def from_pattern(cls, pattern: str, first: int, count: int) -> ImageSequence:
        """The sequence that a printf path such as `/shots/a.%04d.png` names. Raises ValueError for any other path."""
        folder, name = os.path.split(pattern)
        mark = _PRINTF.search(name)
        if mark is None:
            raise ValueError(f"{pattern} is not a pattern of numbered pictures.")
        return cls(folder, name[: mark.start()], name[mark.end() :], first, 1, int(mark[1] or 0), count)

    @property
    def pattern(self) -> str:
        """The sequence as people read it, e.g. /shots/a.%04d.png. Not to be read again: a name may hold such marks."""
        number = f"%0{self.padding}d" if self.padding > 1 else "%d"
        return os.path.join(self.folder, f"{self.prefix}{number}{self.suffix}")

    @property
    def ranged_pattern(self) -> str:
        """The sequence with its first and last number, e.g. /shots/a.[1001-1100].png, as Resolve names it."""
        last = self.first + (self.count - 1) * self.step
        numbers = f"[{self._spelled(self.first)}-{self._spelled(last)}]"
        return os.path.join(self.folder, f"{self.prefix}{numbers}{self.suffix}")

    def image(self, index: int) -> str:
        """Path of the picture at `index`, counted from 0."""
        return os.path.join(self.folder, f"{self.prefix}{self._spelled(self.first + index * self.step)}{self.suffix}")

    def images(self) -> list[str]:
        """The paths of all pictures, in order."""
        return [self.image(index) for index in range(self.count)]

    def _spelled(self, number: int) -> str:
        return f"{'-' if number < 0 else ''}{abs(number):0{self.padding}d}"


class NumberedName(NamedTuple):
    """A picture's file name around its number; `digits` is how many it has."""

    prefix: str
    number: int
    digits: int
    suffix: str


class SequenceName(NamedTuple):
    """A way to read a pattern: `padding` digits, and the `first` and `last` number where the pattern says them."""

    prefix: str
    suffix: str
    padding: int
    first: int | None = None
    last: int | None = None


def numbered_name(name: str) -> NumberedName | None:
    """A picture's file name taken apart at its last number; None without one.

    A minus counts as one only where no word stands right before it: shot.-0005 has the number -5, shot-0005 has 5.
    """
    stem, extension = os.path.splitext(name)
    found = _LAST_NUMBER.search(stem)
    if found is None:
        return None
    number = int(found[2])
    return NumberedName(
        stem[: found.start()], -number if found[1] else number, len(found[2]), stem[found.end() :] + extension
    )


def sequence_names(name: str) -> list[SequenceName]:
    """The ways to read a file name as a pattern, the likeliest first: [1001-1100], %04d, ####, the last of each first.

    Names may hold such marks as plain text, so only the files that are there can tell.
    """

    def around(mark: re.Match[str]) -> tuple[str, str]:
        return name[: mark.start()], name[mark.end() :]

    ranges = [
        SequenceName(*around(mark), len(mark[1].lstrip("-")), int(mark[1]), int(mark[2]))
        for mark in reversed(list(_RANGE.finditer(name)))
    ]
    numbers = [SequenceName(*around(mark), int(mark[1] or 1)) for mark in reversed(list(_PRINTF.finditer(name)))]
    hashes = [SequenceName(*around(mark), len(mark[0])) for mark in reversed(list(_HASHES.finditer(name)))]
    return [*ranges, *numbers, *hashes]


def is_pattern(path: str) -> bool:
    """Whether a path names a sequence by a printf number (%06d)."""
    return _PRINTF.search(os.path.basename(path)) is not None
