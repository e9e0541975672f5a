"""Finding the user's Blenders and Resolve, and the folders for their agents. Standard library only."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, replace
from glob import glob
from pathlib import Path

from installers.errors import BadChoice
from installers.places import Places

OLDEST_BLENDER = (3, 4)
_VERSION = re.compile(r"^(\d+)\.(\d+)$")
_IN_NAME = re.compile(r"(\d+)\.(\d+)")
_PRINTED = re.compile(r"^Blender (\d+)\.(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class FoundHost:
    """An application for which an agent can be installed.

    key: its name in `--hosts`.
    target: the folder for the agent, Blender's `scripts/addons` or Resolve's `Fusion/Scripts`.
    program: the file that starts it, if known.
    problem: why it cannot have the agent, empty when it can.
    """

    key: str
    kind: str
    label: str
    target: Path
    program: Path | None = None
    problem: str = ""


def find_hosts(places: Places) -> list[FoundHost]:
    """Every host of the user, usable or not: Blenders first, the newest of them at the top."""
    return [*_blenders(places), *_resolve(places)]


def choose(hosts: list[FoundHost], wanted: str) -> list[FoundHost]:
    """The hosts of a list such as "blender-4.2,resolve".

    "all" selects every usable host, "blender" every usable Blender, "none" no host. Raises BadChoice.
    """
    keys = [key.strip().lower() for key in wanted.split(",") if key.strip()]
    if keys == ["none"]:
        return []
    usable = [host for host in hosts if not host.problem]
    if keys == ["all"]:
        return usable
    chosen: list[FoundHost] = []
    for key in keys:
        found = [host for host in usable if key in (host.key, host.kind)]
        if not found:
            problems = [host.problem for host in hosts if key == host.key and host.problem]
            known = ", ".join(host.key for host in usable) or "none"
            raise BadChoice(
                f"{key} was not found or cannot have the agent.",
                " ".join(problems) or f"Found on this machine: {known}.",
                "Give some of these after --hosts, separated by commas, or all, or none.",
            )
        chosen += [host for host in found if host not in chosen]
    if not chosen:
        raise BadChoice("--hosts has an empty list.", "", "For example: --hosts blender-4.2,resolve or --hosts none.")
    return chosen


def _blenders(places: Places) -> list[FoundHost]:
    programs = _blender_programs(places)
    settings = places.one("blender_settings")
    versions = {version: settings for version in _versions_in(settings)}
    versions.update({version: settings for version in programs})
    hosts = []
    shared = places.environment.get("BLENDER_USER_SCRIPTS", "").strip()
    for version in sorted(versions, reverse=True):
        name = f"{version[0]}.{version[1]}"
        host = FoundHost(
            key=f"blender-{name}",
            kind="blender",
            label=f"Blender {name}",
            # The legacy folder: it works the same in 3.4 and all later versions, and needs no extension repository.
            target=settings / name / "scripts" / "addons",
            program=programs.get(version),
        )
        if version < OLDEST_BLENDER:
            host = replace(host, problem=f"Blender {name} is too old: DynVFX needs 3.4 or later.")
        hosts.append(host)
    if shared:
        # All Blenders that are started with this variable load their add-ons from there.
        folder = Path(shared).absolute() / "addons"
        hosts.insert(0, FoundHost("blender-shared", "blender", f"Blender, scripts in {shared}", folder))
    for sandbox in places.all("blender_sandboxes"):
        for version in _versions_in(sandbox):
            name = f"{version[0]}.{version[1]}"
            why = "It runs in a sandbox (Flatpak) that cannot start the panel: use a Blender without Flatpak."
            target = sandbox / name / "scripts" / "addons"
            hosts.append(
                FoundHost(f"blender-{name}-flatpak", "blender", f"Blender {name} (Flatpak)", target, problem=why)
            )
    return hosts


def _versions_in(folder: Path) -> list[tuple[int, int]]:
    """The versions that have a folder in `folder`."""
    try:
        names = [each.name for each in folder.iterdir() if each.is_dir()]
    except OSError:
        return []
    return [(int(found[1]), int(found[2])) for found in map(_VERSION.match, names) if found]


def _blender_programs(places: Places) -> dict[tuple[int, int], Path]:
    """The programs that are found, by version."""
    programs: dict[tuple[int, int], Path] = {}
    for pattern in places.all("blender_programs"):
        # Only the last parts of our patterns have wildcards; a user's folder may have brackets in its name.
        for found in sorted(glob(_escaped(pattern, places))):
            program = Path(found)
            version = _version_of(program) if program.is_file() else None
            if version:
                programs.setdefault(version, program)
    return programs


def _escaped(pattern: Path, places: Places) -> str:
    """The pattern with the user's own folders escaped."""
    text = pattern.as_posix()
    for folder in (places.home, *places.path_folders()):
        known = folder.as_posix()
        if text.startswith(known + "/"):
            return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in known) + text[len(known) :]
    return text


def _version_of(program: Path) -> tuple[int, int] | None:
    """The version of a Blender: from the folders beside it or its own folder's name, else from `--version`."""
    real = Path(os.path.realpath(program))
    beside = _versions_in(real.parent) or _versions_in(real.parent.parent / "Resources")
    if beside:
        return max(beside)
    named = _IN_NAME.search(real.parent.name)
    if named:
        return int(named[1]), int(named[2])
    try:
        asked = subprocess.run(
            [str(program), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    printed = _PRINTED.search(asked.stdout)
    return (int(printed[1]), int(printed[2])) if printed else None


def _resolve(places: Places) -> list[FoundHost]:
    if not any(sign.exists() for sign in places.all("resolve_signs")):
        return []
    return [FoundHost("resolve", "resolve", "DaVinci Resolve", places.one("resolve_scripts"))]
