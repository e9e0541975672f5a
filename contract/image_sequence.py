"""Numbered pictures as one clip: how a sequence is named wherever it is spoken of."""

from __future__ import annotations

import os
import re

import msgspec

_PRINTF = re.compile(r"%0?(\d*)d")


class ImageSequence(msgspec.Struct, frozen=True):
    """Picture `index` (from 0) is the file `folder/prefix NUMBER suffix`, its number `first + index * step`.

    `padding` is the number of digits to which numbers are filled up with zeros. `count` is the number of pictures, 0
    where it is not known (a timeline that does not say it, and a folder that is not there).
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
        """The sequence as a printf path, e.g. /shots/a.%04d.png: what ffmpeg and `from_pattern` take."""
        number = f"%0{self.padding}d" if self.padding > 1 else "%d"
        return os.path.join(self.folder, f"{self.prefix}{number}{self.suffix}")

    @property
    def ranged_pattern(self) -> str:
        """The sequence with its first and last number, e.g. /shots/a.[1001-1100].png, as Resolve names it."""
        last = self.first + (self.count - 1) * self.step
        numbers = f"[{self.first:0{self.padding}d}-{last:0{self.padding}d}]"
        return os.path.join(self.folder, f"{self.prefix}{numbers}{self.suffix}")

    def image(self, index: int) -> str:
        """Path of the picture at `index`, counted from 0."""
        number = self.first + index * self.step
        return os.path.join(self.folder, f"{self.prefix}{number:0{self.padding}d}{self.suffix}")

    def images(self) -> list[str]:
        """The paths of all pictures, in order."""
        return [self.image(index) for index in range(self.count)]


def is_pattern(path: str) -> bool:
    """Whether a path names a sequence by a printf number (%06d)."""
    return _PRINTF.search(os.path.basename(path)) is not None
