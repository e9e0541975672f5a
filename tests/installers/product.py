"""A minimal product with DynVFX's modules: its checkouts and bundles, in any version."""

from __future__ import annotations

import base64
import hashlib
import shutil
import zipfile
from pathlib import Path

from installers.hosts import agents
from installers.program import payload

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("msgspec", "numpy", "opentimelineio", "zmq", "av", "torch", "torchvision", "diffusers", "transformers")


def write_checkout(root: Path, version: str = "1.0", *, files: dict[str, str] | None = None) -> Path:
    """A checkout of the small product with this installer and additional `files`."""
    program = f"import sys\n\ndef main():\n    print('dynvfx {version}')\n\nif __name__ == '__main__':\n    main()\n"
    contents = {
        "pyproject.toml": f'[project]\nname = "dynvfx"\nversion = "{version}"\n\n'
        '[tool.setuptools.packages.find]\ninclude = ["plugin*", "backend*", "installers*"]\n',
        "README.md": "a small product\n",
        "LICENSE": "GPL-3.0-or-later\n",
        "plugin/__init__.py": "",
        "plugin/cli/main.py": program,
        "plugin/panel/__init__.py": "",
        "plugin/panel/__main__.py": f"print('panel {version}')\n",
        "plugin/hosts/agent_link.py": f"LINK = '{version}'\n",
        "plugin/blender/__init__.py": f"bl_info = {{'name': 'DynVFX', 'version': '{version}'}}\n",
        "plugin/blender/strips.py": "",
        "plugin/blender/tests/test_strips.py": "",
        "plugin/resolve/DynVFX.py": f"# DynVFX\nprint('{version}')\n",
        "plugin/resolve/cuts.py": "",
        "backend/__init__.py": "",
        "backend/__main__.py": "",
        **(files or {}),
    }
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    shutil.copyfile(ROOT / "run.py", root / "run.py")
    shutil.copytree(
        ROOT / "installers", root / "installers", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )
    return root


def write_bundle(root: Path, folder: Path) -> Path:
    """A bundle of a small checkout as `--bundle` makes it, without running a build tool."""
    bundle = payload.describe(root)
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    modules = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for package in ("plugin", "backend")
        for path in (root / package).rglob("*.py")
    }
    extras = {"panel": ["needed-modules"], "backend": ["needed-modules"]}
    write_wheel(wheels, "dynvfx", bundle.version, modules, extras, {"dynvfx": "plugin.cli.main:main"})
    needed = {f"{name}.py": b"" for name in NEEDED}
    write_wheel(wheels, "needed-modules", "1.0", {**needed, "PyQt6/__init__.py": b"", "PyQt6/QtCore.py": b""})
    agents.assemble(root, folder / "agents")
    payload.copy_setup(root, folder)
    bundle.system, bundle.machine, bundle.python = payload.this_machine()
    bundle.wheels = payload.wheel_hashes(wheels)
    bundle.write(folder)
    return folder


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    files: dict[str, bytes],
    extras: dict[str, list[str]] | None = None,
    scripts: dict[str, str] | None = None,
    tag: str = "py3-none-any",
) -> Path:
    """A wheel with `files`; `extras` are requirements by extra, `scripts` commands with their functions."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    for extra, needed in (extras or {}).items():
        metadata += f"Provides-Extra: {extra}\n"
        metadata += "".join(f"Requires-Dist: {each}; extra == '{extra}'\n" for each in needed)
    contents = {
        **files,
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    if scripts:
        lines = "".join(f"{command} = {function}\n" for command, function in scripts.items())
        contents[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}".encode()
    rows = [f"{path},sha256={_digest(content)},{len(content)}\n" for path, content in contents.items()]
    path = folder / f"{name.replace('-', '_')}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, content in contents.items():
            archive.writestr(each, content)
        archive.writestr(f"{info}/RECORD", "".join(rows) + f"{info}/RECORD,,\n")
    return path


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
