"""Imports point one way, and no module imports itself through others.

plugin -> bridge <- backend -> dynvfx; plugin and backend -> media; all of them -> contract. Inside plugin: panel and
command line -> hosts, never back.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("contract", "media", "bridge", "backend", "dynvfx", "plugin", "installers")
QT = {"PyQt5", "PyQt6", "PySide2", "PySide6", "qtpy"}
TORCH = {"torch", "torchvision", "diffusers", "transformers"}
WIRE = {"zmq", "opentimelineio"}
FORBIDDEN = {
    "contract": {"media", "dynvfx", "bridge", "backend", "plugin", "installers", *TORCH, *WIRE, *QT},
    "media": {"dynvfx", "bridge", "backend", "plugin", "installers", *TORCH, *WIRE, *QT},
    "dynvfx": {"media", "bridge", "backend", "plugin", "installers", *WIRE, *QT},
    "bridge": {"media", "dynvfx", "backend", "plugin", "installers", *TORCH, *QT},
    "backend": {"plugin", "installers", *QT},
    "plugin": {"dynvfx", "backend", "installers", "torch"},
    "installers": {"contract", "media", "dynvfx", "bridge", "backend", "plugin", "torch", *QT},
}
# The command line starts a service, or runs a job in its own process.
EXCEPTIONS = {("plugin/cli/main.py", "backend")}
# Inside a package: what a room never imports.
ROOMS = {
    "plugin/hosts": {"plugin.panel", "plugin.cli", "plugin.review_page"},
    "plugin/panel": {"plugin.cli"},
    "plugin/review_media": {"plugin.hosts", "plugin.panel", "plugin.cli", "plugin.review_page"},
    "plugin/review_page": {"plugin.hosts", "plugin.panel", "plugin.cli"},
}
# Agents run in the host's own Python: the standard library and the host, nothing installed.
AGENTS = {"plugin/blender": {"bpy", "mathutils"}, "plugin/resolve": {"DaVinciResolveScript", "fusionscript"}}


def imports(path: Path, root: Path, top_level_only: bool = False) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything that a file imports; relative names are made absolute."""
    package = list(path.relative_to(root).with_suffix("").parts[:-1])
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8"), str(path)), top_level_only):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def _nodes(node: ast.AST, top_level_only: bool) -> Iterator[ast.AST]:
    """All nodes; with `top_level_only` those that run when the module is imported."""
    for child in ast.iter_child_nodes(node):
        deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        typing_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        if top_level_only and (deferred or typing_only):
            continue
        yield child
        yield from _nodes(child, top_level_only)


def sources(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).rglob("*.py"))


def wrong_directions(root: Path) -> list[str]:
    found = []
    for package in PACKAGES:
        for path in sources(root, package):
            name = path.relative_to(root).as_posix()
            for line, imported in imports(path, root):
                target = imported.partition(".")[0]
                if target in FORBIDDEN[package] and (name, target) not in EXCEPTIONS:
                    found.append(f"{name}:{line} imports {imported}")
    return found


def wrong_rooms(root: Path) -> list[str]:
    found = []
    for room, forbidden in ROOMS.items():
        for path in sources(root, room):
            for line, imported in imports(path, root):
                if any(imported == each or imported.startswith(each + ".") for each in forbidden):
                    found.append(f"{path.relative_to(root).as_posix()}:{line} imports {imported}")
    return found


def foreign_to_agents(root: Path) -> list[str]:
    found = []
    for folder, own in AGENTS.items():
        allowed = sys.stdlib_module_names | own
        own_modules = {each.stem for each in sources(root, folder)}
        for path in sources(root, folder):
            for line, imported in imports(path, root):
                known = imported.partition(".")[0] in allowed | own_modules
                if not known and not imported.startswith(folder.replace("/", ".")):
                    found.append(f"{path.relative_to(root).as_posix()}:{line} imports {imported}")
    return found


def import_cycle(root: Path, package: str) -> list[str]:
    """Modules of a package that import one another in a circle, empty when there is no such circle.

    Imports for type checkers and imports in functions count too.
    """
    names = {_module(path, root): path for path in sources(root, package)}
    graph = {}
    for name, path in names.items():
        # `from a import b` needs a.b when that is a module, else a.
        wanted = {imported if imported in names else imported.rpartition(".")[0] for _, imported in imports(path, root)}
        graph[name] = {target for target in wanted if target in names and target != name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def _module(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_imports_point_one_way() -> None:
    assert wrong_directions(ROOT) == []


def test_rooms_point_one_way() -> None:
    assert wrong_rooms(ROOT) == []


def test_agents_need_nothing_installed() -> None:
    assert foreign_to_agents(ROOT) == []


def test_run_needs_nothing_installed() -> None:
    known = sys.stdlib_module_names | {"installers"}
    for path in (ROOT / "run.py", *sources(ROOT, "installers")):
        names = [imported.partition(".")[0] for _, imported in imports(path, ROOT, top_level_only=True)]
        assert [name for name in names if name not in known] == [], path


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circles(package: str) -> None:
    assert sources(ROOT, package)
    assert import_cycle(ROOT, package) == []


def test_the_check_finds_what_it_looks_for(tmp_path: Path) -> None:
    files = {
        "dynvfx/a.py": "from bridge.take import Take",
        "bridge/__init__.py": "",
        "bridge/a.py": "def f():\n    import torch.nn",
        "bridge/b.py": "from . import c",
        "bridge/c.py": "from bridge import b",
        "backend/a.py": "import dynvfx.errors\nfrom plugin import x",
        "backend/b.py": "def f():\n    from backend import c",
        "backend/c.py": "import backend.b",
        "media/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from media import b",
        "media/b.py": "from media import a",
        "plugin/cli/main.py": "import backend, dynvfx",
        "plugin/panel/a.py": "from backend.service import run\nfrom bridge import take",
        "plugin/hosts/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from plugin.panel import a",
        "plugin/blender/agent.py": "import bpy, json, zmq\nfrom . import wire",
        "plugin/blender/wire.py": "import socket",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert wrong_directions(tmp_path) == [
        "bridge/a.py:2 imports torch.nn",
        "backend/a.py:2 imports plugin.x",
        "dynvfx/a.py:1 imports bridge.take.Take",
        "plugin/cli/main.py:1 imports dynvfx",
        "plugin/panel/a.py:1 imports backend.service.run",
    ]
    assert wrong_rooms(tmp_path) == ["plugin/hosts/a.py:3 imports plugin.panel.a"]
    assert foreign_to_agents(tmp_path) == ["plugin/blender/agent.py:1 imports zmq"]
    assert set(import_cycle(tmp_path, "bridge")) == {"bridge.b", "bridge.c"}
    assert set(import_cycle(tmp_path, "backend")) == {"backend.b", "backend.c"}
    assert set(import_cycle(tmp_path, "media")) == {"media.a", "media.b"}
    assert import_cycle(tmp_path, "dynvfx") == []
