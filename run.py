#!/usr/bin/env python3
"""One file to start everything: makes the environment in `.venv` and runs a part of DynVFX in it.

    python3 run.py demo [--output DIR]      an edit of a shipped clip with the shipped model
    python3 run.py test [--fast] [PYTEST]   the test suite; --fast leaves out the slow tests
    python3 run.py check [--fix]            formatting, linting and types; --fix formats, and repairs what it can
    python3 run.py panel [TIMELINE]         the panel: select, ask, compare, place
    python3 run.py backend [OPTIONS]        the service that makes takes, see docs/backend.md
    python3 run.py dynvfx ARGUMENTS         the command line, see docs/command-line.md

    python3 run.py install [--hosts LIST]   put DynVFX into your system, Blender and Resolve; see docs/install.md
    python3 run.py update | status | uninstall

Standard library only. For the first six, the environment is made once, and again when pyproject.toml changes; an
interrupted installation is done again from the start. To remove it, delete the folder `.venv`.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))  # not there under python -I, and first wherever this file was started from

from installers import commands  # noqa: E402
from installers.failure_words import DISK_NEEDED, explain_failure  # noqa: E402
from installers.system_packages import ensure  # noqa: E402

ENVIRONMENT = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 13)  # pyproject.toml says why
# Extras of pyproject.toml that each command needs.
EXTRAS = {
    "demo": ("backend",),
    "test": ("backend", "panel", "dev"),
    "check": ("backend", "panel", "dev"),
    "panel": ("backend", "panel"),
    "backend": ("backend",),
    "dynvfx": ("backend",),
}
ATTEMPTS = 3


class InstallFailed(Exception):
    """The environment could not be made; the text says what, why and what to do."""


def main(arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        print(
            f"DynVFX needs Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, and this is "
            f"{platform.python_version()} ({sys.executable}). Install such a Python too and start run.py with it, "
            "for example: python3.12 run.py demo",
            file=sys.stderr,
        )
        return 2
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(__doc__.strip())
        return 0 if arguments else 2
    name, rest = arguments[0], arguments[1:]
    if name in commands.COMMANDS:
        return commands.main(ROOT, name, rest)
    if name not in EXTRAS:
        print(f"run.py has no command {name!r}. It has: {', '.join((*EXTRAS, *commands.COMMANDS))}.", file=sys.stderr)
        return 2
    try:
        install(EXTRAS[name])
        ensure(name)
    except InstallFailed as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command starts the installation again.", file=sys.stderr)
        return 130
    return check(rest) if name == "check" else hand_over(command_for(name, rest))


def command_for(name: str, rest: list[str]) -> list[str]:
    """The command line that runs `name` inside the environment."""
    python = str(environment_python())
    if name == "test":
        # One process: torch already uses every core, and workers that share two cores only wait for each other.
        os.chdir(ROOT)  # pytest takes its settings and the folder tests/ from here
        chosen = ["-m", "not slow"] if "--fast" in rest else []
        return [python, "-m", "pytest", *chosen, *(argument for argument in rest if argument != "--fast")]
    leading = [name] if name in ("demo", "panel", "backend") else []
    return [python, "-m", "plugin.cli.main", *leading, *rest]


def check(rest: list[str]) -> int:
    """Format, lint and types; all three run, whatever the first one finds. Returns the exit status."""
    if rest not in ([], ["--fix"]):
        print(f"run.py check has one option, --fix, and not: {' '.join(rest)}", file=sys.stderr)
        return 2
    python, fix = str(environment_python()), bool(rest)
    steps = (
        [python, "-m", "ruff", "check", *(["--fix"] if fix else []), "."],
        [python, "-m", "ruff", "format", *([] if fix else ["--check"]), "."],
        [python, "-m", "mypy"],
    )
    statuses = [subprocess.run(command, cwd=ROOT, check=False).returncode for command in steps]
    return 1 if any(statuses) else 0


def hand_over(command: list[str]) -> int:
    """Run `command` in the caller's folder with the caller's terminal; Ctrl-C is the command's to answer."""
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(command[0], command)
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


# The environment ----------------------------------------------------------------------------------------------------


def install(extras: tuple[str, ...]) -> None:
    """Make sure that `.venv` holds this checkout with `extras`. Raises InstallFailed."""
    if is_installed(extras):
        return
    with one_at_a_time():
        if is_installed(extras):
            return
        wanted = tuple(sorted({*extras, *installed_extras()}))
        if (ENVIRONMENT / "incomplete").exists():
            print("The last installation was interrupted; starting it again.", file=sys.stderr)
            remove_environment()
        if not environment_works():
            check_disk()
            make_environment()
        mark_incomplete()
        print("Installing DynVFX into .venv (once; some minutes) ...", file=sys.stderr)
        install_packages(wanted)
        write_stamp(wanted)
        (ENVIRONMENT / "incomplete").unlink()


def environment_python() -> Path:
    """The interpreter inside the environment."""
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp_key() -> str:
    """Changes whenever the packages have to be installed again: the project file, or the Python that runs them."""
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    return f"{project} {platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]} {ROOT}"


