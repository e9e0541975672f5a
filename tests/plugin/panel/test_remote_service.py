"""The panel's models over a real remote backend: files are transferred, and keys are required."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from bridge.local.folders import key_folder
from bridge.wire.keys import KeyFolder
from contract.take import read_take
from plugin.hosts.otio_files import OtioFiles
from plugin.panel.background import Background
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.user_backends import UserBackends
from tests.backend.service.running import RunningService

PATIENCE = 120_000


@pytest.fixture
def far(tmp_path: Path) -> Iterator[RunningService]:
    service = RunningService(tmp_path / "far", "--media-root", str(tmp_path / "nothing-of-ours"))
    (tmp_path / "nothing-of-ours").mkdir()
    service.start()
    yield service
    service.close()


@pytest.fixture
def panel(qapp: object, far: RunningService, tmp_path: Path) -> Iterator[PanelModel]:
    (tmp_path / "here").mkdir(mode=0o700)
    settings, background = SettingsStore(tmp_path / "here" / "panel"), Background()
    settings.set("service_address", far.found.address)
    settings.set("service_key", far.found.key)
    services = UserBackends(tmp_path / "here", settings)
    model = PanelModel(OtioFiles(tmp_path / "placed"), services, settings, background)
    yield model
    model.close()
    background.wait()


@pytest.mark.timeout(300)
def test_files_are_transferred(panel: PanelModel, far: RunningService, cut: Path, qtbot: QtBot, tmp_path: Path) -> None:
    panel.begin(cut)
    qtbot.waitUntil(lambda: panel.backend.state == "refused", timeout=PATIENCE)
    assert panel.backend.fix == "settings"
    own = KeyFolder(key_folder(tmp_path / "here")).client_pair().public
    KeyFolder(key_folder(far.home)).authorize(own, "artist")
    panel.backend.fix_now()
    qtbot.waitUntil(lambda: panel.backend.ready, timeout=PATIENCE)
    assert not panel.backend.local

    panel.ask.instruction = "add nothing steps=3"
    qtbot.waitUntil(lambda: not panel.plan_hindrance, timeout=PATIENCE)
    panel.make_plan()
    qtbot.waitUntil(lambda: panel.plan.state in ("ready", "failed"), timeout=PATIENCE)
    assert panel.plan.state == "ready", panel.plan.problem
    job = panel.takes.jobs[panel.plan.job].job
    assert job.source == "shot.otio"
    panel.generate()
    qtbot.waitUntil(lambda: len(panel.takes.entries) == 1, timeout=PATIENCE)
    entry = next(iter(panel.takes.entries.values()))
    assert Path(entry.folder) == cut.parent / "cut dynvfx" / job.id / "takes" / "01"
    assert read_take(entry.folder).id == entry.take.id
    panel.decisions.set_status(entry.take.id, "approved")
    qtbot.waitUntil(lambda: read_take(entry.folder).status == "approved", timeout=PATIENCE)
