from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from installers.hosts.agents import assemble
from tests.plugin.resolve.films import Film

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip fsync: these tests write thousands of journal entries, and power cuts are not tested here."""
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture
def film(tmp_path: Path) -> Film:
    return Film(tmp_path / "film")


@pytest.fixture(scope="session")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agent as the installer assembles it; returns the folder that takes the place of Resolve's `Fusion`."""
    folder = tmp_path_factory.mktemp("agents")
    assert "resolve" in assemble(ROOT, folder)
    return folder / "resolve"


@pytest.fixture
def agent(assembled: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module `agent` of the assembled agent."""
    monkeypatch.syspath_prepend(str(assembled))
    yield importlib.import_module("DynVFX_agent.agent")
    for name in [each for each in sys.modules if each.partition(".")[0] == "DynVFX_agent"]:
        del sys.modules[name]
