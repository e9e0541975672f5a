"""Which reader reads which file."""

from __future__ import annotations

from pathlib import Path

from bridge.editorial.exchange.aaf import read_aaf
from bridge.editorial.exchange.edl import read_edl
from bridge.editorial.exchange.fcpxml import read_fcpxml
from bridge.editorial.exchange.reading import Reading, ReadTimelines
from bridge.editorial.exchange.xmeml import read_xmeml
from bridge.editorial.exchange.xml_text import parse_xml
from contract.errors import BadTimeline


def read_exchange(path: Path, reading: Reading) -> ReadTimelines:
    """The timelines of a file of another program. Raises BadTimeline, AdapterMissing."""
    suffix = path.suffix.lower()
    if suffix == ".edl":
        return read_edl(path, reading)
    if suffix in (".xml", ".fcpxml", ".fcpxmld"):
        return _read_xml(path, reading)
    return read_aaf(path, reading)


def _read_xml(path: Path, reading: Reading) -> ReadTimelines:
    """Final Cut Pro's two kinds of XML, by what the file holds: their suffixes are mixed up in practice."""
    root = parse_xml(path / "Info.fcpxml" if path.is_dir() else path)
    if root.tag == "xmeml":
        return read_xmeml(path, root, reading)
    if root.tag == "fcpxml":
        return read_fcpxml(path, root, reading)
    raise BadTimeline(
        f"{path.name} is XML of another kind ({root.tag}).",
        "Final Cut Pro XML (xmeml or fcpxml) is read.",
        "Export Final Cut Pro XML or OpenTimelineIO (.otio) from your editor.",
    )
