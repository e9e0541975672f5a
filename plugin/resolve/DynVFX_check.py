"""DynVFX_check in the menu Workspace > Scripts: checks whether this Resolve behaves as DynVFX assumes."""

import importlib
import inspect
import os
import sys
from typing import Any

AGENT = "DynVFX_agent"


def main(resolve: Any, folder: str) -> None:
    """Run the check; the report is printed and saved in the user's home folder."""
    if folder not in sys.path:
        sys.path.insert(0, folder)
    check = importlib.import_module(AGENT + ".check.contract_check")
    errors = importlib.import_module(AGENT + ".errors")
    try:
        report = check.check(resolve)
    except errors.ResolveProblem as problem:
        print(f"DynVFX: {problem}")
        return
    print(check.text(report))
    print("\n".join(check.save(report, os.path.expanduser("~"))))


def agent_folder() -> str:
    """The folder that contains the agent's: this script's or one of its parents; "" when there is none."""
    frame = inspect.currentframe()
    own = [globals().get("__file__"), frame.f_code.co_filename if frame else None, (sys.argv or [""])[0]]
    for script in [each for each in own if each and os.path.isfile(each)]:
        folder = os.path.abspath(script)
        for _ in range(3):
            folder = os.path.dirname(folder)
            if os.path.isdir(os.path.join(folder, AGENT)):
                return folder
    return ""


if "resolve" in globals():
    main(globals()["resolve"], agent_folder())
