"""`run.py install --panel-only`: every command in an environment that has nothing but the panel's packages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from bridge.local.folders import key_folder
from bridge.wire.keys import KeyFolder
from contract.errors import OBJECT_ABSENT, BadUsage
from installers.packages.environment import CHECKED
from installers.packages.lock import PANEL_EXTRAS, Lock, normalized, requirements_of
from plugin.cli.arguments import parse
from tests.backend.jobs.small_jobs import INSTRUCTION, write_movie
from tests.backend.service.running import RunningService, running
from tests.panel_only import ROOT, PanelOnly
from tests.plugin.movies import write_cut

WORKER = "tests.backend.worker.small_worker"
DRAFT = ("--quality", "draft")
CLI = ("-m", "plugin.cli.main")
NEEDS_A_BACKEND = (
    "add a.mp4 balloon",
    "add a.mp4 balloon --in-process",
    "refine takes/01 larger",
    "demo",
    "demo --in-process",
    "jobs",
    "takes",
    "watch ab",
    "cancel ab",
    "retry ab",
    "backend",
)
"""Commands that no machine without a backend can carry out by itself."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> PanelOnly:
    return PanelOnly(tmp_path_factory.mktemp("panel only") / "env")


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Another machine's backend."""
    with running(tmp_path_factory.mktemp("far") / "home", worker=WORKER) as service:
        yield service


@pytest.fixture
def named(far: RunningService, tmp_path: Path) -> dict[str, str]:
    """The variables that name the other machine's backend, which has authorised this user."""
    (tmp_path / "home").mkdir(mode=0o700)
    own = KeyFolder(key_folder(tmp_path / "home")).client_pair().public
    KeyFolder(key_folder(far.home)).authorize(own, "artist")
    return {"DYNVFX_BACKEND": far.found.address, "DYNVFX_BACKEND_KEY": far.found.key}


def test_the_environment_has_the_panel_s_packages_and_no_others(installed: PanelOnly, tmp_path: Path):
    code = "import importlib.metadata as m, json; print(json.dumps([d.metadata['Name'] for d in m.distributions()]))"
    found = {normalized(name) for name in json.loads(installed.run("-c", code, home=tmp_path).stdout)} - {"dynvfx"}
    listed = {each.name for each in Lock.read(ROOT).for_extras(ROOT, PANEL_EXTRAS)}
    # Packages with a marker for other systems or Pythons are in the list and not here.
    assert found <= listed
    required = {normalized(line.split(">")[0].split("[")[0]) for line in requirements_of(ROOT, PANEL_EXTRAS)}
    assert required <= found
    others = {module: {normalized(each) for each in names} for module, names in packages_distributions().items()}
    modules = sorted(each for each, names in others.items() if each.isidentifier() and not names & {*found, "dynvfx"})
    assert {"torch", "diffusers", "PIL", "scipy", "imageio_ffmpeg"} <= set(modules)
    code = f"import importlib.util as u; print([m for m in {modules!r} if u.find_spec(m)])"
    assert installed.run("-c", code, home=tmp_path).stdout.strip() == "[]"
    checked = [module for part in ("base", "panel") for module in CHECKED[part]]
    assert installed.run("-c", f"import {', '.join(checked)}", home=tmp_path).returncode == 0


def test_no_command_is_left_out():
    with pytest.raises(BadUsage) as raised:
        parse(["nothing"])
    commands = set(re.findall(r"'([\w-]+)'", raised.value.what.partition("choose from")[2]))
    assert commands == {each.split()[0] for each in NEEDS_A_BACKEND} | {
        "panel",
        "clips",
        "doctor",
        "keys",
        "resolve-check",
        "logs",
    }


@pytest.mark.parametrize("command", NEEDS_A_BACKEND)
def test_without_a_backend_each_command_says_what_it_needs(installed: PanelOnly, command: str, tmp_path: Path):
    before = {each.name for each in tmp_path.iterdir()}
    done = installed.run(*CLI, *command.split(), home=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert "only the panel is installed" in done.stderr and "torch, torchvision" in done.stderr
    assert "DYNVFX_BACKEND_KEY" in done.stderr and "python3 run.py install" in done.stderr
    assert "mistake in the program" not in done.stderr
    assert {each.name for each in tmp_path.iterdir()} - before <= {"home", "state"}, "nothing is written before"


def test_commands_that_need_no_backend(installed: PanelOnly, tmp_path: Path):
    assert installed.run(*CLI, "--version", home=tmp_path).returncode == 0
    assert "authorize" in installed.run(*CLI, "keys", "show", home=tmp_path).stdout
    assert installed.run(*CLI, "logs", "--output", "logs.zip", home=tmp_path).returncode == 0
    assert "No DaVinci Resolve answers" in installed.run(*CLI, "resolve-check", home=tmp_path).stderr
    assert installed.run(*CLI, "panel", "--help", home=tmp_path).returncode == 0
    cut = write_cut(tmp_path)
    listed = installed.run(*CLI, "clips", str(cut), home=tmp_path)
    assert listed.returncode == 0 and "street" in listed.stdout, listed.stderr


def test_doctor_names_the_missing_backend(installed: PanelOnly, tmp_path: Path):
    done = installed.run(*CLI, "doctor", "--json", home=tmp_path)
    found = {each["subject"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1 and found["Backend"]["state"] == "broken"
    assert "python3 run.py install" in found["Backend"]["remedy"]
    assert [each["subject"] for each in found.values() if each["state"] == "broken"] == ["Backend"]


def test_doctor_asks_the_backend_of_the_other_machine(installed: PanelOnly, named: dict[str, str], tmp_path: Path):
    done = installed.run(*CLI, "doctor", "--json", home=tmp_path, **named)
    found = {each["subject"]: each for each in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0 and {each["state"] for each in found.values()} <= {"fine", "missing"}
    assert "answers in" in found["Backend of another machine"]["text"]
    silent = {**named, "DYNVFX_BACKEND": "tcp://127.0.0.1:9"}
    done = installed.run(*CLI, "doctor", home=tmp_path, **silent)
    assert done.returncode == 1 and "BROKEN Backend of another machine" in done.stdout


def test_takes_are_made_on_the_other_machine(installed: PanelOnly, named: dict[str, str], tmp_path: Path):
    write_movie(tmp_path / "street.mp4")

    def run(*arguments: str) -> list[dict[str, Any]]:
        done = installed.run(*CLI, *arguments, "--json", home=tmp_path, **named)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert run("add", "street.mp4", INSTRUCTION, *DRAFT, "--output", "out")[-1]["event"] == "job_done"
    assert run("refine", "out/takes/01", "add a red balloon", *DRAFT)[-1]["event"] == "job_done"
    assert (tmp_path / "out/takes/02/take.json").is_file()
    jobs = run("jobs")
    assert len(jobs) == 2 and len(run("takes")) == 2
    assert run("watch", jobs[0]["id"])[-1]["event"] == "job_done"
    assert run("cancel", jobs[0]["id"])[-1]["outcome"] == "already_done"


def test_the_demonstration_goes_to_the_other_machine(installed: PanelOnly, named: dict[str, str], tmp_path: Path):
    done = installed.run(*CLI, "demo", "--output", "shown", "--json", home=tmp_path, **named)
    # The double's segmenter finds nothing in this clip, which is known there only after the first iteration.
    assert done.returncode == OBJECT_ABSENT, done.stderr
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()][0] == "job_started"
