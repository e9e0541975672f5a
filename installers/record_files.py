"""Files of our own package, inside an environment, that the user changed: found by the list that came with the wheel.

Standard library only.
"""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Callable
from pathlib import Path

from installers.versions import App

KEPT_FOLDER = "changed-by-you"
"""Beside the app folder: copies of such files from versions that were removed."""


def changed_files(version: Path, package: str = "dynvfx") -> list[Path]:
    """Files of our package in a version's folder that are not as they were installed. Raises OSError."""
    changed = []
    places = ("lib/python*/site-packages", "Lib/site-packages")
    records = {each for place in places for each in (version / "env").glob(f"{place}/{package}-*.dist-info/RECORD")}
    for record in records:
        with open(record, encoding="utf-8", newline="") as rows:
            for name, digest, *_ in csv.reader(rows):
                path = record.parent.parent / name
                if digest.startswith("sha256=") and path.is_file() and _digest(path) != digest:
                    changed.append(path)
    return changed


def keep_changed(app: App, name: str, tell: Callable[[str], None]) -> list[Path]:
    """Copy the changed files of a version beside the app folder; where they are now. Raises OSError."""
    kept = []
    version = app.versions / name
    for path in changed_files(version):
        target = app.folder.parent / KEPT_FOLDER / name / path.relative_to(version / "env")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
        tell(f"{path.name} of {name} was changed by you; it is kept as {target}.")
        kept.append(target)
    return kept


def _digest(path: Path) -> str:
    """A file's hash, as the list in a wheel has it."""
    raw = hashlib.sha256(path.read_bytes()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
