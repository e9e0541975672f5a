"""Enabling and disabling the add-on in Blender's preferences, by running Blender, if the user wants that.

Standard library only.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from installers.hosts.agents import BLENDER_FOLDER
from installers.hosts.found_hosts import FoundHost
from installers.manifest import Manifest
from installers.packages.environment import clean_environment

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
"""In the record's choices: the Blender programs in which the add-on was enabled here, separated by newlines."""


def switch_on(hosts: Sequence[FoundHost], manifest: Manifest, report: Callable[[str], None]) -> None:
    """Enable the add-on in every Blender of `hosts` whose program is known; failures are reported. Raises OSError."""
    programs = str(manifest.choices.get(SWITCHED, "")).splitlines()
    for host in hosts:
        if host.kind != "blender":
            continue
        by_hand = f"Enable the add-on in {host.label}: Edit > Preferences > Add-ons, search for DynVFX."
        if host.program is None:
            report(f"The program of {host.label} was not found. {by_hand}")
            continue
        problem = _run(host.program, _ON)
        if problem:
            report(f"{host.label} did not enable the add-on ({problem}). {by_hand}")
            continue
        report(f"The add-on is enabled in {host.label}. If Blender is open, restart it.")
        if str(host.program) not in programs:
            programs.append(str(host.program))
    manifest.choices[SWITCHED] = "\n".join(programs)
    manifest.write()


def switch_off(manifest: Manifest, step: Callable[[str], None], report: Callable[[str], None]) -> None:
    """Disable the add-on where `switch_on` enabled it, before its files are removed. Raises OSError."""
    for program in str(manifest.choices.get(SWITCHED, "")).splitlines():
        step(f"disabling the add-on in {program}")
        problem = _run(Path(program), _OFF)
        if problem:
            report(f"{program} still lists the add-on in its preferences ({problem}); this has no effect.")


def _run(program: Path, code: str) -> str:
    """Run `code` in a background Blender; returns what went wrong, empty after success."""
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
