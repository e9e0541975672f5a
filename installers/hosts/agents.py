"""Assembling the agents that run inside Blender and Resolve from the checkout. Standard library only.

An agent is the folder of its host in `plugin`, the link module that both share, and a file with the panel's start
command. The checkout contains the link module once; every assembled agent contains a copy.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

PANEL_COMMAND = "panel_command.json"
"""The file with the panel's start command, beside the agent's modules: {"command": [...], "environment": {...}}."""
LINK = Path("plugin") / "hosts" / "agent_link.py"
SOURCES = {"blender": Path("plugin") / "blender", "resolve": Path("plugin") / "resolve"}
BLENDER_FOLDER = "dynvfx"
"""The add-on's folder, and so its name, in `scripts/addons`."""
RESOLVE_SCRIPTS = ("DynVFX.py", "DynVFX_check.py", "DynVFX_Lua_open.lua", "DynVFX_Lua_place.lua")
"""The entries in Workspace > Scripts; the free edition lists the Lua ones alone."""
RESOLVE_FOLDER = "DynVFX_agent"
"""The modules of Resolve's agent, beside the folder `Scripts` so that they do not appear in the menu."""
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "tests", "test_*.py", "conftest.py", ".*", "*.orig", "*.rej")


def has_agent(root: Path, kind: str) -> bool:
    """Whether the checkout `root` has an agent for "blender" or "resolve"."""
    return (root / SOURCES[kind]).is_dir() and (root / LINK).is_file()


def assemble(root: Path, folder: Path) -> list[str]:
    """Assemble the agents of the checkout `root` in `folder`; returns their kinds.

    `folder/blender/dynvfx` is the add-on. `folder/resolve` has the layout of Resolve's folder `Fusion`, with
    `Scripts/Utility/DynVFX.py` and `DynVFX_agent`. Raises OSError.
    """
    kinds = [kind for kind in SOURCES if has_agent(root, kind)]
    for kind in kinds:
        modules = folder / kind / (BLENDER_FOLDER if kind == "blender" else RESOLVE_FOLDER)
        shutil.copytree(root / SOURCES[kind], modules, ignore=_LEFT_OUT, dirs_exist_ok=True)
        shutil.copyfile(root / LINK, modules / LINK.name)
        for script in RESOLVE_SCRIPTS if kind == "resolve" else ():
            menu = folder / kind / "Scripts" / "Utility"
            if (modules / script).exists():
                menu.mkdir(parents=True, exist_ok=True)
                (modules / script).replace(menu / script)
    return kinds


def panel_command(python: Path, environment: Mapping[str, str]) -> bytes:
    """The content of the file PANEL_COMMAND: `python` starts the panel; `environment` is added to the host's.

    `-I` makes our Python ignore variables that the host sets for its own, such as PYTHONPATH.
    """
    command: Sequence[str] = [str(python), "-I", "-m", "plugin.panel", "--agent"]
    return (json.dumps({"command": command, "environment": dict(environment)}, indent=1) + "\n").encode()


def installed_files(kind: str, assembled: Path, target: Path, command: bytes) -> dict[Path, bytes]:
    """The agent's files by their installed paths.

    assembled: the folder that `assemble` filled.
    target: Blender's `scripts/addons`, or Resolve's `Fusion/Scripts`.
    Raises OSError.
    """
    base = target if kind == "blender" else target.parent
    source = assembled / kind
    files = {base / path.relative_to(source): path.read_bytes() for path in sorted(source.rglob("*")) if path.is_file()}
    files[base / (BLENDER_FOLDER if kind == "blender" else RESOLVE_FOLDER) / PANEL_COMMAND] = command
    return files
