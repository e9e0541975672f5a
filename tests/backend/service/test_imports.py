"""What the service's process does without: everything that would make it start slowly, or that could bring it down."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "numpy", "PIL", "av", "cv2", "opentimelineio", "asyncio", "zmq.asyncio", "PyQt6", "diffusers"}


def imported_by(code: str) -> set[str]:
    code += "; import json, sys; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(ran.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", ["backend.__main__", "bridge.wire.client", "bridge.local.local_service"])
def test_service_and_clients_load_nothing_heavy(module: str):
    loaded = imported_by(f"import {module}")
    assert module in loaded
    assert loaded & HEAVY == set()
