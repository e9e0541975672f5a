from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test works in a folder of its own, logs into it, and has a service and keys of its own and no assistant."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("DYNVFX_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("DYNVFX_HOME", str(tmp_path / "home"))
    for name in ("URL", "KEY", "MODEL"):
        monkeypatch.delenv(f"DYNVFX_ASSISTANT_{name}", raising=False)
    for name in ("BACKEND", "BACKEND_KEY"):
        monkeypatch.delenv(f"DYNVFX_{name}", raising=False)
