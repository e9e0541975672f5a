"""Switching the add-on on and off in Blender's own preferences, by Blender itself, when the user asked for it.

Standard library only.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from installers.agents import BLENDER_FOLDER
from installers.environment import clean_environment
from installers.hosts import FoundHost
from installers.manifest import Manifest

_ON = (
    "import sys, bpy, addon_utils\n"
    f"done = addon_utils.enable('{BLENDER_FOLDER}', default_set=True, persistent=True)\n"
    "bpy.ops.wm.save_userpref()\n"
    "sys.exit(0 if done else 7)\n"
)
_OFF = (
    f"import bpy, addon_utils\naddon_utils.disable('{BLENDER_FOLDER}', default_set=True)\nbpy.ops.wm.save_userpref()\n"
)
SWITCHED = "switched_on"
"""In the record's choices: programs of Blender in which the add-on was switched on here, separated by line ends."""


def switch_on(hosts: Sequence[FoundHost], manifest: Manifest, tell: Callable[[str], None]) -> None:
    """Enable the add-on in every Blender of `hosts` whose program is known; tell what fails. Raises OSError."""
    programs = str(manifest.choices.get(SWITCHED, "")).splitlines()
    for host in hosts:
        if host.kind != "blender":
            continue
        by_hand = f"Switch it on in {host.label}: Edit > Preferences > Add-ons, search for DynVFX."
        if host.program is None:
            tell(f"The program of {host.label} was not found. {by_hand}")
            continue
        problem = _run(host.program, _ON)
        if problem:
            tell(f"{host.label} did not switch the add-on on ({problem}). {by_hand}")
            continue
        tell(f"The add-on is switched on in {host.label}. A Blender that is open now learns it at its next start.")
        if str(host.program) not in programs:
            programs.append(str(host.program))
    manifest.choices[SWITCHED] = "\n".join(programs)
    manifest.write()


def switch_off(manifest: Manifest, step: Callable[[str], None], tell: Callable[[str], None]) -> None:
    """Disable the add-on where `switch_on` enabled it, while it is still there. Raises OSError."""
    for program in str(manifest.choices.get(SWITCHED, "")).splitlines():
        step(f"switching the add-on off in {program}")
        problem = _run(Path(program), _OFF)
        if problem:
            tell(f"{program} still lists the add-on in its preferences ({problem}); it does no harm there.")


def _run(program: Path, code: str) -> str:
    """Run `code` in a Blender without a window; what went wrong, empty when nothing did."""
    command = [str(program), "--background", "--python-exit-code", "7", "--python-expr", code]
    try:
        done = subprocess.run(
            command,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=180,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return lines[-1] if lines else f"it ended with {done.returncode}"
