"""Packages: the build of torch, uv and pip, retries, failures; bundles; the add-on in Blender's preferences."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from installers.errors import BadBundle, BadChoice, InstallProblem, PackagesFailed, from_os_error
from installers.hosts import agents
from installers.hosts.blender_addon import SWITCHED
from installers.manifest import Manifest
from installers.packages import environment
from installers.packages.environment import Environment, clean_environment, has_nvidia, torch_choices
from installers.packages.lock import LockedPackage
from installers.packages.package_failures import explain_failure
from installers.places import Places
from installers.program import bundling, payload
from tests.installers.product import ROOT, write_bundle, write_checkout


@pytest.mark.parametrize(
    ("system", "nvidia", "uv", "asked", "options", "part"),
    [
        ("linux", True, True, "", [[]], "CUDA"),
        ("linux", True, False, "", [[]], "CUDA"),
        ("linux", False, True, "", [["--torch-backend", "cpu"], []], "no NVIDIA card"),
        ("linux", False, False, "", [[]], "torch"),
        ("win32", True, True, "", [["--torch-backend", "auto"]], "CUDA"),
        ("win32", True, False, "", [[]], "needs uv"),
        ("win32", False, False, "", [[]], "CPU"),
        ("darwin", False, True, "", [[]], "Mac"),
        ("linux", True, True, "cu128", [["--torch-backend", "cu128"]], "cu128"),
        ("linux", False, True, "default", [[]], "package index"),
    ],
)
def test_which_torch(system, nvidia, uv, asked, options, part):
    found, description = torch_choices(system, nvidia, uv, asked)
    assert found == options and part in description


def test_a_card_is_found_by_its_driver_or_by_its_program(tmp_path):
    places = Places("linux", tmp_path, {"PATH": str(tmp_path / "bin")}, root=tmp_path / "root")
    assert not has_nvidia(places)
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "NVIDIA-SMI has failed because it couldn\'t communicate"\nexit 9\n')
    program.chmod(0o755)
    assert not has_nvidia(places)
    program.write_text('#!/bin/sh\necho "GPU 0: NVIDIA RTX 4090 (UUID: x)"\n')
    assert has_nvidia(places)
    program.unlink()
    driver = tmp_path / "root" / "proc" / "driver" / "nvidia" / "version"
    driver.parent.mkdir(parents=True)
    driver.touch()
    assert has_nvidia(places)


@pytest.fixture
def installer(tmp_path, monkeypatch):
    """An environment whose installer records its commands and returns the exit statuses of a list."""

    class Asked(list):
        answers: list[tuple[int, str]] = []

    asked = Asked()

    def run(command, *, shown=False, variables=()):
        asked.append(command)
        status, output = asked.answers.pop(0)
        return subprocess.CompletedProcess(command, status, "", output)

    monkeypatch.setattr(environment, "_run", run)
    made = Environment(tmp_path / "env", Places("linux", tmp_path, {}), ["uv"])
    made.folder.mkdir()
    return made, asked


TORCH = LockedPackage("torch", "2.8.0", "torch==2.8.0 \\\n    --hash=sha256:00\n", frozenset())
CUBLAS = LockedPackage("nvidia-cublas", "13.4", "nvidia-cublas==13.4 \\\n    --hash=sha256:11\n", frozenset({"torch"}))
NUMPY = LockedPackage("numpy", "2.4.0", "numpy==2.4.0 \\\n    --hash=sha256:22\n", frozenset())
PACKAGES = [TORCH, CUBLAS, NUMPY]


def listed(made: Environment) -> str:
    return (made.folder / "locked.txt").read_text()


def test_locked_packages_come_with_their_hashes_and_the_project_without_dependencies(installer):
    made, asked = installer
    asked.answers = [(0, ""), (0, "")]
    assert made.fill_locked(PACKAGES, ["x.whl"]) == ()
    assert asked[0][-4:] == ["--require-hashes", "--no-deps", "-r", str(made.folder / "locked.txt")]
    assert asked[1][-2:] == ["--no-deps", "x.whl"]
    assert listed(made) == TORCH.text + CUBLAS.text + NUMPY.text


def test_another_build_of_torch_comes_without_hashes_and_not_newer(installer):
    made, asked = installer
    asked.answers = [(0, ""), (0, ""), (0, "")]
    assert made.fill_locked(PACKAGES, ["x.whl"], [["--torch-backend", "cpu"]]) == ["--torch-backend", "cpu"]
    assert asked[1][-3:] == ["--torch-backend", "cpu", "torch<=2.8.0"]
    assert listed(made) == NUMPY.text, "the CUDA libraries come only with their torch"


def test_installing_is_tried_again(installer):
    made, asked = installer
    asked.answers = [(1, ""), (1, ""), (0, ""), (0, ""), (0, "")]
    pauses: list[float] = []
    made.fill_locked(PACKAGES, ["x"], [["--torch-backend", "auto"]], lambda line: None, pauses.append)
    assert len(asked) == 5 and pauses == [2.0, 4.0]


def test_the_next_choice_is_taken_when_one_does_not_work(installer):
    made, asked = installer
    asked.answers = [(0, ""), (1, "dns error"), (0, ""), (0, "")]
    lines: list[str] = []
    choices = [["--torch-backend", "cpu"], []]
    assert made.fill_locked(PACKAGES, ["x"], choices, lines.append, lambda seconds: None) == []
    assert asked[-1] == ["uv", "pip", "install", "--python", str(made.python), "--no-deps", "x"]
    assert listed(made) == TORCH.text + CUBLAS.text + NUMPY.text
    assert any("trying without" in line for line in lines)


@pytest.mark.parametrize(
    ("output", "free", "expected"),
    [
        ("error: No space left on device (os error 28)", 1 << 40, "is full"),
        ("whatever", 1000, "is full"),
        ("error: Failed to fetch: `https://x`\n Caused by: dns error", 1 << 40, "Check the network"),
        ("error: Hash mismatch for `av==18.1.0`", 1 << 40, "not the file that the lock file names"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", 1 << 40, "not the file"),
        ("error: no version of torch\nbecause of this", 1 << 40, "because of this"),
    ],
)
def test_failures_are_explained(output, free, expected, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=free))
    assert expected in explain_failure(output, [Path("/somewhere")])


def test_no_network_is_explained(installer):
    made, asked = installer
    asked.answers = [(1, "error: Failed to fetch: dns error")] * 3
    with pytest.raises(PackagesFailed, match="Check the network"):
        made.fill_locked(PACKAGES, ["x"], [[]], lambda line: None, lambda seconds: None)


def test_a_bundle_is_asked_once_and_nothing_else(installer, tmp_path):
    made, asked = installer
    asked.answers = [(1, "because only torch==1 is available")]
    with pytest.raises(PackagesFailed, match="Make the bundle again"):
        made.fill_from_bundle("x", tmp_path, lambda line: None)
    assert asked[0][-4:] == ["--no-index", "--find-links", str(tmp_path), "x"]


@pytest.mark.slow
def test_without_uv_pip_installs_and_checks(user):
    """A real environment by venv and pip."""
    made = Environment(user.shelf / "env with pip", user.places, None)
    made.make()
    assert made.uv is None
    wheels = user.bundle("1.0") / "wheels"
    wheel = next(wheels.glob("dynvfx*"))
    made.fill_from_bundle(f"dynvfx[panel] @ {wheel.as_uri()}", wheels)
    made.check("1.0", ("base", "panel", "backend"))


def test_variables_that_lead_a_python_astray_are_left_out():
    given = {"PYTHONPATH": "/x", "PYTHONHOME": "/y", "VIRTUAL_ENV": "/z", "UV_HTTP_TIMEOUT": "7", "PATH": "/bin"}
    cleaned = clean_environment(given)
    assert not {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"} & set(cleaned)
    assert cleaned["UV_HTTP_TIMEOUT"] == "7" and cleaned["PATH"] == "/bin"


@pytest.mark.parametrize(
    ("number", "expected"),
    [(28, "disk is full"), (13, "may not write"), (30, "may not write"), (36, "too long"), (5, "")],
)
def test_errors_of_the_system_are_reported_with_a_remedy(number, expected):
    problem = from_os_error(OSError(number, os.strerror(number), "/some/file"), "DynVFX could not be installed")
    assert expected in str(problem) and "/some/file" in problem.why and problem.remedy


def test_a_place_that_cannot_be_written(user, capsys):
    """Tests may run as root, which may write everywhere, so a file is put at the folder's path."""
    (user.home / ".local").write_text("")
    assert user.install("1.0", "--yes") == 1
    said = capsys.readouterr().err
    assert "could not be installed" in said and ".local" in said and "Traceback" not in said


