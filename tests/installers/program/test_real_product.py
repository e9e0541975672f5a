"""DynVFX itself: a bundle of this checkout, installed without a network, started, and removed."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tomllib
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from installers.packages.lock import Lock, LockedPackage, normalized
from installers.program.bundling import make_bundle
from tests.installers.product import ROOT


def needed(requirements: list[str]) -> dict[str, Distribution]:
    """The installed distributions of these requirements and their dependencies, without extras."""
    found: dict[str, Distribution] = {}
    for requirement in requirements:
        wanted, _, marker = requirement.partition(";")
        if not marker.strip():
            package = distribution(re.match(r"[\w.-]+", wanted)[0])
            found |= {package.metadata["Name"]: package} | needed(package.requires or [])
    return found


def packed(package: Distribution, folder: Path) -> Path:
    """Rebuild the wheel from which a distribution was installed."""
    info = next(Path(file).parts[0] for file in package.files if Path(file).name == "METADATA")
    tags = [line.split(": ")[1] for line in package.read_text("WHEEL").splitlines() if line.startswith("Tag: ")]
    parts = zip(*(tag.split("-") for tag in tags), strict=True)
    tag = "-".join(".".join(dict.fromkeys(part)) for part in parts)
    left_out = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
    path = folder / f"{info.removesuffix('.dist-info')}-{tag}.whl"
    rows = ""
    with zipfile.ZipFile(path, "w") as archive:
        for file in package.files:
            is_ours = file.parts[0] != ".." and file.suffix != ".pyc"
            if is_ours and not (file.parts[0] == info and file.name in left_out):
                archive.write(package.locate_file(file), file.as_posix())
                rows += f"{file.as_posix()},,\n"
        archive.writestr(f"{info}/RECORD", rows + f"{info}/RECORD,,\n")
    return path


def lock_of(wheels: Path) -> Lock:
    """A lock file for exactly these wheels, whose hashes differ from those of the package index."""
    packages = []
    for wheel in sorted(wheels.glob("*.whl")):
        name, version, *_ = wheel.name.split("-")
        text = f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
        # All of them: exactly the requirements of the panel were packed.
        packages.append(LockedPackage(normalized(name), version, text, frozenset({"msgspec"})))
    return Lock(packages)


@pytest.mark.slow
def test_the_panel_from_a_bundle(editor, monkeypatch, capsys):
    shelf = editor.shelf / "wheels of this machine"
    shelf.mkdir()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    requirements = [*project["dependencies"], *extras["panel"], *extras["timelines"], "setuptools"]
    for package in needed(requirements).values():
        packed(package, shelf)
    monkeypatch.setattr(Lock, "read", lambda root: lock_of(shelf))
    monkeypatch.setenv("PIP_FIND_LINKS", shelf.as_uri())
    monkeypatch.setenv("UV_FIND_LINKS", shelf.as_uri())
    before = {path: path.stat().st_mtime_ns for path in ROOT.iterdir()}
    bundle = make_bundle(ROOT, editor.shelf / "bundle", editor.places, print, panel_only=True)
    assert {path: path.stat().st_mtime_ns for path in ROOT.iterdir()} == before, "building leaves no files here"
    assert sum(name.startswith("dynvfx-") for name in bundle.wheels) == 1
    for wheel in shelf.glob("*.whl"):
        wheel.unlink()

    nothing = editor.files()
    assert editor.run("install", "--from", editor.shelf / "bundle", "--hosts", "blender-4.2,resolve") == 0
    assert editor.says() == f"dynvfx {bundle.version}"
    python = editor.app.versions / editor.app.current() / "env" / "bin" / "python"
    program = "import plugin.panel.application, installers; print('opens')"
    screenless = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    asked = [str(python), "-I", "-c", program]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, env=screenless)
    assert done.stdout == "opens\n", done.stderr
    assert (editor.addon() / "agent_link.py").read_bytes() == (ROOT / "plugin/hosts/agent_link.py").read_bytes()
    assert editor.run("uninstall", "--yes") == 0
    assert editor.files() == nothing
