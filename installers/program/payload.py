"""The source of an installation: a checkout, or an offline bundle made from one. Standard library only.

BUNDLE/bundle.json      what it is, for which system, and the hash of every wheel
BUNDLE/wheels/          our wheel and every package that it needs
BUNDLE/agents/          the agents (hosts/agents.py)
BUNDLE/run.py           `python3 run.py install` in this folder installs from it
BUNDLE/installers/
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from installers.errors import BadBundle, NotInstalled
from installers.hosts import agents
from installers.manifest import hash_of, write_file

BUNDLE_FILE = "bundle.json"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
_BESIDE = ("pyproject.toml", "README.md", "LICENSE", "run.py")


@dataclass
class Bundle:
    """The content of a bundle's file. `wheels` are names with SHA-256; without any, packages are downloaded."""

    name: str
    version: str
    identity: str
    agents: list[str]
    system: str = ""
    machine: str = ""
    python: str = ""
    wheels: dict[str, str] = field(default_factory=dict)
    panel_only: bool = False

    @classmethod
    def read(cls, folder: Path) -> Bundle:
        """Read the bundle in `folder`. Raises BadBundle, OSError."""
        try:
            return cls(**json.loads((folder / BUNDLE_FILE).read_text("utf-8")))
        except FileNotFoundError as error:
            raise BadBundle(
                f"{folder} is not a bundle.",
                f"It has no file {BUNDLE_FILE}, which is written last: making the bundle may have been interrupted.",
                "Make it again: python3 run.py install --bundle FOLDER",
            ) from error
        except (ValueError, TypeError) as error:
            raise BadBundle(f"The bundle {folder} cannot be read.", str(error), "Make or copy it again.") from error

    def write(self, folder: Path) -> None:
        """Write the bundle's file, which makes `folder` a bundle. Raises OSError."""
        write_file(folder / BUNDLE_FILE, as_json(asdict(self)))

    def check(self, folder: Path) -> None:
        """Raises BadBundle when the bundle is for another kind of machine or damaged. Raises OSError."""
        theirs, ours = (self.system, self.machine, self.python), this_machine()
        if theirs != ours:
            raise BadBundle(
                "The bundle is for another kind of machine.",
                f"It was made on {' '.join(theirs)}, and this is {' '.join(ours)}.",
                "Make it on a machine like this one, or run run.py with the bundle's Python version.",
            )
        for name, sha256 in self.wheels.items():
            found = hash_of(folder / "wheels" / name)
            if found != sha256:
                raise BadBundle(
                    f"The bundle is damaged: {name} {'is missing' if found is None else 'has changed'}.",
                    "It was not copied completely, or was changed.",
                    "Copy it again.",
                )


def this_machine() -> tuple[str, str, str]:
    """System, processor and Python version, which determine the wheels."""
    return sys.platform, platform.machine(), f"{sys.version_info[0]}.{sys.version_info[1]}"


def as_json(facts: dict) -> bytes:
    """Encode a small JSON file, indented for readers."""
    return (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode()


def is_checkout(root: Path) -> bool:
    """Whether `root` is a checkout of DynVFX (else it is a bundle, or an installed version's `setup` folder)."""
    return (root / "pyproject.toml").is_file()


def describe(root: Path) -> Bundle:
    """The description of a checkout as a bundle without wheels. Raises NotInstalled, OSError."""
    if not is_checkout(root):
        raise NotInstalled(
            f"{root} has no program to install.",
            "It is neither a checkout nor a bundle.",
            "Run this command in a checkout, or give a bundle: --from FOLDER",
        )
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    kinds = [kind for kind in agents.SOURCES if agents.has_agent(root, kind)]
    identity = f"{project['version']}-{_content_hash(root)[:8]}"
    return Bundle(project["name"], project["version"], identity, kinds)


def copy_source(root: Path, folder: Path) -> None:
    """Copy the sources of the wheel; building it in the checkout itself would leave files there. Raises OSError."""
    folder.mkdir(parents=True)
    for package in _packages(root):
        shutil.copytree(root / package, folder / package, ignore=_LEFT_OUT)
    for name in _BESIDE:
        if (root / name).exists():
            shutil.copyfile(root / name, folder / name)


def copy_setup(root: Path, folder: Path) -> None:
    """Copy this installer into a bundle or an installed version. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(root / "run.py", folder / "run.py")
    shutil.copytree(root / "installers", folder / "installers", ignore=_LEFT_OUT, dirs_exist_ok=True)


def wheel_hashes(folder: Path) -> dict[str, str]:
    """Name and SHA-256 of every wheel in a folder. Raises OSError."""
    return {each.name: hash_of(each) or "" for each in sorted(folder.glob("*.whl"))}


def _packages(root: Path) -> list[str]:
    """The folders that the wheel contains, from pyproject.toml."""
    tool = tomllib.loads((root / "pyproject.toml").read_text("utf-8")).get("tool", {})
    named = tool.get("setuptools", {}).get("packages", {}).get("find", {}).get("include", [])
    return [name for name in (each.rstrip("*") for each in named) if (root / name).is_dir()]


def _content_hash(root: Path) -> str:
    """A hash that changes with any file of the wheel or the agents."""
    total = hashlib.sha256()
    files = [path for package in _packages(root) for path in (root / package).rglob("*") if path.is_file()]
    files += [root / name for name in _BESIDE if (root / name).exists()]
    for path in sorted(files):
        if "__pycache__" not in path.parts and path.suffix != ".pyc":
            total.update(f"{path.relative_to(root).as_posix()} {hash_of(path)}\n".encode())
    return total.hexdigest()
