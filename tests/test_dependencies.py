"""What each package imports is declared: by its own extra, not by another package's dependencies."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.test_imports import PACKAGES, imports, sources

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# What is there when the package's modules run. The review decodes in the panel's process, so `media` is for both.
EXTRAS: dict[str, tuple[tuple[str, ...], ...]] = {
    "contract": ((),),
    "media": (("backend",), ("panel",)),
    "bridge": ((),),
    "dynvfx": (("backend",),),
    "backend": (("backend",),),
    "plugin": (("panel",),),
    "installers": (("dev",),),
}
# Modules of a host, and what its agent finds beside itself.
HOSTS = {"bpy", "mathutils", "addon_utils", "compat", "DaVinciResolveScript", "fusionscript"}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(extras: tuple[str, ...]) -> set[str]:
    lines = [*PROJECT["dependencies"]]
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    return {normalized(re.match(r"[\w.-]+", line).group()) for line in lines}


@pytest.mark.parametrize(("package", "extras"), [(each, extras) for each in PACKAGES for extras in EXTRAS[each]])
def test_imports_are_declared(package: str, extras: tuple[str, ...]):
    distributions = packages_distributions()
    allowed = declared(extras)
    undeclared = []
    for path in sources(ROOT, package):
        for line, imported in imports(path, ROOT):
            top = imported.partition(".")[0]
            if top in sys.stdlib_module_names or top in {*PACKAGES, *HOSTS}:
                continue
            if not {normalized(each) for each in distributions.get(top, [top])} & allowed:
                undeclared.append(f"{path.relative_to(ROOT)}:{line} imports {top}")
    assert not undeclared


def test_every_requirement_has_bounds():
    """The rule at the top of the list: a series that was tested, and an end before the next that may break us."""
    lines = [*PROJECT["dependencies"], *(each for extra in PROJECT["optional-dependencies"].values() for each in extra)]
    assert [line for line in lines if not ("==" in line or (">=" in line and "<" in line))] == []