def test_a_disk_that_is_too_small_is_reported_before(user, capsys, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=10))
    assert user.install("1.0", "--yes") == 1
    assert "GB free" in capsys.readouterr().err and not user.app.names()


# Bundles ------------------------------------------------------------------------------------------------------------


def test_a_bundle_installs_by_its_own_run_py(user):
    asked = [sys.executable, str(user.bundle("1.0") / "run.py"), "install", "--hosts", "none"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=user.shelf)
    assert done.returncode == 0, done.stderr
    assert user.says() == "dynvfx 1.0"


def test_damaged_and_foreign_bundles(user, capsys):
    bundle = user.bundle("1.0")
    wheel = next((bundle / "wheels").glob("needed*"))
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:-1])
    assert user.install("1.0", "--yes") == 1
    assert f"{wheel.name} has changed" in capsys.readouterr().err
    wheel.unlink()
    assert user.install("1.0", "--yes") == 1
    assert f"{wheel.name} is missing" in capsys.readouterr().err
    wheel.write_bytes(whole)
    facts = payload.Bundle.read(bundle)
    facts.system, facts.python = "win32", "3.13"
    facts.write(bundle)
    assert user.install("1.0", "--yes") == 1
    assert "another kind of machine" in capsys.readouterr().err
    (bundle / "bundle.json").write_text("{}")
    assert user.install("1.0", "--yes") == 1
    (bundle / "bundle.json").unlink()
    assert user.install("1.0", "--yes") == 1
    assert "not a bundle" in capsys.readouterr().err
    assert not user.app.names() and not user.command.exists()


