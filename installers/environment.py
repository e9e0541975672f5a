"""The environment of an installed version: made, filled by uv or pip, and checked. Standard library only."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from installers.errors import PackagesFailed, SelfCheckFailed
from installers.failure_words import NETWORK_SIGNS, explain_failure
from installers.places import Places

ATTEMPTS = 3
CHECKED: dict[str, tuple[str, ...]] = {
    # Modules that have to load. Qt's window modules need libraries of the system: the panel reports those.
    "base": ("msgspec", "numpy", "opentimelineio", "zmq", "plugin.cli.main"),
    "panel": ("PyQt6.QtCore", "av", "plugin.panel.__main__"),
    "backend": ("torch", "torchvision", "diffusers", "transformers", "av", "backend.__main__"),
}


def find_uv() -> list[str] | None:
    """The command that starts uv, None when there is none; what the user's own Python has comes first."""
    try:
        from uv import find_uv_bin

        return [os.fsdecode(find_uv_bin())]
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    return [found] if found else None


def has_nvidia(places: Places) -> bool:
    """Whether there is a card of NVIDIA: its driver's files, or its own program that lists cards."""
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
    """Further options for the installer, to be tried in this order, and a sentence on what torch will be.

    `asked` is what the user said after --torch. The package index has a CUDA build for Linux, the one for Apple's GPUs
    for macOS, and for Windows only the processor's; uv knows where the makers of torch keep the others.
    """
    if asked == "default":
        return [[]], "torch as the package index has it"
    if asked:
        return [["--torch-backend", asked]], f"torch for {asked}"
    if system == "darwin":
        return [[]], "torch for this Mac"
    if system == "linux" and nvidia:
        return [[]], "torch with CUDA"
    if not uv:
        only = "torch for the processor only: the build for the card needs uv (pip install uv, then this command again)"
        return [[]], "torch" if system == "linux" else only if nvidia else "torch for the processor"
    if nvidia:
        return [["--torch-backend", "auto"]], "torch with CUDA"
    # Where the makers' own index is not reachable, the usual one works too, with gigabytes that are of no use here.
    return [["--torch-backend", "cpu"], []], "torch for the processor (no card of NVIDIA was found)"


