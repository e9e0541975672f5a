"""Why packages could not be installed, explained from the output of pip or uv. Standard library only."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

# Measured: 6.1 GB with the CUDA libraries that PyPI's torch requires on Linux; far less elsewhere.
DISK_NEEDED = 7_000_000_000 if sys.platform == "linux" else 3_000_000_000
PANEL_DISK = 1_500_000_000
"""Measured: the panel's packages without torch take 0.6 GB, and as much again during the installation."""
NEARLY_FULL = 300_000_000
NETWORK_SIGNS = re.compile(
    "dns error|name resolution|could not connect|error sending request|failed to fetch|connection refused|"
    "connecttimeout|network is unreachable|newconnectionerror|timed out"
)

HASH_SIGNS = re.compile("hash mismatch|hashes are required|do not match the hashes|mismatched hash")
FULL_SIGNS = re.compile("no space left|disk full|not enough space|disk quota exceeded|os error 28|errno 28")
_PATH = re.compile(r"[`'\"]((?:/|[A-Za-z]:[\\/])[^`'\"\n]+)[`'\"]|(?<!\S)(/[^\s:`'\"]+)")


def explain_failure(output: str, folders: Sequence[Path]) -> str:
    """A paragraph that explains a failed installation from pip's or uv's output.

    folders: those that the installer writes to; the full disk is one of theirs.
    """
    lowered = output.lower()
    full = _full_folder(output, folders)
    if full is not None:
        folder, free = full
        return (
            f"The installation stopped because the disk of {folder} is full ({free / 1e9:.1f} GB free). Free some "
            f"space there (all of DynVFX needs {DISK_NEEDED / 1e9:.0f} GB, --panel-only {PANEL_DISK / 1e9:.1f} GB) and "
            "run the same command again; it starts over cleanly."
        )
    if NETWORK_SIGNS.search(lowered):
        return (
            "The installation could not download its packages: the package index did not answer. Check the network, a "
            "proxy (HTTPS_PROXY) or a firewall, and run the same command again; finished downloads are kept."
        )
    if HASH_SIGNS.search(lowered):
        return (
            "A downloaded package is not the file that the lock file names, so it was not installed. A proxy or a "
            "mirror of the package index may serve damaged or changed files: try another network. "
            f"The installer's last lines:\n\n{last_lines(output)}"
        )
    return (
        f"The packages could not be installed. The installer's last lines:\n\n{last_lines(output)}\n\n"
        "Run the same command to try again."
    )


def _full_folder(output: str, folders: Sequence[Path]) -> tuple[Path, int] | None:
    """A folder on the full disk and the disk's free bytes; None when no disk is full."""
    free, fullest = min((_free(folder), folder) for folder in folders)
    if free < NEARLY_FULL:
        return fullest, free
    if not FULL_SIGNS.search(output.lower()):
        return None
    # The installer has removed its files, and the disk has space again: the path in its output says which one it was.
    for quoted, plain in reversed(_PATH.findall(output)):
        named = nearest_existing(Path(quoted or plain))
        if named != Path(named.anchor):
            return named, _free(named)
    return fullest, free


def _free(folder: Path) -> int:
    return shutil.disk_usage(nearest_existing(folder)).free


def nearest_existing(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def last_lines(output: str) -> str:
    """The end of an installer's output, which contains the reason."""
    return "\n".join(output.strip().splitlines()[-12:])
