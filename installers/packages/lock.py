"""The lock file: one version of every package, with the hashes of its files, for all systems and Pythons.

uv writes it from pyproject.toml (`python3 run.py lock`). It contains no address of a package index. Below each package
it lists those that require it, so that the packages of one extra can be selected. Standard library only.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

LOCK_FILE = Path("installers") / "lock.txt"
PANEL_EXTRAS = ("panel", "timelines")
"""Extras of pyproject.toml that every installation has; one with a backend has `backend` as well."""
_HEADER = "# Made by `python3 run.py lock`: do not edit.\n"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_CUDA = re.compile(r"torch|torchvision|triton|(nvidia|cuda)-.*")


@dataclass(frozen=True)
class LockedPackage:
    """One version of a package. `text` is its requirement with marker and hashes, as pip and uv read it."""

    name: str
    version: str
    text: str
    required_by: frozenset[str]

    @property
    def depends_on_torch_build(self) -> bool:
        """Whether the package's files depend on the build of torch: torch itself and the CUDA libraries."""
        return _CUDA.fullmatch(self.name) is not None


class Lock:
    """The packages of a lock file."""

    def __init__(self, packages: Iterable[LockedPackage]) -> None:
        self.packages = list(packages)

    @classmethod
    def read(cls, root: Path) -> Lock:
        """The lock file of the checkout `root`. Raises OSError."""
        return cls.parse((root / LOCK_FILE).read_text("utf-8"))

    @classmethod
    def parse(cls, text: str) -> Lock:
        """The packages of a file that `uv pip compile --generate-hashes` wrote."""
        blocks: list[tuple[list[str], set[str]]] = []
        for line in text.splitlines():
            if line.startswith("    #"):
                blocks[-1][1].update(_names(line.replace("# via", "")))
            elif line.startswith(" "):
                blocks[-1][0].append(line)
            elif line and not line.startswith("#"):
                blocks.append(([line], set()))
        return cls(_locked_package(lines, required_by) for lines, required_by in blocks)

    def for_requirements(self, requirements: Iterable[str]) -> list[LockedPackage]:
        """The packages that `requirements` need, directly or indirectly, each with all of its markers."""
        needed = {normalized(name) for line in requirements for name in _NAME.findall(line)[:1]}
        while True:
            more = {each.name for each in self.packages if each.required_by & needed} - needed
            if not more:
                return [each for each in self.packages if each.name in needed]
            needed |= more

    def for_extras(self, root: Path, extras: Collection[str]) -> list[LockedPackage]:
        """The packages that the project in the checkout `root` needs with these extras. Raises OSError."""
        return self.for_requirements(requirements_of(root, extras))


def requirements_of(root: Path, extras: Collection[str]) -> list[str]:
    """The requirements that pyproject.toml of the checkout `root` lists, with those of `extras`. Raises OSError."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    optional = project.get("optional-dependencies", {})
    return [*project.get("dependencies", []), *(line for extra in extras for line in optional.get(extra, []))]


def write_requirements(packages: Iterable[LockedPackage], path: Path) -> Path:
    """Write a file for `pip install --require-hashes --no-deps -r`; returns its path. Raises OSError."""
    path.write_text("".join(each.text for each in packages), "utf-8")
    return path


def refresh(root: Path, *, upgrade: bool = False) -> int:
    """Write the lock file with uv, keeping versions that still fit unless `upgrade`. Returns uv's exit status."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    command += ["--all-extras", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header"]
    command += ["--output-file", str(LOCK_FILE), *(["--upgrade"] if upgrade else []), "pyproject.toml"]
    status = subprocess.run(command, cwd=root, check=False).returncode
    if status == 0:
        path = root / LOCK_FILE
        path.write_text(_HEADER + path.read_text("utf-8"), "utf-8")
    return status


def normalized(name: str) -> str:
    """A package's normalised name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _names(line: str) -> set[str]:
    return {normalized(name) for name in _NAME.findall(line.partition("(")[0])}


def _locked_package(lines: list[str], required_by: set[str]) -> LockedPackage:
    name, _, rest = lines[0].partition("==")
    version = rest.split()[0]
    return LockedPackage(normalized(name), version, "\n".join(lines) + "\n", frozenset(required_by))


if __name__ == "__main__":
    sys.exit(refresh(Path(__file__).resolve().parents[2], upgrade="--upgrade" in sys.argv[1:]))