def test_a_bundle_is_not_made_among_other_files(user):
    root = write_checkout(user.shelf / "checkout")
    (user.home / "thesis.txt").touch()
    with pytest.raises(BadChoice, match="other files"):
        bundling.make_bundle(root, user.home, user.places, print)
    with pytest.raises(InstallProblem, match="no program to install"):
        bundling.make_bundle(user.shelf, user.shelf / "b", user.places, print)


def test_a_bundle_that_was_not_finished_is_none(user, monkeypatch):
    root = write_checkout(user.shelf / "checkout")

    def fail(*arguments):
        raise PackagesFailed("no network")

    monkeypatch.setattr(Environment, "make", lambda made: None)
    monkeypatch.setattr(Environment, "build", fail)
    with pytest.raises(PackagesFailed):
        bundling.make_bundle(root, user.shelf / "b", user.places, print)
    with pytest.raises(BadBundle):
        payload.Bundle.read(user.shelf / "b")


def test_the_name_of_a_version_changes_with_its_contents(user):
    root = write_checkout(user.shelf / "checkout")
    first = payload.describe(root).identity
    (root / "plugin" / "__pycache__").mkdir()
    (root / "plugin" / "__pycache__" / "x.pyc").touch()
    (root / "notes.txt").touch()
    assert payload.describe(root).identity == first and first.startswith("1.0-")
    (root / "plugin" / "blender" / "strips.py").write_text("# new\n")
    assert payload.describe(root).identity != first


# Agents -------------------------------------------------------------------------------------------------------------


def test_our_agents_are_put_together(tmp_path):
    assert agents.assemble(ROOT, tmp_path) == ["blender", "resolve"]
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {"blender/dynvfx/__init__.py", "blender/dynvfx/agent_link.py", "resolve/DynVFX_agent/agent_link.py"} <= names
    assert "resolve/Scripts/Utility/DynVFX.py" in names
    assert not [name for name in names if "test" in name or "__pycache__" in name]


def test_a_checkout_without_agents_installs_the_rest(editor):
    root = write_checkout(editor.shelf / "checkout 1.0")
    (root / "plugin" / "hosts" / "agent_link.py").unlink()
    assert agents.assemble(root, editor.shelf / "none") == []
    write_bundle(root, editor.shelf / "bundle 1.0")
    assert editor.install("1.0", "--yes") == 0
    assert editor.says() == "dynvfx 1.0" and not editor.addon().exists()


def fake_blender(editor, status: int) -> Path:
    program = editor.home / "blender-4.2.0-linux-x64" / "blender"
    program.parent.mkdir(exist_ok=True)
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {editor.shelf}/blender\necho "Error: no such add-on" >&2\nexit {status}\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def test_the_addon_is_switched_on_only_when_asked_and_off_again(editor, capsys):
    program = fake_blender(editor, 0)
    said = editor.shelf / "blender"
    assert editor.install("1.0", "--hosts", "blender-4.2") == 0
    assert not said.exists()
    assert editor.install("1.0", "--hosts", "blender-4.2,blender-5.0", "--enable") == 0
    assert "addon_utils.enable('dynvfx'" in said.read_text() and said.read_text().startswith("--background")
    reported = capsys.readouterr().err
    assert "enabled in Blender 4.2" in reported and "The program of Blender 5.0 was not found" in reported
    assert Manifest.read(editor.app.manifest_file).choices[SWITCHED] == str(program)
    assert editor.install("2.0", command="update") == 0
    assert editor.run("uninstall", "--yes") == 0
    assert "addon_utils.disable('dynvfx'" in said.read_text()


def test_a_blender_that_does_not_switch_it_on_is_reported(editor, capsys):
    fake_blender(editor, 7)
    assert editor.install("1.0", "--hosts", "blender-4.2", "--enable") == 0
    reported = capsys.readouterr().err
    assert "no such add-on" in reported and "Edit > Preferences" in reported
