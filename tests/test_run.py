from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """run.py as a module, for a checkout in a folder with a space and an umlaut."""
    spec = importlib.util.spec_from_file_location("run_of_a_checkout", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "a checkoüt"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(module, "ENVIRONMENT", root / ".venv")
    monkeypatch.setattr(module.tempfile, "gettempdir", lambda: str(tmp_path))
    return module


@pytest.fixture
def installer(run, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Stands in for the package installer: remembers what it was asked for."""
    asked: list[tuple[str, ...]] = []

    def make() -> None:
        run.ENVIRONMENT.mkdir()
        run.mark_incomplete()
        run.environment_python().parent.mkdir(parents=True)
        run.environment_python().symlink_to(sys.executable)

    monkeypatch.setattr(run, "make_environment", make)
    monkeypatch.setattr(run, "install_packages", asked.append)
    monkeypatch.setattr(run, "check_disk", lambda: None)
    return asked


def test_it_starts_without_any_package():
    # -S leaves out site-packages, -I the environment: only the standard library is there.
    done = subprocess.run([sys.executable, "-I", "-S", str(ROOT / "run.py"), "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "run.py demo" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["paint"]])
def test_bad_usage(run, arguments: list[str], capsys: pytest.CaptureFixture):
    assert run.main(arguments) == 2
    assert "demo" in "".join(capsys.readouterr())


@pytest.mark.parametrize("bound", [{"OLDEST": (99, 0), "NEWEST": (99, 1)}, {"OLDEST": (3, 0), "NEWEST": (3, 1)}])
def test_another_python_is_told_so(run, bound: dict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    for name, version in bound.items():
        monkeypatch.setattr(run, name, version)
    assert run.main(["demo"]) == 2
    assert "DynVFX needs Python" in capsys.readouterr().err


def test_it_installs_once(run, installer):
    run.install(("backend",))
    run.install(("backend",))
    assert installer == [("backend",)]
    assert not (run.ENVIRONMENT / "incomplete").exists()


def test_more_extras_are_added_to_what_is_there(run, installer):
    run.install(("backend",))
    run.install(("backend", "dev"))
    run.install(("backend",))
    assert installer == [("backend",), ("backend", "dev")]


def test_a_changed_project_is_installed_again(run, installer):
    run.install(("backend",))
    (run.ROOT / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    run.install(("backend",))
    assert len(installer) == 2


def test_a_damaged_stamp_is_no_stamp(run, installer):
    run.install(("backend",))
    for text in ("", "[]", "{", "\x00"):
        (run.ENVIRONMENT / "dynvfx.json").write_text(text)
        assert not run.is_installed(("backend",))


def test_an_interrupted_installation_starts_over(run, installer, monkeypatch: pytest.MonkeyPatch):
    def interrupted(extras: tuple[str, ...]) -> None:
        (run.ENVIRONMENT / "half a package").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "install_packages", interrupted)
    assert run.main(["demo"]) == 130
    assert (run.ENVIRONMENT / "incomplete").exists()
    monkeypatch.setattr(run, "install_packages", installer.append)
    run.install(("backend",))
    assert not (run.ENVIRONMENT / "half a package").exists()
    assert installer == [("backend",)]


def test_a_moved_python_makes_a_new_environment(run, installer):
    run.install(("backend",))
    run.environment_python().unlink()
    run.environment_python().symlink_to("/nowhere/python")
    assert not run.is_installed(("backend",)) and not run.environment_works()


def test_a_full_disk_is_told_before(run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setattr(run, "DISK_NEEDED", 1 << 60)
    assert run.main(["demo"]) == 1
    assert "Make room" in capsys.readouterr().err
    assert not run.ENVIRONMENT.exists()


@pytest.mark.parametrize(
    ("words", "free", "expected"),
    [
        ("error: No space left on device (os error 28)", 1 << 40, "disk is full"),
        ("whatever", 1000, "disk is full"),
        ("error: Failed to fetch: `https://x`\n Caused by: dns error", 1 << 40, "Check the network"),
        ("error: no version of torch\nbecause of this", 1 << 40, "because of this"),
    ],
)
def test_failures_are_explained(run, words: str, free: int, expected: str):
    assert expected in run.explain_failure(words, free)


def test_installing_is_tried_again(run, monkeypatch: pytest.MonkeyPatch):
    calls, pauses = [], []

    class Done:
        def __init__(self, returncode: int) -> None:
            self.returncode, self.stderr = returncode, "error: dns error"

    def call(command: list[str], **_: object) -> Done:
        calls.append(command)
        return Done(0 if command[-1] == "uv" else 1)

    monkeypatch.setattr(run.subprocess, "run", call)
    monkeypatch.setattr(run.time, "sleep", pauses.append)
    with pytest.raises(run.InstallFailed, match="Check the network"):
        run.install_packages(("backend", "dev"))
    assert len(calls) == 1 + run.ATTEMPTS and len(pauses) == run.ATTEMPTS - 1
    assert calls[1][1:4] == ["-m", "uv", "pip"]
    assert calls[1][-1].endswith("[backend,dev]")


def test_without_uv_pip_installs(run, monkeypatch: pytest.MonkeyPatch):
    calls = []

    class Done:
        def __init__(self, returncode: int) -> None:
            self.returncode = returncode

    def call(command: list[str], **_: object) -> Done:
        calls.append(command)
        return Done(1 if command[-1] == "uv" else 0)

    monkeypatch.setattr(run.subprocess, "run", call)
    run.install_packages(("backend",))
    assert calls[1][1:4] == ["-m", "pip", "install"]


def test_the_environment_that_runs_is_not_removed(run, monkeypatch: pytest.MonkeyPatch):
    run.ENVIRONMENT.mkdir()
    monkeypatch.setattr(run.sys, "prefix", str(run.ENVIRONMENT))
    with pytest.raises(run.InstallFailed, match="running inside it"):
        run.remove_environment()
    assert run.ENVIRONMENT.exists()


def test_commands_are_passed_on(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "chdir", lambda path: None)
    assert run.command_for("demo", ["--output", "x"])[1:] == ["-m", "plugin.cli.main", "demo", "--output", "x"]
    assert run.command_for("backend", ["--cpu"])[1:] == ["-m", "plugin.cli.main", "backend", "--cpu"]
    assert run.command_for("dynvfx", ["doctor"])[1:] == ["-m", "plugin.cli.main", "doctor"]
    assert run.command_for("test", ["-k", "a b", "--fast"])[1:] == ["-m", "pytest", "-m", "not slow", "-k", "a b"]
