"""Files of DynVFX's package that the user changed in an environment, found with the wheel's list of files (RECORD).

Standard library only.
"""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Callable
from pathlib import Path

from installers.program.versions import App

KEPT_FOLDER = "changed-by-you"
"""The folder beside the app folder with copies of such files from removed versions."""


def changed_files(version: Path, package: str = "dynvfx") -> list[Path]:
    """The files of our package in a version's folder that were changed after installing. Raises OSError."""
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


def keep_changed(app: App, name: str, report: Callable[[str], None]) -> list[Path]:
    """Copy the changed files of a version beside the app folder; returns the copies' paths. Raises OSError."""
    kept = []
    version = app.versions / name
    for path in changed_files(version):
        target = app.folder.parent / KEPT_FOLDER / name / path.relative_to(version / "env")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
        report(f"{path.name} of {name} was changed by you; a copy is kept as {target}.")
        kept.append(target)
    return kept


def _digest(path: Path) -> str:
    """A file's hash in the format of a wheel's RECORD."""
    raw = hashlib.sha256(path.read_bytes()).digest()
    return "sha256=" + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
