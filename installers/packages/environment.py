"""The environment of an installed version: created, filled by uv or pip, and checked. Standard library only."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from installers.errors import PackagesFailed, SelfCheckFailed
from installers.packages.downloads import CACHES, download_variables, temporary
from installers.packages.lock import LockedPackage, write_requirements
from installers.packages.package_failures import FULL_SIGNS, NETWORK_SIGNS, explain_failure
from installers.places import Places

ATTEMPTS = 3
CHECKED: dict[str, tuple[str, ...]] = {
    # Modules that the check imports. Qt's window modules also need system libraries: the panel reports missing ones.
    "base": ("msgspec", "numpy", "opentimelineio", "zmq", "plugin.cli.main"),
    "panel": ("PyQt6.QtCore", "av", "plugin.panel.__main__"),
    "backend": ("torch", "torchvision", "diffusers", "transformers", "av", "backend.__main__"),
}


def find_uv() -> list[str] | None:
    """The command that starts uv, None without one; the one of the running Python comes first."""
    try:
        from uv import find_uv_bin

        return [os.fsdecode(find_uv_bin())]
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    return [found] if found else None


def has_nvidia(places: Places) -> bool:
    """Whether there is an NVIDIA card, from its driver's files or the output of `nvidia-smi`."""
    if any(sign.exists() for sign in places.all("nvidia_signs")):
        return True
    program = shutil.which("nvidia-smi", path=places.environment.get("PATH", ""))
    if not program:
        return False
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and b"GPU" in listed.stdout


def torch_choices(system: str, nvidia: bool, uv: bool, asked: str) -> tuple[list[list[str]], str]:
    """The options that select the build of torch, in the order to try them, and a description of the build.

    `asked` is the value of --torch. The package index has the CUDA build for Linux, the build for Apple's GPUs for
    macOS, and for Windows only the CPU build; uv knows the index of PyTorch, which has the others.
    """
    if asked == "default":
        return [[]], "torch from the package index"
    if asked:
        return [["--torch-backend", asked]], f"torch for {asked}"
    if system == "darwin":
        return [[]], "torch for this Mac"
    if system == "linux" and nvidia:
        return [[]], "torch with CUDA"
    if not uv:
        only = "torch for the CPU only: the build for the card needs uv (pip install uv, then run this command again)"
        return [[]], "torch" if system == "linux" else only if nvidia else "torch for the CPU"
    if nvidia:
        return [["--torch-backend", "auto"]], "torch with CUDA"
    # If PyTorch's own index cannot be reached, the usual one works too, with gigabytes that are not needed here.
    return [["--torch-backend", "cpu"], []], "torch for the CPU (no NVIDIA card was found)"


