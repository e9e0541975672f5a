"""Media found again by name: in folders that a person named, or as a file that a person named."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Many
from functools import cached_property
from pathlib import Path

from bridge.editorial.clip_media.numbered_media import STILL_SUFFIXES, named_number
from contract.errors import BadTimeline

_MOVIE_SUFFIXES = frozenset(
    ".mov .mp4 .m4v .qt .mxf .mkv .webm .avi .mts .m2ts .ts .mpg .mpeg .m2v .dv .wmv .asf .ogv .3gp .gif".split()
)
_MOST_FILES = 500_000
_SHOWN = 5


class MediaSearch:
    """Looks for media by its name. `places` are folders, searched with all that is below, and single files.

    A folder is read once, when the first name is looked for, so keep one search per opened timeline.
    """

    def __init__(self, places: Iterable[Path] = ()) -> None:
        self.places = tuple(places)
        self.folders = tuple(place for place in self.places if not place.is_file())

    def named(self, names: Many[str]) -> str | None:
        """The movie, or the first picture of the sequence, that has one of `names`, the first name's first.

        A name fits a file's whole name, else its name without suffix; upper and lower case do not matter. A file that
        was named itself also fits when one of both names is the beginning of the other, and comes first.
        Raises BadTimeline when several files fit equally well.
        """
        wanted = [name for each in names if (name := _plain(each))]
        for found in self._by_rank(wanted):
            once = sorted({os.path.realpath(path): path for path in reversed(found)}.values())
            if len(once) == 1:
                return once[0]
            if once:
                raise _ambiguous(wanted, once)
        return None

    def nearest(self, names: Many[str]) -> list[str]:
        """Paths of files whose names begin like one of `names`, a few of them."""
        wanted = [_key(_stem(name)) for each in names if (name := _plain(each))]
        near = [
            path for path in self._files if any(_begins(_key(_stem(os.path.basename(path))), each) for each in wanted)
        ]
        return [path for path in near if _is_movie(path)][:_SHOWN]

    def _by_rank(self, wanted: list[str]) -> Iterator[list[str]]:
        singles = [str(place) for place in self.places if place.is_file()]
        for name in wanted:
            yield [path for path in singles if _key(os.path.basename(path)) == _key(name)]
        for name in wanted:
            stem = _key(_stem(name))
            yield [path for path in singles if _begins(_key(_stem(os.path.basename(path))), stem)]
        for name in wanted:
            yield self._names[0].get(_key(name), [])
            yield self._names[1].get(_key(name), []) or self._names[1].get(_key(_stem(name)), [])

    @cached_property
    def _files(self) -> list[str]:
        found: list[str] = []
        for folder in self.folders:
            for here, folders, files in os.walk(folder):
                folders.sort()
                found += [os.path.join(here, name) for name in sorted(files) if not name.startswith(".")]
                if len(found) > _MOST_FILES:
                    raise BadTimeline(
                        f"There are more than {_MOST_FILES:,} files below {folder}.",
                        "Each has to be looked at, to find the clip's media by its name.",
                        "Name the folder of this project's media.",
                    )
        return found

    @cached_property
    def _names(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Paths by file name, and by name without suffix; a sequence's first picture by the part before its numbers."""
        whole: dict[str, list[str]] = defaultdict(list)
        stems: dict[str, list[str]] = defaultdict(list)
        begun: set[tuple[str, str, str]] = set()
        for path in self._files:
            name = os.path.basename(path)
            whole[_key(name)].append(path)
            if _is_movie(path):
                stems[_key(_stem(name))].append(path)
                continue
            number = named_number(name)
            if number is None or (key := (os.path.dirname(path), number.prefix, number.suffix)) in begun:
                continue
            begun.add(key)
            stems[_key(number.prefix.rstrip("._- "))].append(path)
            stems[_key(f"{number.prefix}*{number.suffix}")].append(path)
        return whole, stems


def _plain(name: str) -> str:
    """The last part of a name that may be a path of any system; a sequence's numbers as one star."""
    last = re.split(r"[\\/]", name.strip())[-1]
    if os.path.splitext(last)[1].lower() in STILL_SUFFIXES:
        last = re.sub(r"(\[-?\d+--?\d+\]|%0?\d*d|#+)(?=\.[^.]*$)", "*", last)
    return "" if last in (".", "..") else last


def _key(name: str) -> str:
    return name.casefold()


def _stem(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in _MOVIE_SUFFIXES | STILL_SUFFIXES else name


def _is_movie(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in _MOVIE_SUFFIXES


def _begins(one: str, other: str) -> bool:
    return bool(one and other) and (one.startswith(other) or other.startswith(one))


def _ambiguous(wanted: list[str], found: list[str]) -> BadTimeline:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return BadTimeline(
        f'{len(found)} files may be the media of "{wanted[0]}".',
        f"They have the same name: {', '.join(found[:_SHOWN])}{more}.",
        f"Name the right file itself (--media {found[0]}), or a folder that holds only that one.",
    )
