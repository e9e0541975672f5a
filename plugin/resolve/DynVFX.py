"""DynVFX in the menu Workspace > Scripts of DaVinci Resolve, which defines the global `resolve`."""

import importlib
import inspect
import os
import sys
from typing import Any, List

AGENT = "DynVFX_agent"


def agent_folder() -> str:
    """The folder that contains the agent's folder: at or above this script, or above Resolve's script folders."""
    # Resolve may run a script without setting __file__.
    frame = inspect.currentframe()
    own = [globals().get("__file__"), frame.f_code.co_filename if frame else None, (sys.argv or [""])[0]]
    folders = [os.path.dirname(os.path.abspath(each)) for each in own if each and os.path.isfile(each)]
    for folder in folders + script_folders():
        # The installer puts it beside the folder `Scripts`, so that it does not appear in the menu.
        for _ in range(3):
            if os.path.isdir(os.path.join(folder, AGENT)):
                return folder
            folder = os.path.dirname(folder)
    return ""


def script_folders() -> List[str]:
    """Resolve's own folders for scripts on this system."""
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        tail = os.path.join("Blackmagic Design", "DaVinci Resolve")
        bases = [
            os.path.join(os.environ.get("APPDATA", ""), tail, "Support"),
            os.path.join(os.environ.get("PROGRAMDATA", ""), tail),
        ]
    elif sys.platform == "darwin":
        tail = "Library/Application Support/Blackmagic Design/DaVinci Resolve"
        bases = [os.path.join(home, tail), "/" + tail]
    else:
        bases = [os.path.join(home, ".local/share/DaVinciResolve"), "/opt/resolve"]
    return [os.path.join(base, "Fusion", "Scripts", "Utility") for base in bases]


def main(resolve: Any) -> int:
    """Run the agent until Resolve or the panel ends."""
    folder = agent_folder()
    if not folder:
        print("DynVFX: the folder " + AGENT + " is missing. Run `python3 run.py install` again.")
        return 1
    if folder not in sys.path:
        sys.path.insert(0, folder)
    agent = importlib.import_module(AGENT + ".agent")
    return agent.run(resolve, os.path.join(folder, AGENT))


def given_resolve() -> Any:
    """The Resolve that runs this script: the global, or what the module for external scripts returns."""
    if "resolve" in globals():
        return globals()["resolve"]
    try:
        return importlib.import_module("DaVinciResolveScript").scriptapp("Resolve")
    except ImportError:
        return None


if __name__ in ("__main__", "<run_path>", "builtins"):
    main(given_resolve())
