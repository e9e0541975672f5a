"""The add-on's folder installed as an extension, in Blender 4.2 and later."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.plugin.blender.addon import assemble
from tests.plugin.blender.blenders import INSIDE, MODULES, module_python


@pytest.mark.parametrize("version", MODULES)
def test_built_installed_and_enabled_by_blender_itself(version: str, tmp_path: Path) -> None:
    source, out = assemble(tmp_path / "source"), tmp_path / "out"
    out.mkdir()
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [module_python(version), INSIDE / "extension.py", source, out],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "user"), "HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    modules, operators, text = json.loads(done.stdout.strip().splitlines()[-1])
    assert modules == ["bl_ext.user_default.dynvfx"], text
    assert "generate" in operators and "approve_and_place" in operators
    assert "rror" not in text
