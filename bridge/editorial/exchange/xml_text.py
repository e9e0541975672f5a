"""XML of other programs: parsed without entities of its own, with comments kept."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

from contract.errors import BadTimeline

_AGAIN = "Export it again, or export OpenTimelineIO (.otio)."


def parse_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file, comments among its nodes. Raises BadTimeline."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BadTimeline(f"{path} cannot be read.", error.strerror or "", "Check the file's permissions.") from error
    if re.search(rb"<!ENTITY", raw):
        # No program writes any; a few lines of them can fill the memory.
        raise BadTimeline(f"{path.name} defines entities of its own.", "No editor writes such XML.", _AGAIN)
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    try:
        parser.feed(raw)
        return parser.close()
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise BadTimeline(f"{path.name} is damaged.", f"It is no valid XML ({error}).", _AGAIN) from error


def whole(text: str | None, default: int | None = None) -> int | None:
    """A whole number; `default` for anything else."""
    try:
        return int((text or "").strip())
    except ValueError:
        try:
            return round(float((text or "").strip()))
        except (ValueError, OverflowError):
            return default


def rational_seconds(text: str | None) -> Fraction | None:
    """Seconds such as "1001/24000s" or "5s"; None for anything else."""
    match = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)(?:/(\d+))?s?\s*", text or "")
    if match is None or (match[2] and int(match[2]) == 0):
        return None
    return Fraction(match[1]) / int(match[2] or 1)
