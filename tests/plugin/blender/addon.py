"""The add-on as it is installed: its folder and the link to the panel, under the name `dynvfx`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def assemble(addons: Path, command: dict | None = None) -> Path:
    """Copy the add-on into a folder of add-ons; `command` starts the panel. Returns the add-on's folder."""
    target = addons / "dynvfx"
    shutil.copytree(ROOT / "plugin" / "blender", target, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "plugin" / "hosts" / "agent_link.py", target)
    if command is not None:
        (target / "panel_command.json").write_text(json.dumps(command))
    return target
