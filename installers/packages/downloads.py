"""The folder of downloaded packages: beside the installed versions, so that it is on their disk and goes with them.

Standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

CACHES = ("UV_CACHE_DIR", "PIP_CACHE_DIR")
"""Variables by which a user gives uv and pip a folder elsewhere, which is then theirs."""


def download_variables(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Environment variables with which uv and pip keep downloads and temporary files in `folder`."""
    own = {"UV_CACHE_DIR": str(folder / "uv"), "PIP_CACHE_DIR": str(folder / "pip")}
    kept = {name: path for name, path in own.items() if not environment.get(name)}
    return {**kept, **{name: str(temporary(folder)) for name in ("TMPDIR", "TEMP", "TMP")}}


def temporary(folder: Path) -> Path:
    """The folder for files that are needed during an installation only."""
    return folder / "tmp"


def chosen_caches(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """The folders that the user has given uv and pip, as far as they exist."""
    return [Path(environment[name]) for name in CACHES if environment.get(name) and Path(environment[name]).is_dir()]


def folder_bytes(folder: Path) -> int:
    """Bytes of the files in a folder, a file with several names once."""
    seen, total = set(), 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                facts = os.lstat(os.path.join(place, name))
            except FileNotFoundError:
                continue
            if (facts.st_dev, facts.st_ino) not in seen:
                seen.add((facts.st_dev, facts.st_ino))
                total += facts.st_size
    return total
