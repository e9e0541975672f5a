"""The lock file: it covers pyproject.toml, contains hashes and no address, and gives the packages of each extra."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from installers.packages.lock import LOCK_FILE, Lock, normalized, requirements_of, write_requirements
from tests.installers.product import ROOT

SMALL = r"""# Made by `python3 run.py lock`: do not edit.
Foo_Bar==1.0 ; sys_platform == 'linux' \
    --hash=sha256:aa \
    --hash=sha256:bb
    # via
    #   baz
    #   dynvfx (pyproject.toml)
baz==2.0 \
    --hash=sha256:cc
    # via dynvfx (pyproject.toml)
deep==3.0 \
    --hash=sha256:dd
    # via foo-bar
other==4.0 \
    --hash=sha256:ee
    # via dynvfx (pyproject.toml)
"""
EXTRAS = list(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_it_covers_every_requirement(extra: str):
    """`python3 run.py lock` updates it from pyproject.toml."""
    lock = Lock.read(ROOT)
    for line in requirements_of(ROOT, [extra] if extra else []):
        requirement = Requirement(line)
        found = [each for each in lock.packages if each.name == normalized(requirement.name)]
        assert found, f"{requirement.name} is not locked"
        assert all(Version(each.version) in requirement.specifier for each in found), (
            f"{line}: another version is locked"
        )


def test_it_holds_hashes_and_no_address():
    text = (ROOT / LOCK_FILE).read_text("utf-8")
    assert "://" not in text and "--index" not in text and "--find-links" not in text and " @ " not in text
    for package in Lock.read(ROOT).packages:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", package.text), package.name


def test_every_package_is_required_by_another_or_by_the_project():
    lock = Lock.read(ROOT)
    names = {each.name for each in lock.packages} | {"dynvfx"}
    for package in lock.packages:
        assert package.required_by and package.required_by <= names, package.name
    assert {each.name for each in lock.for_extras(ROOT, EXTRAS)} == names - {"dynvfx"}


def test_the_panel_alone_needs_no_torch():
    names = {each.name for each in Lock.read(ROOT).for_extras(ROOT, ["panel"])}
    assert {"pyqt6", "pyqt6-qt6", "av", "numpy"} <= names
    assert not names & {"torch", "transformers", "pytest", "ray"}


def test_builds_of_torch_bring_the_libraries_of_cuda():
    names = {each.name for each in Lock.read(ROOT).packages if each.depends_on_torch_build}
    assert {"torch", "torchvision", "triton"} <= names and all(
        name.startswith(("nvidia-", "cuda-")) for name in names - {"torch", "torchvision", "triton"}
    )


def test_a_requirement_brings_what_it_needs(tmp_path: Path):
    lock = Lock.parse(SMALL)
    assert [each.name for each in lock.for_requirements(["baz>=1,<3"])] == ["foo-bar", "baz", "deep"]
    assert [each.name for each in lock.for_requirements(["foo.bar"])] == ["foo-bar", "deep"]
    written = write_requirements(lock.for_requirements(["Foo-Bar"]), tmp_path / "locked.txt").read_text()
    assert written == (
        "Foo_Bar==1.0 ; sys_platform == 'linux' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"
        "deep==3.0 \\\n    --hash=sha256:dd\n"
    )
