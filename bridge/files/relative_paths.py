"""Names of files that strangers send: where they lie below a folder, and what no such name may be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from bridge.files.errors import BadName

_DEVICES = re.compile(r"(?i)(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9\u00b9\u00b2\u00b3])\s*(\..*)?$")
_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/]')
_LONGEST_PART, _LONGEST_PATH, _DEEPEST = 255, 1024, 16


def checked_parts(text: str) -> tuple[str, ...]:
    """The folders and the file of a relative path with forward slashes. Raises BadName.

    Refused is everything that means something else than a plain name on any system: absolute paths, drives, `..`, `.`,
    empty parts, backslashes, control characters, devices (CON, NUL.txt), trailing dots and spaces, what is too long.
    """
    parts = tuple(text.split("/"))
    if len(text) > _LONGEST_PATH or len(parts) > _DEEPEST:
        raise _refused(text[:80] + "...", "It is too long or too deep.")
    for part in parts:
        why = _why_unfit(part)
        if why:
            raise _refused(text, why)
    return parts


def safe_name(text: str) -> str:
    """A file name (without folders) that `checked_parts` accepts, as close to `text` as can be."""
    fit = _UNFIT.sub("_", text.encode("utf-8", "replace").decode()).rstrip(". ")
    stem, dot, suffix = fit.rpartition(".")
    while len(fit.encode()) > _LONGEST_PART:
        stem, suffix = (stem[:-1], suffix) if stem else (suffix[:-1], "")
        fit = f"{stem}{dot}{suffix}" if suffix else stem
    return f"_{fit}" if not fit or _DEVICES.match(fit) else fit


def check_distinct(texts: Iterable[str]) -> None:
    """Raise BadName when two of these checked paths are one file, or one is the other's folder, on any system."""
    files: dict[tuple[str, ...], str] = {}
    folders: dict[tuple[str, ...], str] = {}
    for text in texts:
        parts = tuple(_folded(part) for part in checked_parts(text))
        if parts in files or parts in folders:
            raise _refused(text, f"It is the same place as {files.get(parts) or folders[parts]!r}.")
        files[parts] = text
        for depth in range(1, len(parts)):
            folders[parts[:depth]] = text
            if parts[:depth] in files:
                raise _refused(text, f"{files[parts[:depth]]!r} is a file, not a folder.")


def is_device_name(part: str) -> bool:
    """Whether Windows takes a file of this name for a device, whatever its folder and suffix."""
    return bool(_DEVICES.match(part))


def _why_unfit(part: str) -> str:
    if part in ("", ".", ".."):
        return "It does not name a place below its folder."
    if _UNFIT.search(part):
        return "A character in it separates folders, drives or commands on some systems."
    if part[-1] in ". ":
        return "A name that ends in a dot or a space is another file on Windows."
    if is_device_name(part):
        return f"{part!r} is a device on Windows."
    try:
        if len(part.encode()) > _LONGEST_PART:
            return "It is too long."
    except UnicodeEncodeError:
        return "It is not a valid text."
    return ""


def _folded(part: str) -> str:
    """What file systems that ignore case and Unicode's forms compare."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", part).casefold())


def _refused(text: str, why: str) -> BadName:
    return BadName(f"The name {text!r} is refused.", why, "Rename the file, or send it under a plain name.")