class Environment:
    """A virtual environment in `folder`, based on the running Python.

    `downloads` is the folder for downloaded packages and temporary files; None leaves them where uv and pip keep them.
    """

    def __init__(self, folder: Path, places: Places, uv: list[str] | None, downloads: Path | None = None) -> None:
        self.folder = folder
        self.uv = uv
        self._variables: dict[str, str] = {}
        if downloads is not None:
            temporary(downloads).mkdir(parents=True, exist_ok=True)
            self._variables = download_variables(downloads)
        self._written = [folder, *([downloads] if downloads is not None else [Path(tempfile.gettempdir())])]
        caches = {name: self._variables.get(name) or os.environ.get(name) for name in CACHES}
        self._written += [Path(each) for each in caches.values() if each] or [places.one("uv_cache")]
        self.python = places.inside("python", folder)
        self.script = places.inside("script", folder)

    def make(self, uv_packages: Sequence[LockedPackage] = ()) -> None:
        """Create it; without uv, `uv_packages` are installed first. Raises PackagesFailed, OSError."""
        if self.uv is not None:
            made = self._run(
                [*self.uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(self.folder)]
            )
            if made.returncode == 0:
                return
            shutil.rmtree(self.folder, ignore_errors=True)
        make_with_pip(self.folder)
        self.uv = None
        self.add_uv(uv_packages)

    def fill_locked(
        self,
        packages: Sequence[LockedPackage],
        project: Sequence[str],
        choices: Sequence[Sequence[str]] = ((),),
        report: Callable[[str], None] = print,
        pause: Callable[[float], None] = time.sleep,
    ) -> Sequence[str]:
        """Install the locked `packages`, each file checked against its hash, and then `project` without dependencies.

        packages: what the project needs, from the lock file.
        project:  arguments for the installer: the path of a wheel, or "--editable" and a folder.
        choices:  builds of torch as options of uv, tried one after the other; empty for the locked build. pip has no
                  such options. Other builds come from PyTorch's index: not newer than the locked version, and not
                  checked against a hash.

        Returns the choice that worked. Raises PackagesFailed, OSError.
        """
        choices = choices if self.uv is not None else ((),)
        output = ""
        for choice in choices:
            # A choice with another one to fall back on is not retried.
            attempts = ATTEMPTS if choice is choices[-1] else 1
            for step in self._locked_steps(packages, project, choice):
                failure = self._attempt([*self._installer(), *step], attempts, report, pause)
                if failure is not None:
                    output = failure
                    break
            else:
                return choice
            if choice is not choices[-1]:
                report(f"That did not work with {' '.join(choice)}; trying without.")
        raise self._failed(output, None)

    def fill_from_bundle(self, requirement: str, wheels: Path, report: Callable[[str], None] = print) -> None:
        """Install `requirement` from the folder `wheels` only. Raises PackagesFailed."""
        offline = ["--no-index", "--find-links", str(wheels)]
        failure = self._attempt([*self._installer(), *offline, requirement], 1, report, time.sleep)
        if failure is not None:
            raise self._failed(failure, wheels)

    def add_uv(self, packages: Sequence[LockedPackage]) -> None:
        """Install the locked uv with pip; if that fails, pip installs the other packages too. Raises OSError."""
        if packages and self._attempt([*self._installer(), *self._locked(packages)], 1, print, time.sleep) is None:
            self.uv = [str(self.python), "-m", "uv"]

    def _installer(self) -> list[str]:
        if self.uv is None:
            return [str(self.python), "-m", "pip", "install", "--disable-pip-version-check"]
        return [*self.uv, "pip", "install", "--python", str(self.python)]

    def _locked_steps(
        self, packages: Sequence[LockedPackage], project: Sequence[str], choice: Sequence[str]
    ) -> list[list[str]]:
        """The arguments of the installer's steps."""
        steps = []
        kept = [each for each in packages if not (choice and each.depends_on_torch_build)]
        if kept:
            steps.append(self._locked(kept))
        if choice:
            builds = [f"{each.name}<={each.version}" for each in packages if each.name in ("torch", "torchvision")]
            steps.append([*choice, *builds])
        return [*steps, ["--no-deps", *project]]

    def _locked(self, packages: Sequence[LockedPackage]) -> list[str]:
        """Arguments that install only these packages and check their hashes; writes the requirements file."""
        listed = write_requirements(packages, self.folder / "locked.txt")
        return ["--require-hashes", "--no-deps", "-r", str(listed)]

    def build(self, source: Path, wheels: Path, python: Path | None = None) -> None:
        """Build the wheel of the checkout `source` into the folder `wheels`, with `python` or the environment's own.

        Raises PackagesFailed.
        """
        python = python or self.python
        if self.uv is None:
            command = [str(python), "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(wheels), str(source)]
        else:
            command = [*self.uv, "build", "--quiet", "--wheel", "--python", str(python)]
            command += ["--out-dir", str(wheels), str(source)]
        done = self._run(command)
        if done.returncode != 0:
            raise self._failed(done.stderr, None)

    def check(self, version: str, parts: Sequence[str]) -> None:
        """Check the installation: the command must print `version`, and the modules of `parts` must load.

        Raises SelfCheckFailed with the last line of the output.
        """
        if not self.script.exists():
            raise _not_working(f"The command {self.script.name} is missing")
        asked = _run([str(self.script), "--version"])
        if asked.returncode != 0:
            raise _not_working(_last_line(asked.stderr) or f"`dynvfx --version` ended with {asked.returncode}")
        if asked.stdout.split()[-1:] != [version]:
            raise _not_working(f"Its version is {asked.stdout.strip()!r} and should be {version}")
        modules = [module for part in parts for module in CHECKED[part]]
        done = _run([str(self.python), "-I", "-c", f"import {', '.join(dict.fromkeys(modules))}"])
        if done.returncode != 0:
            raise _not_working(_last_line(done.stderr) or f"Its packages cannot be loaded ({done.returncode})")

    def works(self, version: str, parts: Sequence[str]) -> bool:
        """Whether the environment passes its check."""
        try:
            self.check(version, parts)
        except SelfCheckFailed:
            return False
        return True

    def _attempt(
        self, command: list[str], times: int, report: Callable[[str], None], pause: Callable[[float], None]
    ) -> str | None:
        """Run the installer up to `times` times; returns None after success, else the last output."""
        for number in range(1, times):
            # Its progress is shown, except in the last attempt, whose output is needed to explain a failure.
            if self._run(command, shown=True).returncode == 0:
                return None
            report(f"The installation failed; attempt {number + 1} of {times} follows.")
            pause(2.0 * number)
        done = self._run(command)
        return None if done.returncode == 0 else done.stderr

    def _run(self, command: list[str], *, shown: bool = False) -> subprocess.CompletedProcess[str]:
        return _run(command, shown=shown, variables=self._variables)

    def _failed(self, output: str, wheels: Path | None) -> PackagesFailed:
        """The error that the installer's output shows."""
        if wheels is not None and not NETWORK_SIGNS.search(output.lower()) and not FULL_SIGNS.search(output.lower()):
            tail = " ".join(output.strip().splitlines()[-6:])
            return PackagesFailed(
                "The bundle's packages could not be installed.",
                tail,
                "Make the bundle again, on a machine with the same system and the same version of Python.",
            )
        return PackagesFailed(explain_failure(output, self._written))


def make_with_pip(folder: Path) -> None:
    """Create an environment with pip in `folder`. Raises PackagesFailed, OSError."""
    if importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise PackagesFailed(
            "This Python cannot create environments.",
            "Its module ensurepip is missing.",
            f"On Debian and Ubuntu install it with: sudo apt install python{version}-venv",
        )
    try:
        venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(folder)
    except subprocess.CalledProcessError as error:
        raise PackagesFailed(
            f"Python could not create an environment in {folder}.", f"{error}.", "Try another Python."
        ) from error


def clean_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment variables for child processes, without those that point a Python to other packages."""
    misleading = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    kept = {name: value for name, value in environment.items() if name not in misleading}
    return {"UV_HTTP_TIMEOUT": "120", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **kept, "PYTHONNOUSERSITE": "1"}


def _run(
    command: list[str], *, shown: bool = False, variables: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    """Run a program; its output is shown or captured. Raises OSError only when it cannot be started."""
    return subprocess.run(
        command,
        env={**clean_environment(), **variables},
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        cwd=Path.home()
        if Path.home().is_dir()
        else None,  # a folder `plugin` in the caller's folder must not be imported
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.PIPE,
    )


def _not_working(why: str) -> SelfCheckFailed:
    return SelfCheckFailed("The new installation does not work.", f"{why}.", "The previous version stays in use.")


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else ""
