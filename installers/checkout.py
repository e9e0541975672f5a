"""The environment `.venv` of a checkout, for working in it without installing anything elsewhere.

It is created once, and its packages are installed again when pyproject.toml, the lock file or the Python changes. An
interrupted installation starts again from the beginning. Standard library only.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from installers.errors import InstallationNotPermitted, InUse, NoSpace
from installers.packages.environment import Environment, make_with_pip
from installers.packages.lock import LOCK_FILE, Lock
from installers.packages.package_failures import DISK_NEEDED
from installers.places import Places

_STAMP = "dynvfx.json"
_INCOMPLETE = "incomplete"


class Checkout:
    """The checkout in the folder `root` and its environment."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = root / ".venv"

    @property
    def python(self) -> Path:
        """The interpreter inside the environment."""
        return self.environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def install(self, extras: tuple[str, ...]) -> None:
        """Install this checkout with `extras` into the environment if necessary. Raises InstallProblem, OSError."""
        if self.is_installed(extras):
            return
        with _one_at_a_time(self.root):
            if self.is_installed(extras):
                return
            wanted = tuple(sorted({*extras, *self._stamp().get("extras", ())}))
            if self._incomplete.exists():
                print("The last installation was interrupted; starting it again.", file=sys.stderr)
                self.remove_environment()
            if not self.environment_works():
                self.check_disk()
                self.make_environment()
            self._incomplete.touch()
            print("Installing DynVFX into .venv (only once; takes some minutes) ...", file=sys.stderr)
            self.install_packages(wanted)
            stamp = json.dumps({"key": self._stamp_key(), "extras": list(wanted)})
            (self.environment / _STAMP).write_text(stamp, "utf-8")
            self._incomplete.unlink()

    def is_installed(self, extras: tuple[str, ...]) -> bool:
        """Whether the environment is complete and has `extras`."""
        stamp = self._stamp()
        return (
            not self._incomplete.exists()
            and stamp.get("key") == self._stamp_key()
            and set(extras) <= set(stamp.get("extras", ()))
            and self.python.exists()
        )

    def environment_works(self) -> bool:
        """Whether the interpreter starts and has this Python's version (a system upgrade may have removed it)."""
        if not self.python.exists():
            return False
        command = [str(self.python), "-c", "import sys; print(*sys.version_info[:2])"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        return answer.returncode == 0 and answer.stdout.split() == [str(part) for part in sys.version_info[:2]]

    def remove_environment(self) -> None:
        """Delete `.venv`. Raises InUse, NotPermitted."""
        if Path(sys.prefix).resolve() == self.environment:
            raise InUse(
                "The environment in .venv has to be created again.",
                "run.py is running inside it.",
                "Start run.py with the Python of your system, for example: python3 run.py test",
            )
        try:
            shutil.rmtree(self.environment)
        except OSError as error:
            raise InstallationNotPermitted(
                f"The incomplete environment {self.environment} could not be removed.",
                f"{error.strerror or error}.",
                "Close programs that use it, delete the folder by hand and run the same command again.",
            ) from error

    def make_environment(self) -> None:
        """Create an empty `.venv` with pip, marked as incomplete before anything else. Raises InstallProblem."""
        if self.environment.exists():
            self.remove_environment()
        try:
            self.environment.mkdir(parents=True)
            self._incomplete.touch()
        except OSError as error:
            raise InstallationNotPermitted(
                f"The folder {self.environment} could not be created.",
                f"{error.strerror or error}.",
                "Move this checkout into a folder that you can write to.",
            ) from error
        make_with_pip(self.environment)

    def check_disk(self) -> None:
        """Raises NoSpace when the disk is too small for the packages."""
        free = shutil.disk_usage(self.root).free
        if free < DISK_NEEDED:
            raise NoSpace(
                f"The disk of {self.root} has {free / 1e9:.1f} GB free, and the installation needs "
                f"{DISK_NEEDED / 1e9:.0f} GB.",
                "",
                "Free some space, or move this folder to a larger disk, and run the same command again.",
            )

    def install_packages(self, extras: tuple[str, ...]) -> None:
        """Install the locked packages of `extras`, then this checkout in editable mode, with uv if available, else pip.

        Raises PackagesFailed, OSError.
        """
        lock = Lock.read(self.root)
        environment = Environment(self.environment, Places.of_this_user(), uv=None)
        environment.add_uv(lock.for_requirements(["uv"]))
        environment.fill_locked(lock.for_extras(self.root, extras), ["--editable", str(self.root)], report=_report)

    @property
    def _incomplete(self) -> Path:
        """The file that exists while the environment is incomplete."""
        return self.environment / _INCOMPLETE

    def _stamp(self) -> dict:
        """The record of the last complete installation; empty without one."""
        try:
            stamp = json.loads((self.environment / _STAMP).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return stamp if isinstance(stamp, dict) else {}

    def _stamp_key(self) -> str:
        """A text that changes whenever the packages have to be installed again."""
        files = hashlib.sha256()
        for name in ("pyproject.toml", LOCK_FILE):
            files.update((self.root / name).read_bytes())
        version = f"{platform.python_implementation()} {sys.version_info[0]}.{sys.version_info[1]}"
        return f"{files.hexdigest()} {version} {self.root}"


def _report(line: str) -> None:
    print(line, file=sys.stderr)


@contextlib.contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Lock this checkout, so that two starts at once do not install at the same time."""
    name = hashlib.sha256(f"{root}|{getpass.getuser()}".encode()).hexdigest()[:16]
    with open(Path(tempfile.gettempdir()) / f"dynvfx-install-{name}.lock", "a+b") as lock:
        # Both systems release it when the file is closed.
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
