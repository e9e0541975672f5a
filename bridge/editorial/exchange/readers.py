"""Which reader reads which file."""

from __future__ import annotations

from pathlib import Path

from bridge.editorial.exchange.edl import read_edl
from bridge.editorial.exchange.reading import Reading, ReadTimelines
from contract.errors import BadTimeline


def read_exchange(path: Path, reading: Reading) -> ReadTimelines:
    """The timelines of a file of another program. Raises BadTimeline."""
    if path.suffix.lower() == ".edl":
        return read_edl(path, reading)
    raise BadTimeline(f"{path.name} is not read yet.")
