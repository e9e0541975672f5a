"""AAF, as Avid Media Composer exports it, through OpenTimelineIO's adapter, which is an optional package."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import sys
from pathlib import Path

import opentimelineio as otio

from bridge.editorial.exchange.reading import Reading, ReadTimelines
from contract.errors import BadTimeline

_PACKAGE = "otio-aaf-adapter>=2,<3"


class AdapterMissing(BadTimeline):
    """A kind of timeline needs a package that is not installed."""

    kind = "adapter_missing"


def read_aaf(path: Path, reading: Reading) -> ReadTimelines:
    """The sequences of an AAF. Raises AdapterMissing without the adapter, BadTimeline."""
    if not is_installed():
        raise AdapterMissing(
            f"{path.name} needs a package to be read.",
            "AAF is read through OpenTimelineIO's adapter, which is not installed here.",
            f"Install it: {install_command()}",
        )
    try:
        # The adapter prints what it passes over, between the lines that other programs read.
        with contextlib.redirect_stdout(io.StringIO()):
            read = otio.adapters.read_from_file(str(path), "AAF")
    except Exception as error:  # noqa: BLE001 - the adapter and its reader raise whatever went wrong in the file
        raise BadTimeline(
            f"{path.name} cannot be read as AAF.",
            str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
            "Export the sequence again as AAF linked to its media, or as EDL.",
        ) from error
    found = [read] if isinstance(read, otio.schema.Timeline) else []
    if isinstance(read, otio.schema.SerializableCollection):
        found = [each.deepcopy() for each in read.find_children(otio.schema.Timeline)]
    return ReadTimelines(found)


def is_installed() -> bool:
    """Whether the adapter and the reader below it are there."""
    return all(importlib.util.find_spec(name) is not None for name in ("otio_aaf_adapter", "aaf2"))


def install_command() -> str:
    """The command that installs the adapter into this environment."""
    if importlib.util.find_spec("pip") is not None:
        return f'"{sys.executable}" -m pip install "{_PACKAGE}"'
    return f'uv pip install --python "{sys.executable}" "{_PACKAGE}"'
