"""The resources of an FCPXML file: formats with their rates, assets with their media, compound and multicam clips."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree.ElementTree import Element

import opentimelineio as otio

from bridge.editorial.exchange.xml_text import rational_seconds
from bridge.editorial.rates import as_time

_NAMED_RATES = {
    "2398": Fraction(24000, 1001), "24": Fraction(24), "25": Fraction(25), "2997": Fraction(30000, 1001),
    "30": Fraction(30), "50": Fraction(50), "5994": Fraction(60000, 1001), "60": Fraction(60),
}  # fmt: skip


class Resources:
    """What the clips of a file refer to by ids."""

    def __init__(self, root: Element) -> None:
        found = root.find("resources")
        self.element = found if found is not None else Element("resources")
        self._named = {each.get("id") or "": each for each in self.element if isinstance(each.tag, str)}

    def get(self, name: str | None, *tags: str) -> Element | None:
        """The resource with this id, where it has one of the tags."""
        found = self._named.get(name or "")
        return found if found is not None and found.tag in tags else None

    def rate(self, name: str | None) -> Fraction | None:
        """Frames a second of a format; None where it has none (stills) or is not known."""
        found = self.get(name, "format")
        if found is None:
            return None
        duration = rational_seconds(found.get("frameDuration"))
        if duration:
            return 1 / duration
        # Final Cut's own formats are known by their names: FFVideoFormat1080p2398, FFVideoFormat1080i5994.
        match = re.search(r"\d([pi])(\d{2,4})$", found.get("name") or "")
        rate = _NAMED_RATES.get(match[2]) if match else None
        return rate / 2 if rate is not None and match is not None and match[1] == "i" else rate

    def any_rate(self) -> Fraction | None:
        """The rate of the first format that has one, for projects that do not name theirs."""
        return next((rate for name in self._named if (rate := self.rate(name)) is not None), None)

    def media_of(self, asset: Element, rate: Fraction) -> otio.core.MediaReference:
        """An asset's file with its range, in frames of `rate`."""
        start = rational_seconds(asset.get("start")) or Fraction(0)
        length = rational_seconds(asset.get("duration")) or Fraction(0)
        available = otio.opentime.TimeRange(as_time(start * rate, rate), as_time(length * rate, rate))
        url = source_of(asset)
        if not url:
            return otio.schema.MissingReference(asset.get("name") or "", available if length else None)
        return otio.schema.ExternalReference(url, available if length else None)


def source_of(asset: Element) -> str:
    """The URL of an asset's original media: an attribute until FCPXML 1.8, an element of its own since."""
    representations = asset.findall("media-rep")
    original = [each for each in representations if each.get("kind", "original-media") == "original-media"]
    for each in [*original, *representations]:
        if each.get("src"):
            return each.get("src") or ""
    return asset.get("src") or ""


def has_picture(asset: Element) -> bool:
    """Whether an asset has video; one that says nothing has it."""
    return asset.get("hasVideo", "0" if asset.get("hasAudio") == "1" else "1") == "1"
