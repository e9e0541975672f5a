"""System packages, with fakes of dpkg and apt that record their calls."""

import os
import stat

import pytest

from installers.packages import system_packages


@pytest.fixture
def debian(tmp_path, monkeypatch):
    """A PATH with a dpkg that reads the file `installed`, and an apt-get that adds to it after an update."""
    installed, asked = tmp_path / "installed", tmp_path / "asked"
    installed.write_text("libgl1\n")
    programs = {
        "dpkg-query": f'while read p; do echo "$p installed"; done < {installed}\necho "xvfb not-installed"\nexit 1',
        "apt-get": f"""echo "$@" >> {asked}
case "$1" in
  update) touch {tmp_path}/updated ;;
  install) [ -e {tmp_path}/updated ] || exit 100
           shift 3; for p in "$@"; do echo "$p" >> {installed}; done ;;
esac""",
    }
    for name, body in programs.items():
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(system_packages.sys, "platform", "linux")
    monkeypatch.setattr(system_packages, "DEBIAN", {"panel": ("libgl1", "libegl1"), "test": ("libgl1", "xvfb")})
    asked.touch()
    return asked


def test_root_installs_what_is_missing_and_updates_the_lists_only_when_it_must(debian, monkeypatch):
    monkeypatch.setattr(system_packages.os, "geteuid", lambda: 0)
    system_packages.ensure("panel")
    install = "install -y --no-install-recommends libegl1"
    assert debian.read_text().splitlines() == [install, "update", install]
    system_packages.ensure("panel")
    assert len(debian.read_text().splitlines()) == 3, "everything is there now"
    system_packages.ensure("test")
    assert debian.read_text().splitlines()[3:] == ["install -y --no-install-recommends xvfb"]


def test_everybody_else_is_shown_what_to_type(debian, monkeypatch, capsys):
    monkeypatch.setattr(system_packages.os, "geteuid", lambda: 1000)
    system_packages.ensure("panel")
    assert debian.read_text() == ""
    assert "sudo apt-get install libegl1" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["demo", "backend", "dynvfx"])
def test_what_needs_no_window_installs_nothing(command):
    assert command not in system_packages.DEBIAN


def test_other_systems_are_left_alone(debian, monkeypatch):
    monkeypatch.setattr(system_packages.sys, "platform", "darwin")
    system_packages.ensure("panel")
    assert debian.read_text() == ""
