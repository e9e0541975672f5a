from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import QCoreApplication, QElapsedTimer  # noqa: E402

from plugin.hosts.otio_files import OtioFiles  # noqa: E402
from plugin.panel.models.panel.panel_model import PanelModel  # noqa: E402
from plugin.panel.models.settings_store import SettingsStore  # noqa: E402
from tests.plugin.movies import write_cut  # noqa: E402
from tests.plugin.panel.fake_service import FakeService, FakeServices  # noqa: E402
from tests.plugin.panel.immediate_background import ImmediateBackground  # noqa: E402


@pytest.fixture
def until(qapp: QCoreApplication) -> Callable[[Callable[[], bool]], None]:
    """Process events until a condition holds; fails after five seconds."""

    def wait(condition: Callable[[], bool]) -> None:
        clock = QElapsedTimer()
        clock.start()
        while not condition():
            assert clock.elapsed() < 5000, "It did not come to that."
            QCoreApplication.processEvents()

    return wait


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
def services(service: FakeService) -> FakeServices:
    return FakeServices(service)


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return write_cut(folder)


@pytest.fixture
def panel(qapp: QCoreApplication, services: FakeServices, tmp_path: Path) -> Iterator[PanelModel]:
    settings = SettingsStore(tmp_path / "panel")
    model = PanelModel(OtioFiles(tmp_path / "placed"), services, settings, ImmediateBackground())
    yield model
    model.close()
