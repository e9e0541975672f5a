"""A zip file with the logs and a summary of the machine, to be sent to whoever looks for a fault."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from backend.diagnostics.redaction import Redaction
from contract.errors import BadUsage, OutOfDisk

LARGEST = 20_000_000
"""Bytes of one log of which only the end is taken."""
SUMMARY = "about.json"


@dataclass(frozen=True)
class LogBundle:
    """What was written: the zip file and the names of the logs in it."""

    path: Path
    logs: tuple[str, ...]
    redacted: bool


def default_name() -> str:
    """A name with the date and time."""
    return f"dynvfx-logs-{time.strftime('%Y%m%d-%H%M%S')}.zip"


def write_bundle(target: Path, folders: Mapping[str, Path], redaction: Redaction | None = None) -> LogBundle:
    """Put the logs below `folders` into a new zip file at `target`, each folder's under its name.

    `redaction` is applied to all text. Raises BadUsage when there is such a file already, OutOfDisk when it cannot be
    written; then nothing is left of it.
    """
    redact = redaction or str
    names = []
    try:
        with contextlib.ExitStack() as undoing:
            with open(target, "xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
                undoing.callback(target.unlink, missing_ok=True)
                summary = machine_summary(folders.values()) | {"redacted": redaction is not None}
                bundle.writestr(SUMMARY, json.dumps(_redacted(summary, redact), indent=2, ensure_ascii=False))
                for name, path in find_logs(folders):
                    bundle.writestr(name, redact(_end_of(path)))
                    names.append(name)
            undoing.pop_all()
    except FileExistsError as error:
        raise BadUsage(f"{target} is there already.", remedy="Name another file; none is written over.") from error
    except OSError as error:
        raise OutOfDisk(
            f"{target} could not be written.",
            error.strerror or str(error),
            "Free some space, or name a file in a folder that you may write to.",
        ) from error
    return LogBundle(target, tuple(names), redaction is not None)


def find_logs(folders: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """Names in the zip and files: all below the folders, each file once, links to elsewhere not."""
    seen: set[Path] = set()
    for name, folder in folders.items():
        root = folder.resolve()
        for path in sorted(folder.rglob("*")):
            real = path.resolve()
            if path.is_file() and real.is_relative_to(root) and real not in seen:
                seen.add(real)
                yield f"{name}/{path.relative_to(folder).as_posix()}", path


def machine_summary(folders: Iterable[Path] = ()) -> dict[str, object]:
    """Versions, processor, memory, graphics cards, and the space on the disks of `folders`, in bytes.

    Of the environment it has the names of this program's variables, not what they hold.
    """
    packages = {each.metadata["Name"]: each.version for each in distributions() if each.metadata["Name"]}
    return {
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "system": platform.platform(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "memory": _memory(),
        "graphics": _graphics(),
        "disks": [{"folder": str(folder), "free": _free(folder)} for folder in folders],
        "python": sys.version,
        "executable": sys.executable,
        "variables": sorted(name for name in os.environ if name.startswith(("DYNVFX_", "CUDA_", "PYTORCH_"))),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None  # Windows has no sysconf


def _graphics() -> list[str]:
    """One line a card: name, driver, memory; what the driver's own program says, so that torch stays out of this."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return [f"nvidia-smi: {error}"]
    return said.stdout.splitlines()


def _free(folder: Path) -> int | None:
    """Bytes free on the disk of a folder or, where there is none, of the next one above it."""
    existing = next((each for each in (folder, *folder.absolute().parents) if each.exists()), None)
    return None if existing is None else shutil.disk_usage(existing).free


def _redacted(value: object, redact: Callable[[str], str]) -> object:
    if isinstance(value, dict):
        return {name: _redacted(each, redact) for name, each in value.items()}
    if isinstance(value, list):
        return [_redacted(each, redact) for each in value]
    return redact(value) if isinstance(value, str) else value


def _end_of(path: Path) -> str:
    """The last bytes of a log, from a line's beginning; an error in words where it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LARGEST))
            if size > LARGEST:
                file.readline()
            return file.read().decode("utf-8", errors="replace")
    except OSError as error:
        return f"This log cannot be read: {error.strerror}\n"