def read_stamp() -> dict:
    """What the last complete installation wrote; empty when there was none."""
    try:
        stamp = json.loads((ENVIRONMENT / "dynvfx.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(extras: tuple[str, ...]) -> None:
    """Record a complete installation."""
    text = json.dumps({"key": stamp_key(), "extras": list(extras)})
    (ENVIRONMENT / "dynvfx.json").write_text(text, "utf-8")


def installed_extras() -> tuple[str, ...]:
    """Extras of the last complete installation, to keep them when another one is added."""
    return tuple(read_stamp().get("extras", ()))


def is_installed(extras: tuple[str, ...]) -> bool:
    """Whether nothing needs to be done for `extras`."""
    stamp = read_stamp()
    return (
        not (ENVIRONMENT / "incomplete").exists()
        and stamp.get("key") == stamp_key()
        and set(extras) <= set(stamp.get("extras", ()))
        and environment_python().exists()
    )


def environment_works() -> bool:
    """Whether the environment's interpreter starts and is of this Python's version (an upgrade may have removed it)."""
    if not environment_python().exists():
        return False
    asked = [str(environment_python()), "-c", "import sys; print(*sys.version_info[:2])"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.split() == [str(part) for part in sys.version_info[:2]]


def mark_incomplete() -> None:
    """From now on until the end the environment is half made."""
    (ENVIRONMENT / "incomplete").touch()


def remove_environment() -> None:
    """Delete `.venv`. Raises InstallFailed when files are in use or belong to someone else."""
    if Path(sys.prefix).resolve() == ENVIRONMENT:
        raise InstallFailed(
            "The environment in .venv has to be made again, and run.py is running inside it. "
            "Start run.py with the Python of your system, for example: python3 run.py test"
        )
    try:
        shutil.rmtree(ENVIRONMENT)
    except OSError as error:
        raise InstallFailed(
            f"The half-made environment {ENVIRONMENT} could not be removed: {error.strerror or error}. "
            "Close programs that use it, delete the folder by hand and run the same command again."
        ) from error


def make_environment() -> None:
    """A fresh `.venv` with pip, marked incomplete from its first file on. Raises InstallFailed."""
    if ENVIRONMENT.exists():
        remove_environment()
    try:
        ENVIRONMENT.mkdir(parents=True)
        mark_incomplete()
    except OSError as error:
        raise InstallFailed(
            f"The folder {ENVIRONMENT} could not be made: {error.strerror or error}. "
            "Put this checkout into a folder that you may write to."
        ) from error
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise InstallFailed(
            "This Python cannot make environments, because its module ensurepip is missing. "
            f"On Debian and Ubuntu install it with: sudo apt install python{version}-venv"
        )
    try:
        venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(ENVIRONMENT)
    except (OSError, subprocess.CalledProcessError) as error:
        raise InstallFailed(f"Python could not make an environment in {ENVIRONMENT}: {error}.") from error


def check_disk() -> None:
    """Raises InstallFailed when the packages cannot fit."""
    free = shutil.disk_usage(ROOT).free
    if free < DISK_NEEDED:
        raise InstallFailed(
            f"The disk of {ROOT} has {free / 1e9:.1f} GB free and the installation needs {DISK_NEEDED / 1e9:.0f} GB. "
            "Make room, or move this folder to a larger disk, and run the same command again."
        )


def install_packages(extras: tuple[str, ...]) -> None:
    """Install this checkout, editable, with `extras`: by uv where it can be had, else by pip. Raises InstallFailed."""
    python = str(environment_python())
    pip = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    target = f"{ROOT}[{','.join(extras)}]"
    has_uv = subprocess.run([*pip, "--quiet", "uv"], check=False).returncode == 0
    installer = [python, "-m", "uv", "pip", "install", "--python", python] if has_uv else pip
    for attempt in range(1, ATTEMPTS + 1):
        last = attempt == ATTEMPTS
        # The installer's own progress stays visible, except on the last attempt, whose words explain the failure.
        done = subprocess.run(
            [*installer, "--editable", target],
            check=False,
            env={**os.environ, "UV_HTTP_TIMEOUT": os.environ.get("UV_HTTP_TIMEOUT", "120")},
            stderr=subprocess.PIPE if last else None,
            text=True,
            errors="replace",
        )
        if done.returncode == 0:
            return
        if not last:
            print(f"The installation failed; attempt {attempt + 1} of {ATTEMPTS} follows.", file=sys.stderr)
            time.sleep(2 * attempt)
    raise InstallFailed(explain_failure(done.stderr, shutil.disk_usage(ROOT).free))


@contextlib.contextmanager
def one_at_a_time():  # noqa: ANN201 - a context manager; the type would need an import from typing
    """Hold a lock file for this checkout, so that two starts at once do not install into each other."""
    name = hashlib.sha256(f"{ROOT}|{getpass.getuser()}".encode()).hexdigest()[:16]
    with open(Path(tempfile.gettempdir()) / f"dynvfx-install-{name}.lock", "a+b") as lock:
        # Both systems let go of it when the file is closed.
        if sys.platform == "win32":
            import msvcrt

            lock.seek(0)
            while True:
                try:
                    msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:  # LK_LOCK gives up after ten seconds
                    continue
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
