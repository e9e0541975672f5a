"""System libraries that Python packages do not include: checked, and installed where that is allowed.

Standard library only: it runs before anything is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

# Libraries of Qt's platform plug-ins and sound (Qt's documentation, "Qt for X11 requirements").
_QT = (
    "libegl1 libgl1 libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 "
    "libxcb-render-util0 libxcb-xinerama0 libxcb-shape0 libdbus-1-3 libfontconfig1 libpulse0"
)
# The tests run the real window on a virtual screen, and the review page in a real browser.
DEBIAN: dict[str, tuple[str, ...]] = {
    "panel": tuple(_QT.split()),
    "test": (*_QT.split(), "xvfb", "chromium", "fonts-dejavu-core", "blender"),
}
"""The Debian and Ubuntu packages that each command of run.py needs."""


def ensure(command: str) -> None:
    """Install the missing packages of `command` on a Debian-like system as root; else print the command once.

    Never fails: a library that is still missing causes its own error message where it is needed.
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
    # The package lists may be missing or old.
    _run_quietly(["apt-get", "update"])
    if _run_quietly(install) != 0:
        print(f"These could not be installed: {', '.join(absent(missing))}. Continuing without them.", file=sys.stderr)


def _run_quietly(command: list[str], *, show_errors: bool = True) -> int:
    """Run an apt command without questions; returns its exit status."""
    return subprocess.run(
        command,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None if show_errors else subprocess.DEVNULL,
        check=False,
    ).returncode


def absent_here(packages: Sequence[str]) -> list[str]:
    """The `packages` that are not installed, on a Debian-like system; none on others."""
    if not packages or sys.platform != "linux" or not (shutil.which("dpkg-query") and shutil.which("apt-get")):
        return []
    return absent(packages)


def absent(packages: Sequence[str]) -> list[str]:
    """The `packages` that are not installed."""
    asked = ["dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *packages]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    installed = {line.partition(" ")[0] for line in answer.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]
