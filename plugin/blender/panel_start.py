"""The command that starts the panel's process, read from the file that the installer wrote beside the add-on."""

from __future__ import annotations

import json
import os

from .agent_link import AgentProblem

_FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "panel_command.json")


def panel_command() -> tuple[list[str], dict[str, str]]:
    """The command and its additional environment variables. Raises AgentProblem not_installed."""
    try:
        with open(_FILE, encoding="utf-8") as source:
            settings = json.load(source)
        command = [str(each) for each in settings["command"]]
        environment = {str(name): str(value) for name, value in settings.get("environment", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AgentProblem(
            "not_installed",
            "The DynVFX panel is not installed.",
            f"Its start command could not be read ({os.path.basename(_FILE)}: {error}).",
            "Run `python3 run.py install` in the DynVFX folder, then restart Blender.",
        ) from error
    if not command:
        raise AgentProblem("not_installed", "The DynVFX panel is not installed.", "", "Run `python3 run.py install`.")
    return command, environment
