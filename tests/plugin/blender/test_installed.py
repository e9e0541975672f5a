"""The add-on as the installer builds and enables it, in the installed Blender: its panel opens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from installers.hosts.agents import assemble, installed_files, panel_command
from installers.hosts.blender_addon import switch_on
from installers.hosts.found_hosts import FoundHost
from installers.manifest import Manifest
from tests.plugin.blender.addon import ROOT
from tests.plugin.blender.blenders import INSIDE, system_blender
from tests.plugin.blender.chain import users_service


@pytest.mark.slow
def test_the_installed_add_on_reaches_its_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = tmp_path / "Zoë Müller"
    user.mkdir()
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(user))
    program = Path(system_blender())
    addons = Path(blender_says(program, "bpy.utils.user_resource('SCRIPTS', path='addons', create=True)"))
    assert addons.is_relative_to(user)
    with users_service(user / "dynvfx") as home:
        assemble(ROOT, tmp_path / "assembled")
        environment = {"QT_QPA_PLATFORM": "offscreen", "DYNVFX_HOME": str(home), "CUDA_VISIBLE_DEVICES": ""}
        command = panel_command(Path(sys.executable), environment)
        for path, content in installed_files("blender", tmp_path / "assembled", addons, command).items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        reply: list[str] = []
        host = FoundHost("blender-3.4", "blender", "Blender 3.4", addons, program)
        switch_on([host], Manifest(tmp_path / "manifest.json"), reply.append)
        assert "enabled" in reply[0]
        done = subprocess.run(
            [program, "-b", "--python-exit-code", "1", "--python", INSIDE / "installed.py"],
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.partition("@@ ")[2].splitlines()[0])
    assert found["enabled"] == [True, True] and Path(found["file"]).is_relative_to(addons)
    assert found["problem"] is None and found["connected"]
    assert found["backend"]["state"] in ("ready", "starting") and found["backend"]["text"]
    assert found["panel"][0] == sys.executable and not any("TOKEN" in each for each in found["panel"])


def blender_says(program: Path, expression: str) -> str:
    """The value of an expression in that Blender."""
    code = f"import bpy; print('@@ ' + {expression})"
    done = subprocess.run([program, "-b", "--python-expr", code], capture_output=True, text=True, timeout=100)
    return done.stdout.partition("@@ ")[2].splitlines()[0]