class Environment:
    """One virtual environment, `folder`, on the Python that runs this."""

    def __init__(self, folder: Path, places: Places, uv: list[str] | None) -> None:
        self.folder = folder
        self.uv = uv
        self.python = places.inside("python", folder)
        self.script = places.inside("script", folder)

    def make(self, *, with_uv: bool = False) -> None:
        """Make it; `with_uv`: fetch uv into it when there is none elsewhere. Raises PackagesFailed, OSError."""
        if self.uv is not None:
            made = _run([*self.uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(self.folder)])
            if made.returncode == 0:
                return
            shutil.rmtree(self.folder, ignore_errors=True)
        if importlib.util.find_spec("ensurepip") is None:
            version = f"{sys.version_info[0]}.{sys.version_info[1]}"
            raise PackagesFailed(
                "This Python cannot make environments.",
                "Its module ensurepip is missing.",
                f"On Debian and Ubuntu install it with: sudo apt install python{version}-venv",
            )
        try:
            venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(self.folder)
        except subprocess.CalledProcessError as error:
            raise PackagesFailed("Python could not make an environment.", str(error), "Try another Python.") from error
        self.uv = None
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "uv"]
        if with_uv and _run(pip).returncode == 0:
            self.uv = [str(self.python), "-m", "uv"]

    def fill(
        self,
        requirement: str,
        wheels: Path | None,
        choices: Sequence[Sequence[str]] = ((),),
        tell: Callable[[str], None] = print,
        pause: Callable[[float], None] = time.sleep,
    ) -> Sequence[str]:
        """Install `requirement`; from the folder `wheels` and nothing else when it is given, else from the network.

        `choices` are further options of uv, tried one after the other; pip knows none of them. Returns the one that
        worked. Raises PackagesFailed.
        """
        if self.uv is None:
            command, choices = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check"], ((),)
        else:
            command = [*self.uv, "pip", "install", "--python", str(self.python)]
        offline = ["--no-index", "--find-links", str(wheels)] if wheels else []
        words: str | None = ""
        for choice in choices:
            # What has something else to fall back on, or needs no network, is not tried again.
            times = ATTEMPTS if choice is choices[-1] and not wheels else 1
            words = self._attempt([*command, *offline, *choice, requirement], times, tell, pause)
            if words is None:
                return choice
            if choice is not choices[-1]:
                tell(f"That did not work with {' '.join(choice)}; trying without.")
        raise _failed(words or "", self.folder, wheels)

    def build(self, source: Path, wheels: Path, python: Path | None = None) -> None:
        """Build the wheel of the checkout `source` into the folder `wheels`. Raises PackagesFailed.

        `python` builds it, else the environment's own.
        """
        python = python or self.python
        if self.uv is None:
            command = [str(python), "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(wheels), str(source)]
        else:
            command = [*self.uv, "build", "--quiet", "--wheel", "--python", str(python)]
            command += ["--out-dir", str(wheels), str(source)]
        done = _run(command)
        if done.returncode != 0:
            raise _failed(done.stderr, self.folder, None)

    def check(self, version: str, parts: Sequence[str]) -> None:
        """Start what was installed: the command says `version`, and the modules of `parts` are there.

        Raises SelfCheckFailed with its last words.
        """
        if not self.script.exists():
            raise _not_working(f"The command {self.script.name} is missing")
        said = _run([str(self.script), "--version"])
        if said.returncode != 0:
            raise _not_working(_last_line(said.stderr) or f"`dynvfx --version` ended with {said.returncode}")
        if said.stdout.split()[-1:] != [version]:
            raise _not_working(f"It says that it is {said.stdout.strip()!r} and should be {version}")
        modules = [module for part in parts for module in CHECKED[part]]
        done = _run([str(self.python), "-I", "-c", f"import {', '.join(dict.fromkeys(modules))}"])
        if done.returncode != 0:
            raise _not_working(_last_line(done.stderr) or f"Its packages cannot be loaded ({done.returncode})")

    def works(self, version: str, parts: Sequence[str]) -> bool:
        """Whether it passes its check."""
        try:
            self.check(version, parts)
        except SelfCheckFailed:
            return False
        return True

    def _attempt(
        self, command: list[str], times: int, tell: Callable[[str], None], pause: Callable[[float], None]
    ) -> str | None:
        """Run the installer up to `times` times; None when it worked, else its last words."""
        for number in range(1, times + 1):
            # Its own progress stays visible, except where its words are needed to explain the failure.
            done = _run(command, shown=number < times)
            if done.returncode == 0:
                return None
            if number < times:
                tell(f"The installation failed; attempt {number + 1} of {times} follows.")
                pause(2.0 * number)
        return done.stderr


def clean_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables for programs that we start: none that would lead a Python to other packages."""
    misleading = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    kept = {name: value for name, value in environment.items() if name not in misleading}
    return {"UV_HTTP_TIMEOUT": "120", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **kept, "PYTHONNOUSERSITE": "1"}


def _run(command: list[str], *, shown: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; its words are shown, or kept. Raises OSError only when it cannot be started."""
    return subprocess.run(
        command,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        cwd=Path.home() if Path.home().is_dir() else None,  # a folder `plugin` in the caller's must not matter
        stdout=None if shown else subprocess.PIPE,
        stderr=None if shown else subprocess.PIPE,
    )


def _failed(words: str, folder: Path, wheels: Path | None) -> PackagesFailed:
    """What the installer's last words mean."""
    nearest = folder
    while not nearest.exists():
        nearest = nearest.parent
    if wheels is not None and not NETWORK_SIGNS.search(words.lower()) and "no space" not in words.lower():
        tail = " ".join(words.strip().splitlines()[-6:])
        return PackagesFailed(
            "The bundle's packages could not be installed.",
            tail,
            "Make the bundle again, on a machine with the same system and the same version of Python.",
        )
    return PackagesFailed(explain_failure(words, shutil.disk_usage(nearest).free))


def _not_working(why: str) -> SelfCheckFailed:
    return SelfCheckFailed("What was installed does not work.", f"{why}.", "What was in use before stays in use.")


def _last_line(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else ""
