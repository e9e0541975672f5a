#!/usr/bin/env python3
"""Starts every part of DynVFX in the environment `.venv`, which it creates first if necessary.

    python3 run.py demo [--output DIR]      an edit of a shipped clip with the shipped model
    python3 run.py panel [TIMELINE]         the panel: select, ask, compare, place
    python3 run.py backend [OPTIONS]        the backend that makes takes, see docs/backend.md
    python3 run.py dynvfx ARGUMENTS         the command line, see docs/command-line.md

    python3 run.py install [--hosts LIST]   install DynVFX for your user, Blender and Resolve; see docs/install.md
    python3 run.py update | status | uninstall

For developers, see docs/developing.md:

    python3 run.py test [--fast] [PYTEST]   the test suite; --fast leaves out the slow tests and lists them
    python3 run.py test --cases [PYTEST]    files of other programs that were once read wrongly, a line for each
    python3 run.py test --corpus DIR        any folder of media and timelines: a line and a report for each file
    python3 run.py check [--fix]            formatting, linting and types; --fix formats, and repairs what it can
    python3 run.py lock [--upgrade]         update the lock file from pyproject.toml; --upgrade: to the newest packages

Standard library only. The environment is created once, and its packages are installed again when pyproject.toml or the
lock file changes; an interrupted installation starts over. To remove it, delete the folder `.venv`.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # missing under python -I, and must come first

from installers import commands  # noqa: E402
from installers.checkout import Checkout  # noqa: E402
from installers.errors import InstallProblem, from_os_error  # noqa: E402
from installers.packages.system_packages import ensure  # noqa: E402

OLDEST, NEWEST = (3, 11), (3, 13)  # pyproject.toml says why
_DEVELOPING = ("backend", "panel", "timelines", "dev")
# Extras of pyproject.toml that each command needs.
EXTRAS = {
    "demo": ("backend",),
    "panel": ("backend", "panel", "timelines"),
    "backend": ("backend", "timelines"),
    "dynvfx": ("backend", "timelines"),
    "test": _DEVELOPING,
    "check": _DEVELOPING,
    "lock": _DEVELOPING,
}


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        print(
            f"DynVFX needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, and this is "
            f"{platform.python_version()} ({sys.executable}). Install such a version and start run.py with it, "
            "for example: python3.12 run.py demo",
            file=sys.stderr,
        )
        return 2
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print((__doc__ or "").strip())
        return 0 if arguments else 2
    name, rest = arguments[0], arguments[1:]
    if name in commands.COMMANDS:
        return commands.main(ROOT, name, rest)
    if name not in EXTRAS:
        print(f"run.py has no command {name!r}. It has: {', '.join((*EXTRAS, *commands.COMMANDS))}.", file=sys.stderr)
        return 2
    checkout = Checkout(ROOT)
    try:
        checkout.install(EXTRAS[name])
        ensure(name)
    except InstallProblem as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{from_os_error(error, 'The environment could not be created')}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command starts the installation again.", file=sys.stderr)
        return 130
    if name in _STEPS:
        return run_steps(name, checkout.python, rest)
    return run_in_place(command_for(name, checkout.python, rest))


def command_for(name: str, python: Path, rest: list[str]) -> list[str]:
    """The command line that runs `name` with the environment's `python`."""
    if name == "test":
        if rest[:1] == ["--corpus"]:
            # In the caller's folder, where the corpus and the report are.
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
            return [str(python), "-m", "tests.corpus", *rest[1:]]
        os.chdir(ROOT)  # pytest takes its settings and the folder tests/ from here
        if rest[:1] == ["--cases"]:
            return [str(python), "-m", "pytest", "tests/cases", "-v", "-n", "0", *rest[1:]]
        return [str(python), "-m", "pytest", *_processes(rest), *rest]
    leading = [name] if name in ("demo", "panel", "backend") else []
    return [str(python), "-m", "plugin.cli.main", *leading, *rest]


def _processes(rest: list[str]) -> list[str]:
    """Options for one test process per core, unless `rest` sets their number or needs the terminal."""
    # More processes only help if there is enough memory for torch in each.
    count = min(os.cpu_count() or 1, 8)
    decided = any(each.startswith(("-n", "--numprocesses", "--dist", "--pdb", "--trace")) for each in rest)
    return [] if decided or count == 1 else ["-n", str(count), "--dist", "worksteal"]


def run_in_place(command: list[str]) -> int:
    """Run `command` in the caller's folder and terminal; the command handles Ctrl-C."""
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(command[0], command)
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def _check_steps(rest: list[str]) -> list[list[str]]:
    fix = "--fix" in rest
    return [
        ["-m", "ruff", "check", *(["--fix"] if fix else []), "."],
        ["-m", "ruff", "format", *([] if fix else ["--check"]), "."],
        ["-m", "mypy"],
    ]


def _lock_steps(rest: list[str]) -> list[list[str]]:
    return [["-m", "installers.packages.lock", *rest]]


_STEPS: dict[str, tuple[str, Callable[[list[str]], list[list[str]]]]] = {
    # command: its only option, and the programs of the environment that it runs
    "check": ("--fix", _check_steps),
    "lock": ("--upgrade", _lock_steps),
}


def run_steps(name: str, python: Path, rest: list[str]) -> int:
    """Run all programs of the command `name`, even if the first one fails. Returns the exit status."""
    option, steps = _STEPS[name]
    if rest not in ([], [option]):
        print(f"run.py {name} has only the option {option}, not: {' '.join(rest)}", file=sys.stderr)
        return 2
    sys.stdout.flush()
    statuses = [subprocess.run([str(python), *step], cwd=ROOT, check=False).returncode for step in steps(rest)]
    return 1 if any(statuses) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
