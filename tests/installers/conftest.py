"""A user with two Blenders, Resolve and an empty home folder whose name contains a space and an umlaut."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from installers import commands
from installers.places import Places
from installers.program.versions import App
from tests.installers.product import write_bundle, write_checkout


@dataclass
class User:
    """A user and the bundles to install from."""

    home: Path
    shelf: Path
    places: Places

    def bundle(self, version: str, **files: str) -> Path:
        """The bundle of the small product's version, made once."""
        folder = self.shelf / f"bundle {version}"
        if not folder.exists():
            names = {name.replace("__", "/") + ".py": text for name, text in files.items()}
            write_bundle(write_checkout(self.shelf / f"checkout {version}", version, files=names), folder)
        return folder

    def run(self, command: str, *arguments: str | Path, root: Path | None = None) -> int:
        """Run one command of run.py in this process."""
        return commands.main(root or self.bundle("1.0"), command, [str(each) for each in arguments], self.places)

    def install(self, version: str = "1.0", *arguments: str, command: str = "install", **files: str) -> int:
        """Install or update from the bundle of a version."""
        return self.run(command, "--from", self.bundle(version, **files), *arguments)

    @property
    def app(self) -> App:
        """The installed versions."""
        return App(self.places.app)

    @property
    def command(self) -> Path:
        """The command `dynvfx`."""
        return self.home / ".local" / "bin" / "dynvfx"

    def says(self) -> str:
        """The output of the installed command."""
        asked = [str(self.command), "--version"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=self.shelf)
        return (done.stdout or done.stderr).strip()

    def addon(self, version: str = "4.2") -> Path:
        """The folder of the add-on in a Blender."""
        return self.home / ".config" / "blender" / version / "scripts" / "addons" / "dynvfx"

    def files(self) -> set[str]:
        """Everything in the home folder."""
        return {str(each.relative_to(self.home)) for each in self.home.rglob("*")}


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> User:
    """A Linux user."""
    home = tmp_path / "Jürgen Ångström"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("XDG_", "DYNVFX_", "BLENDER_", "SUDO_", "DISPLAY", "WAYLAND")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{home}/.local/bin{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    environment = {"PATH": f"{home}/.local/bin"}
    return User(home, tmp_path, Places("linux", home, environment, root=tmp_path / "root"))


@pytest.fixture
def editor(user: User) -> User:
    """A user who has started Blender 4.2 and 5.0, and Resolve."""
    for name in (".config/blender/4.2/config", ".config/blender/5.0", ".local/share/DaVinciResolve"):
        (user.home / name).mkdir(parents=True)
    return user


def killed_at(user: User, step: str, command: str, *arguments: str | Path) -> int:
    """Run a command in a child process that is killed at `step`; returns its exit status."""
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from installers import commands\n"
        "from installers.program import versions\n"
        "from installers.places import Places\n"
        "step, home, root, path, command, *rest = sys.argv[1:]\n"
        "record = versions.App.step\n"
        "def record_and_kill(app, text):\n"
        "    record(app, text)\n"
        "    print(text, flush=True)\n"
        "    if text == step:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "versions.App.step = record_and_kill\n"
        "places = Places('linux', Path(home), {'PATH': path}, root=Path(root))\n"
        "sys.exit(commands.main(Path(), command, rest, places))\n"
    )
    given = [
        step,
        str(user.home),
        str(user.places.root),
        user.places.environment["PATH"],
        command,
        *map(str, arguments),
    ]
    done = subprocess.run(
        [sys.executable, "-c", program, *given],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
    )
    user.shelf.joinpath("steps").write_text(done.stdout)
    user.shelf.joinpath("stderr").write_text(done.stderr)
    return done.returncode
