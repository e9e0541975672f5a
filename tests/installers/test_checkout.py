"""The environment of a checkout: created once, and again after changes and interruptions, with uv or pip."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from installers.checkout import Checkout
from installers.errors import InstallProblem, InUse, NoSpace, PackagesFailed
from installers.packages import environment
from installers.packages.lock import LOCK_FILE

LOCK = "uv==1.0 \\\n    --hash=sha256:00\n    # via dynvfx (pyproject.toml)\nav==2.0 \\\n    --hash=sha256:11\n"
PROJECT = '[project]\nname = "dynvfx"\n[project.optional-dependencies]\nbackend = ["av>=1,<3"]\ndev = ["uv>=1,<2"]\n'


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout in a folder with a space and an umlaut, on a large disk and without waiting times."""
    root = tmp_path / "a checkoüt"
    (root / "installers").mkdir(parents=True)
    (root / "pyproject.toml").write_text(PROJECT)
    (root / LOCK_FILE).write_text(LOCK)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return Checkout(root)


@pytest.fixture
def installed(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The extras of every installation; nothing is installed."""
    extras: list[tuple[str, ...]] = []

    def make(checkout: Checkout) -> None:
        checkout.environment.mkdir()
        (checkout.environment / "incomplete").touch()
        checkout.python.parent.mkdir(parents=True)
        checkout.python.symlink_to(sys.executable)

    monkeypatch.setattr(Checkout, "make_environment", make)
    monkeypatch.setattr(Checkout, "install_packages", lambda checkout, each: extras.append(each))
    monkeypatch.setattr(Checkout, "check_disk", lambda checkout: None)
    return extras


@pytest.fixture
def commands(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that the environment runs; pip installs uv, and all commands succeed."""
    started: list[list[str]] = []

    def run(command: list[str], *, shown: bool = False, variables: object = None) -> subprocess.CompletedProcess:
        started.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(environment, "_run", run)
    checkout.environment.mkdir()
    return started


def test_it_installs_once(checkout, installed):
    checkout.install(("backend",))
    checkout.install(("backend",))
    assert installed == [("backend",)]
    assert not (checkout.environment / "incomplete").exists()


def test_more_extras_are_added_to_what_is_there(checkout, installed):
    checkout.install(("backend",))
    checkout.install(("backend", "dev"))
    checkout.install(("backend",))
    assert installed == [("backend",), ("backend", "dev")]


@pytest.mark.parametrize("name", ["pyproject.toml", str(LOCK_FILE)])
def test_a_changed_project_or_lock_file_is_installed_again(checkout, installed, name):
    checkout.install(("backend",))
    (checkout.root / name).write_text("[project]\nname = 'x'\n")
    checkout.install(("backend",))
    assert len(installed) == 2


def test_a_damaged_stamp_is_no_stamp(checkout, installed):
    checkout.install(("backend",))
    for text in ("", "[]", "{", "\x00"):
        (checkout.environment / "dynvfx.json").write_text(text)
        assert not checkout.is_installed(("backend",))


def test_an_interrupted_installation_starts_over(checkout, installed, monkeypatch):
    def interrupted(checkout: Checkout, extras: tuple[str, ...]) -> None:
        (checkout.environment / "half a package").touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Checkout, "install_packages", interrupted)
        with pytest.raises(KeyboardInterrupt):
            checkout.install(("backend",))
    assert (checkout.environment / "incomplete").exists()
    checkout.install(("backend",))
    assert not (checkout.environment / "half a package").exists()
    assert installed == [("backend",)]


def test_a_moved_python_makes_a_new_environment(checkout, installed):
    checkout.install(("backend",))
    checkout.python.unlink()
    checkout.python.symlink_to("/nowhere/python")
    assert not checkout.is_installed(("backend",)) and not checkout.environment_works()


def test_a_full_disk_is_found_before(checkout, monkeypatch):
    monkeypatch.setattr("installers.checkout.DISK_NEEDED", 1 << 60)
    with pytest.raises(NoSpace, match="Free some space"):
        checkout.install(("backend",))
    assert not checkout.environment.exists()


def test_packages_come_from_the_lock_file_by_uv(checkout, commands):
    checkout.install_packages(("backend",))
    python, listed = str(checkout.python), str(checkout.environment / "locked.txt")
    locked = ["--require-hashes", "--no-deps", "-r", listed]
    uv = [python, "-m", "uv", "pip", "install", "--python", python]
    assert commands == [
        [python, "-m", "pip", "install", "--disable-pip-version-check", *locked],
        [*uv, *locked],
        [*uv, "--no-deps", "--editable", str(checkout.root)],
    ]
    assert Path(listed).read_text() == "av==2.0 \\\n    --hash=sha256:11\n"


def test_without_uv_pip_installs(checkout, commands, monkeypatch):
    run = environment._run

    def fail_first(command: list[str], *, shown: bool = False, variables: object = None) -> subprocess.CompletedProcess:
        done = run(command, shown=shown)
        done.returncode = 1 if len(commands) == 1 else 0
        return done

    monkeypatch.setattr(environment, "_run", fail_first)
    checkout.install_packages(("backend",))
    assert [command[1:4] for command in commands] == [["-m", "pip", "install"]] * 3


def test_installing_is_tried_again(checkout, commands, monkeypatch):
    def fail(command: list[str], *, shown: bool = False, variables: object = None) -> subprocess.CompletedProcess:
        commands.append(command)
        return subprocess.CompletedProcess(command, 1, "", "error: dns error")

    monkeypatch.setattr(environment, "_run", fail)
    with pytest.raises(PackagesFailed, match="Check the network"):
        checkout.install_packages(("backend",))
    assert len(commands) == 1 + environment.ATTEMPTS


def test_the_environment_that_runs_is_not_removed(checkout, monkeypatch):
    checkout.environment.mkdir()
    monkeypatch.setattr(sys, "prefix", str(checkout.environment))
    with pytest.raises(InUse, match="running inside it"):
        checkout.remove_environment()
    assert checkout.environment.exists()


def test_a_folder_that_cannot_be_written(checkout):
    checkout.environment.write_text("")  # tests may run as root, which may write everywhere
    with pytest.raises(InstallProblem):
        checkout.make_environment()


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a permission on Windows")
def test_an_environment_has_pip(checkout):
    checkout.make_environment()
    assert checkout.environment_works()
    assert subprocess.run([str(checkout.python), "-m", "pip", "--version"], capture_output=True).returncode == 0
