"""Killed at every step, as by a power cut: the previous version still works, and the same command completes it."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from installers.program.payload import Bundle
from installers.program.versions import INCOMPLETE
from tests.installers.conftest import User, killed_at

KILLED = -signal.SIGKILL


def steps_of(user: User, command: str, *arguments: object) -> list[str]:
    """The steps of a command that is not interrupted."""
    assert killed_at(user, "none", command, *arguments) == 0, (user.shelf / "stderr").read_text()
    lines = (user.shelf / "steps").read_text().splitlines()
    reported = (
        "begun",
        "creating",
        "building",
        "installing",
        "checking",
        "completing",
        "placing",
        "disabling",
        "switch",
        "remov",
    )
    return [line for line in lines if line.startswith(reported)]


def settled(user: User) -> set[str]:
    """The files of a complete installation, without those that Python or the check create beside them."""
    return {name for name in user.files() if "__pycache__" not in name}


@pytest.mark.slow
def test_installing_removing_and_installing_again(editor):
    arguments = ("--from", editor.bundle("1.0"), "--hosts", "blender-4.2,resolve")
    nothing = editor.files()
    steps = steps_of(editor, "install", *arguments)
    assert len(steps) > 12 and any(step.startswith("placing") for step in steps)
    whole = settled(editor)
    removing = steps_of(editor, "uninstall", "--yes")
    assert editor.files() == nothing

    for step in steps:
        assert killed_at(editor, step, "install", *arguments) == KILLED, step
        assert editor.run("status") == 3
    assert editor.install("1.0", "--hosts", "blender-4.2,resolve") == 0
    assert settled(editor) == whole and editor.says() == "dynvfx 1.0"
    assert editor.run("status") == 0

    for step in removing:
        assert killed_at(editor, step, "uninstall", "--yes") == KILLED, step
    assert editor.run("uninstall", "--yes") == 0
    assert editor.files() == nothing


@pytest.mark.slow
def test_updating(editor):
    hosts = ("--hosts", "blender-4.2")
    assert editor.install("1.0", *hosts) == 0
    files = {"plugin__blender__more": "MORE = 1\n", "plugin__blender__strips": "# 2.0\n"}
    arguments = ("--from", editor.bundle("2.0", **files))
    steps = steps_of(editor, "update", *arguments)
    assert "removing " in " ".join(steps)
    whole = settled(editor)
    assert editor.install("1.0", *hosts) == 0
    assert not (editor.addon() / "more.py").exists()
    for step in steps:
        assert killed_at(editor, step, "update", *arguments) == KILLED, step
        assert editor.says() in ("dynvfx 1.0", "dynvfx 2.0"), step
    assert editor.run("update", *arguments) == 0
    assert settled(editor) == whole and editor.says() == "dynvfx 2.0"


def test_an_update_that_was_killed_can_be_left_and_the_old_version_be_put_back(editor):
    assert editor.install("1.0", "--hosts", "blender-4.2") == 0
    whole = settled(editor)
    step = f"placing {editor.addon() / 'strips.py'}"
    arguments = ("--from", editor.bundle("2.0", plugin__blender__strips="# 2.0\n"))
    assert killed_at(editor, step, "update", *arguments) == KILLED
    assert editor.install("1.0", "--hosts", "blender-4.2") == 0
    assert settled(editor) == whole and (editor.addon() / "strips.py").read_text() == ""


def test_a_package_installer_that_outlived_its_parent_is_not_in_the_way(user):
    """It continues to write to the incomplete version."""
    name = Bundle.read(user.bundle("1.0")).identity
    environment = user.app.versions / name / "env" / "bin"
    environment.mkdir(parents=True)
    (environment.parent.parent / INCOMPLETE).touch()
    (environment / "python").symlink_to(sys.executable)
    with subprocess.Popen([environment / "python", "-c", "input()"], stdin=subprocess.PIPE) as orphan:
        assert user.install("1.0", "--yes") == 0
        assert user.app.current() == f"{name}-2" and environment.exists()
        orphan.communicate(b"\n")
    assert user.install("1.0", "--yes") == 0
    assert not environment.exists()
