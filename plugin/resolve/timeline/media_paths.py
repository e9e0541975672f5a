"""Media paths in Resolve's notation: movies, and sequences as name.[1001-1100].exr."""

import os
import re
from typing import Any, Dict, List, Optional

_BRACKETS = re.compile(r"^(?P<prefix>.*)\[(?P<first>\d+)-(?P<last>\d+)\](?P<suffix>[^\[\]]*)$")
STILLS = (".png", ".tif", ".tiff", ".exr", ".dpx", ".cin", ".jpg", ".jpeg", ".tga", ".bmp", ".psd", ".webp", ".heic")


def first_file(path: str) -> str:
    """The file that must exist for `path` to be online: a sequence's first image, else the path itself."""
    match = _BRACKETS.match(os.path.basename(path))
    if not match:
        return path
    name = match.group("prefix") + match.group("first") + match.group("suffix")
    return os.path.join(os.path.dirname(path), name)


def is_sequence(path: str) -> bool:
    """Whether a path names an image sequence."""
    return _BRACKETS.match(os.path.basename(path)) is not None


def same_path(one: str, other: str) -> bool:
    """Whether two paths name the same file in different notations."""
    return plain(one) == plain(other)


def plain(path: str) -> str:
    """The normalised form of a path, for comparisons."""
    return os.path.normcase(os.path.normpath(path))


def import_request(take: Dict[str, Any]) -> Any:
    """The argument of ImportMedia for a take: a path, or a sequence's pattern and numbers."""
    sequence = take.get("sequence")
    if not sequence:
        return str(take["path"])
    return {
        "FilePath": _pattern(sequence),
        "StartIndex": int(sequence["first"]),
        "EndIndex": int(sequence["first"]) + int(sequence["count"]) - 1,
    }


def spellings(take: Dict[str, Any]) -> List[str]:
    """The paths under which Resolve may show a take."""
    paths = [str(take["path"])]
    sequence = take.get("sequence")
    if sequence:
        width, first = int(sequence["padding"]), int(sequence["first"])
        last = first + int(sequence["count"]) - 1
        numbers = [f"[{first:0{width}d}-{last:0{width}d}]", f"{first:0{width}d}"]
        paths += [os.path.join(sequence["folder"], sequence["prefix"] + n + sequence["suffix"]) for n in numbers]
        paths.append(_pattern(sequence))
    return paths


def take_at(path: str, takes: List[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
    """The take whose media is at `path`."""
    for take in takes:
        if path and any(same_path(path, each) for each in spellings(take)):
            return take
    return None


def _pattern(sequence: Dict[str, Any]) -> str:
    number = "%0{}d".format(int(sequence["padding"])) if int(sequence["padding"]) > 1 else "%d"
    return os.path.join(sequence["folder"], sequence["prefix"] + number + sequence["suffix"])
