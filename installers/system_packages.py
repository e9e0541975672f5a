"""Libraries of the system that Python's packages cannot bring along: found, and installed where that is allowed.

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

# What Qt's platform plug-ins and sound load (Qt's documentation, "Qt for X11 requirements").
_QT = (
    "libegl1 libgl1 libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 "
    "libxcb-render-util0 libxcb-xinerama0 libxcb-shape0 libdbus-1-3 libfontconfig1 libpulse0"
)
# The tests drive the real window on a screen of their own, and the review page in a real browser.
DEBIAN: dict[str, tuple[str, ...]] = {
    "panel": tuple(_QT.split()),
    "test": (*_QT.split(), "xvfb", "chromium", "fonts-dejavu-core", "blender"),
}
"""Packages of Debian and Ubuntu that a command of run.py needs."""


def ensure(command: str) -> None:
    """Install what `command` lacks when this is a Debian-like system and we are root; else say how to, once.

    Never fails: what is missing then shows where it is needed, with its own message.
    """
    missing = absent_here(DEBIAN.get(command, ()))
    if not missing:
        return
    if os.geteuid() != 0:
        print(
            f"This system lacks {', '.join(missing)}. Install them with: sudo apt-get install {' '.join(missing)}",
            file=sys.stderr,
        )
        return
    print(f"Installing {', '.join(missing)} ...", file=sys.stderr)
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if _run_quietly(install, show_errors=False) == 0:
        return
    # The lists of packages may be missing or old.
    _run_quietly(["apt-get", "update"])
    if _run_quietly(install) != 0:
        print(f"These could not be installed: {', '.join(absent(missing))}. Going on without.", file=sys.stderr)


def _run_quietly(command: list[str], *, show_errors: bool = True) -> int:
    """Run a command of apt without questions; returns its exit status."""
    return subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None if show_errors else subprocess.DEVNULL,
        check=False,
    ).returncode


def absent_here(packages: Sequence[str]) -> list[str]:
    """Those of `packages` that are not installed, when this is a Debian-like system; on others none."""
    if not packages or sys.platform != "linux" or not (shutil.which("dpkg-query") and shutil.which("apt-get")):
        return []
    return absent(packages)


def absent(packages: Sequence[str]) -> list[str]:
    """Those of `packages` that are not installed."""
    asked = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    installed = {line.partition(" ")[0] for line in answer.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]
