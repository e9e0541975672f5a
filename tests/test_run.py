from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from installers.checkout import Checkout
from installers.errors import NoSpace

ROOT = Path(__file__).parent.parent
PYTHON = Path("/environment/bin/python")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """run.py as a module, for a checkout with an environment, in a folder with a space and an umlaut."""
    spec = importlib.util.spec_from_file_location("run_of_a_checkout", ROOT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = tmp_path / "a checkoüt"
    root.mkdir()
    monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(module, "ensure", lambda command: None)
    monkeypatch.setattr(Checkout, "install", lambda checkout, extras: None)
    return module


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
def test_another_python_is_refused(run, bound: dict, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    for name, version in bound.items():
        monkeypatch.setattr(run, name, version)
    assert run.main(["demo"]) == 2
    assert "DynVFX needs Python" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (NoSpace("The disk is small.", "", "Make room."), 1, "Make room"),
        (OSError(28, "No space left on device", "x"), 1, "disk is full"),
        (KeyboardInterrupt(), 130, "starts the installation again"),
    ],
)
def test_an_installation_that_fails(run, error, status, message, monkeypatch, capsys):
    def fail(checkout: Checkout, extras: tuple[str, ...]) -> None:
        raise error

    monkeypatch.setattr(Checkout, "install", fail)
    assert run.main(["demo"]) == status
    assert message in capsys.readouterr().err


def test_commands_are_passed_on(run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "chdir", lambda path: None)

    def arguments(name: str, *rest: str) -> list[str]:
        return run.command_for(name, PYTHON, list(rest))[1:]

    assert arguments("demo", "--output", "x") == ["-m", "plugin.cli.main", "demo", "--output", "x"]
    assert arguments("backend", "--cpu") == ["-m", "plugin.cli.main", "backend", "--cpu"]
    assert arguments("dynvfx", "doctor") == ["-m", "plugin.cli.main", "doctor"]
    assert arguments("test", "--cases", "-k", "names") == [
        "-m",
        "pytest",
        "tests/cases",
        "-v",
        "-n",
        "0",
        "-k",
        "names",
    ]


def test_a_corpus_is_tried_in_the_caller_s_folder(run, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setattr(os, "chdir", lambda path: pytest.fail("its paths are the caller's"))
    command = run.command_for("test", PYTHON, ["--corpus", "clips", "--report", "out.json"])
    assert command[1:] == ["-m", "tests.corpus", "clips", "--report", "out.json"]
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(run.ROOT), "elsewhere"]


@pytest.mark.parametrize(
    ("cores", "arguments", "expected"),
    [
        (2, ["-k", "a b", "--fast"], ["-n", "2", "--dist", "worksteal", "-k", "a b", "--fast"]),
        (64, [], ["-n", "8", "--dist", "worksteal"]),
        (1, [], []),
        (None, [], []),
        (2, ["-n0"], ["-n0"]),
        (2, ["--pdb"], ["--pdb"]),
    ],
)
def test_the_suite_runs_on_all_cores(run, monkeypatch, cores, arguments, expected):
    monkeypatch.setattr(os, "chdir", lambda path: None)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert run.command_for("test", PYTHON, arguments)[1:] == ["-m", "pytest", *expected]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["check"], [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]]),
        (["check", "--fix"], [["ruff", "check", "--fix", "."], ["ruff", "format", "."], ["mypy"]]),
        (["lock"], [["installers.packages.lock"]]),
        (["lock", "--upgrade"], [["installers.packages.lock", "--upgrade"]]),
    ],
)
def test_every_step_runs_and_a_failure_of_any_counts(run, arguments, expected, monkeypatch):
    started = []

    def fail_first(command: list[str], **_: object) -> subprocess.CompletedProcess:
        started.append(command[2:])
        return subprocess.CompletedProcess(command, 1 if len(started) == 1 else 0)

    monkeypatch.setattr(run.subprocess, "run", fail_first)
    assert run.main(arguments) == 1
    assert started == expected


def test_an_unknown_option_of_check_runs_nothing(run, monkeypatch, capsys):
    monkeypatch.setattr(run.subprocess, "run", lambda *_, **__: pytest.fail("it ran"))
    assert run.main(["check", "--paint"]) == 2
    assert "--fix" in capsys.readouterr().err
