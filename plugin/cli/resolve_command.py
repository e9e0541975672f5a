"""`dynvfx resolve-check`: asks a running DaVinci Resolve Studio from outside whether it is as the agent assumes."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contract.errors import DONE, FAILED, BadUsage, OutOfDisk, Problem
from plugin.resolve.check import contract_check as check
from plugin.resolve.errors import ResolveProblem

_API = {
    "linux": ("/opt/resolve/Developer/Scripting", "/opt/resolve/libs/Fusion/fusionscript.so"),
    "darwin": (
        "/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting",
        "/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Libraries/Fusion/fusionscript.so",
    ),
    "win32": (
        r"%PROGRAMDATA%\Blackmagic Design\DaVinci Resolve\Support\Developer\Scripting",
        r"%PROGRAMFILES%\Blackmagic Design\DaVinci Resolve\fusionscript.dll",
    ),
}


class NoResolve(Problem):
    """No DaVinci Resolve answers scripts from outside."""

    kind = "no_resolve"


def run(options: argparse.Namespace) -> int:
    """Ask, show and save the report; 0 when the agent copes with everything. Raises NoResolve, BadUsage, OutOfDisk."""
    if not options.output.is_dir():
        raise BadUsage(f"There is no folder {options.output}.", remedy="Make it, or name another one with --output.")
    resolve = connect()
    if resolve is None:
        raise NoResolve(
            "No DaVinci Resolve answers.",
            "It is not running, or it does not take scripts from outside; only Resolve Studio does.",
            "Start it and set Preferences > System > General > External scripting using: Local. In the free edition"
            " choose Workspace > Scripts > DynVFX_check instead.",
        )
    try:
        report = check.check(resolve, (lambda line: None) if options.json else print)
    except ResolveProblem as problem:
        raise NoResolve(problem.what, problem.why, problem.remedy) from problem
    try:
        paths = check.save(report, str(options.output))
    except OSError as error:
        raise OutOfDisk(
            f"The report could not be written into {options.output}.",
            error.strerror or str(error),
            "Name another folder with --output.",
        ) from error
    if options.json:
        print(json.dumps({**report, "files": [str(Path(path).absolute()) for path in paths]}))
    else:
        print(check.text(report).rpartition("\n\n")[2], end="")
        print("\n".join(paths))
    return DONE if all(each["handled"] for each in report["findings"]) else FAILED


def connect(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> Any:
    """The running Resolve by way of its own module for outside scripts; None when there is none.

    RESOLVE_SCRIPT_API and RESOLVE_SCRIPT_LIB say where that is; by default where Resolve installs it.
    """
    api, library = (os.path.expandvars(each) for each in _API.get(system, _API["linux"]))
    api = environment.get("RESOLVE_SCRIPT_API") or api
    os.environ.setdefault("RESOLVE_SCRIPT_LIB", library)
    modules = os.path.join(api, "Modules")
    sys.path.append(modules)
    try:
        return importlib.import_module("DaVinciResolveScript").scriptapp("Resolve")
    except (ImportError, AttributeError, OSError):
        # Its module imports a library that is not there, or has none of the names, where Resolve is not installed.
        return None
    finally:
        sys.path.remove(modules)
