"""The list of what was written, with digests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class DeliveredFile:
    """One file of a delivery; `name` is relative to its directory, `role` says what it is for."""

    name: str
    role: str
    sha256: str
    bytes: int


def inventory(folder: Path) -> tuple[DeliveredFile, ...]:
    """Every file below `folder`, sorted by name."""
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        relative = path.relative_to(folder).as_posix()
        found.append(DeliveredFile(relative, relative.split("/")[0].split(".")[0], digest, path.stat().st_size))
    return tuple(found)
