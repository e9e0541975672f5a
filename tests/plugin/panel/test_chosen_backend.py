"""Which backend the panel uses: its settings, DYNVFX_BACKEND, or this machine's own, where one is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QApplication

from bridge.local.backend_packages import BackendNotInstalled, missing_packages
from bridge.local.named_backend import NamedBackend, named_backend
from contract.errors import BadUsage
from plugin.panel.models.backend.backend import BackendModel
from plugin.panel.models.backend.checks import ChecksModel
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.user_backends import UserBackends
from plugin.panel.widgets.settings import SettingsDialog
from tests.panel_only import PanelOnly
from tests.plugin.hosts.agent_driver import AgentProcess, write_project
from tests.plugin.panel.fake_service import FakeServices
from tests.plugin.panel.immediate_background import ImmediateBackground

Until = Callable[[Callable[[], bool]], None]
KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
OTHER = "0Gg=yaFz#]af!o}WG1QgseV$&+vSJh08.^P5]#&e"


@pytest.fixture
def settings(tmp_path: Path) -> SettingsStore:
    return SettingsStore(tmp_path / "home" / "panel")


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> NamedBackend:
    monkeypatch.setenv("DYNVFX_BACKEND", "gpu-box:47800")
    monkeypatch.setenv("DYNVFX_BACKEND_KEY", KEY)
    return NamedBackend("tcp://gpu-box:47800", KEY)


def where(settings: SettingsStore, tmp_path: Path) -> tuple[str, str, bool] | None:
    (tmp_path / "home").chmod(0o700)
    found = UserBackends(tmp_path / "home", settings).find()
    return None if found is None else (found.address, found.key, found.local)


def test_the_environment_names_the_panel_s_backend(settings: SettingsStore, named: NamedBackend, tmp_path: Path):
    assert where(settings, tmp_path) == (named.address, named.key, False)


def test_the_settings_outrank_the_environment(settings: SettingsStore, named: NamedBackend, tmp_path: Path):
    settings.set("service_address", "tcp://render01:5757")
    settings.set("service_key", OTHER)
    assert where(settings, tmp_path) == ("tcp://render01:5757", OTHER, False)
    settings.set("service_address", "")
    settings.set("service_here", True)
    assert where(settings, tmp_path) is None


@pytest.mark.parametrize(
    ("address", "key", "mentioned"),
    [
        ("gpu-box:47800", "", "DYNVFX_BACKEND_KEY is missing"),
        ("", KEY, "DYNVFX_BACKEND is missing"),
        ("gpu-box", KEY, "DYNVFX_BACKEND: 'gpu-box' is not an address"),
        ("gpu-box:99999", KEY, "DYNVFX_BACKEND: 'gpu-box:99999' is not an address"),
        ("gpu-box:1", "short", "DYNVFX_BACKEND_KEY: 'short' is not a key"),
    ],
)
def test_a_wrong_variable_is_named(address: str, key: str, mentioned: str):
    with pytest.raises(BadUsage, match=mentioned):
        named_backend({"DYNVFX_BACKEND": address, "DYNVFX_BACKEND_KEY": key})


def test_the_dialog_shows_the_variable_and_keeps_another_choice(
    qapp: QApplication, settings: SettingsStore, named: NamedBackend, tmp_path: Path
):
    dialog = SettingsDialog(settings)
    assert "gpu-box:47800 (from DYNVFX_BACKEND)" in dialog.where.currentText() and not dialog.address.isEnabled()
    dialog._keep()  # another setting was changed
    assert where(settings, tmp_path) == (named.address, named.key, False)
    dialog.where.setCurrentIndex(dialog.where.findData("here"))
    dialog._keep()
    assert where(settings, tmp_path) is None
    assert SettingsDialog(settings).where.currentData() == "here"


def test_a_choice_made_without_the_variable_does_not_hide_it_later(
    qapp: QApplication, settings: SettingsStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("DYNVFX_BACKEND", raising=False)
    SettingsDialog(settings)._keep()
    assert where(settings, tmp_path) is None
    monkeypatch.setenv("DYNVFX_BACKEND", "tcp://[::1]:47800")
    monkeypatch.setenv("DYNVFX_BACKEND_KEY", KEY)
    assert where(settings, tmp_path) == ("tcp://[::1]:47800", KEY, False)


def test_the_check_examines_the_panel_s_backend(qapp: QApplication, settings: SettingsStore, named: NamedBackend):
    checks = ChecksModel(backend=lambda: NamedBackend("tcp://render01:5757", OTHER))
    assert checks._environment().value("DYNVFX_BACKEND") == "tcp://render01:5757"
    assert ChecksModel(backend=lambda: None)._environment().value("DYNVFX_BACKEND") == ""


@pytest.mark.parametrize("problem", [BackendNotInstalled("Only the panel.", "", "Name one."), BadUsage("Wrong.")])
def test_what_another_start_cannot_mend_leads_to_the_settings(
    qapp: QApplication, services: FakeServices, problem: BackendNotInstalled | BadUsage, until: Until
):
    services.runs, services.missing = False, problem
    model = BackendModel(services, ImmediateBackground())
    model.begin()
    assert (model.state, model.fix, model.headline) == ("missing", "settings", problem.what)
    model.close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    made = AgentProcess(write_project(tmp_path / "project"))
    yield made
    made.close()


def test_nothing_is_missing_in_a_complete_installation():
    assert missing_packages() == []


@pytest.mark.slow
def test_the_first_generate_of_an_application_says_what_is_needed(agent: AgentProcess, tmp_path: Path):
    """The panel that Blender starts, where only the panel's packages are installed."""
    installed = PanelOnly(tmp_path / "env")
    (tmp_path / "home").mkdir(mode=0o700, exist_ok=True)
    agent.do(
        "start_panel",
        command=[str(installed.python), "-I", "-m", "plugin.panel", "--agent", "--hidden"],
        environment={"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": "", "DYNVFX_HOME": str(tmp_path / "home")},
        log=str(tmp_path / "panel.txt"),
    )
    agent.wait(lambda: (agent.last("state") or {}).get("backend", {}).get("state") == "missing" or None, 60)
    text = agent.last("state")["backend"]["text"]
    assert "only the panel is installed" in text and "python3 run.py install" in text
    agent.do("call", method="generate", params={"uids": ["strip-1"], "instruction": "add fire"})
    problem = agent.wait(lambda: agent.last("problem"), 60)
    assert "not ready" in problem[1]  # its reason is the backend's text above
