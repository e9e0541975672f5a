"""The real Blenders that the tests drive: Debian's, with its window, and Blender as a Python module in other versions.

The modules are installed once, into the user's cache, outside of the checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import user_cache_path

from tests.plugin.blender.addon import assemble

ROOT = Path(__file__).resolve().parents[3]
INSIDE = Path(__file__).parent / "inside"
MODULES = ("4.2.0", "4.5.15", "5.0.1", "5.3.0")
SYSTEM = "system"
ALL = (SYSTEM, *MODULES)
_MARK = "@@ "


def _python_of(version: str) -> str:
    """The Python that a version of Blender is built for: a path where pyenv has it, else its number."""
    number = "3.11" if version < "5.1" else "3.13"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return str(next(iter(sorted(pyenv.glob(f"{number}.*/bin/python{number}"))), number))


def command_of(version: str) -> list[str]:
    """How to run a script in that Blender without a window; the script's path and `--` follow."""
    if version == SYSTEM:
        return [system_blender(), "-b", "--factory-startup", "--python-exit-code", "1", "--python"]
    return [str(module_python(version))]


def system_blender() -> str:
    """Path of the installed Blender."""
    found = shutil.which("blender")
    assert found, "Blender is not installed; `apt-get install blender` as root, or start the suite through run.py."
    return found


def module_python(version: str) -> Path:
    """The Python of an environment that has Blender as a module; the environment is created if it is missing."""
    folder = user_cache_path("dynvfx-tests") / f"bpy-{version}"
    python = folder / "bin" / "python"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        done = folder / "complete"
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            uv = [sys.executable, "-m", "uv"]
            subprocess.run([*uv, "venv", "-q", "--python", _python_of(version), str(folder)], check=True)
            subprocess.run([*uv, "pip", "install", "-q", "--python", str(python), f"bpy=={version}"], check=True)
            done.touch()
    return python


class Blender:
    """A Blender without a window that runs functions of the scripts in `inside`, one after the other."""

    def __init__(self, version: str, folder: Path) -> None:
        self.version = version
        addon = assemble(folder / "scripts" / "addons")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment.update(BLENDER_USER_CONFIG=str(folder / "config"), BLENDER_USER_SCRIPTS=str(addon.parents[1]))
        environment["OMP_NUM_THREADS"] = "1"
        self._log = open(folder / "blender.log", "wb")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [*command_of(version), str(INSIDE / "server.py"), "--", str(addon.parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            text=True,
            cwd=folder,
            start_new_session=True,
        )
        self.output: deque[str] = deque(maxlen=40)

    def call(self, function: str, *arguments: Any, **named: Any) -> Any:
        """Run "module.function" of `inside` with plain values and return its result. Raises AssertionError."""
        order = {"function": function, "arguments": arguments, "named": named}
        self._process.stdin.write(json.dumps(order, default=str) + "\n")
        self._process.stdin.flush()
        watchdog = threading.Timer(200, self._process.kill)
        watchdog.start()
        try:
            for line in self._process.stdout:
                if line.startswith(_MARK):
                    answer = json.loads(line[len(_MARK) :])
                    if "trace" in answer:
                        raise AssertionError(f"in Blender {self.version}:\n{answer['trace']}")
                    return answer["result"]
                self.output.append(line)
        finally:
            watchdog.cancel()
        raise AssertionError(f"Blender {self.version} ended ({self._process.wait()}):\n{''.join(self.output)}")

    def kill(self) -> None:
        """Send SIGKILL, like a crash; its child processes are left running."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it and its child processes."""
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process.stdout.close()
        self._log.close()
