"""The real window over the scriptable backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDropEvent
from PyQt6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from bridge.wire.messages import Approve, Submit
from contract.errors import Problem
from plugin.panel.application import Panel
from plugin.panel.models.backend.checks import ChecksModel
from plugin.panel.widgets.controls import Segment
from plugin.panel.widgets.theme import Theme
from tests.plugin.movies import write_movie
from tests.plugin.panel.fake_service import PLAN, FakeService, FakeServices

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def shown(
    qapp: QApplication, services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Path, until: Until
) -> Iterator[Panel]:
    monkeypatch.setenv("DYNVFX_HOME", str(tmp_path / "home"))
    panel = Panel(qapp, services=services)
    panel.model.settings.set("welcomed", True)
    panel.window.show()
    panel.window.begin(cut)
    until(lambda: panel.model.backend.ready and panel.model.ask.estimate is not None)
    yield panel
    panel.window.close()
    panel.close()


def test_plan_and_generate_by_keyboard(shown: Panel, service: FakeService, qtbot: QtBot, until: Until) -> None:
    window, model = shown.window, shown.model
    qtbot.keyClicks(window.ask_zone.instruction, "add a red balloon")
    qtbot.keyClick(window.ask_zone.instruction, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    until(lambda: bool(model.plan.job))
    assert window.ask_zone.form.waiting.isVisible() and not window.ask_zone.generate_button.isEnabled()
    service.plan(model.plan.job)
    until(lambda: model.plan.state == "ready")
    assert window.ask_zone.form.composite_caption.toPlainText() == PLAN.composite_caption
    window.ask_zone.form.objects.setText("dog")
    window.ask_zone.form.objects.editingFinished.emit()
    qtbot.keyClick(window, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    until(lambda: any(isinstance(each, Approve) for each in service.requests))
    assert next(each for each in service.requests if isinstance(each, Approve)).plan.source_objects == ("dog",)


def test_nothing_can_be_generated_by_mistake(shown: Panel, service: FakeService, qtbot: QtBot) -> None:
    window = shown.window
    assert not window.ask_zone.plan_button.isEnabled() and not window.ask_zone.generate_button.isEnabled()
    qtbot.keyClick(window, Qt.Key.Key_G, Qt.KeyboardModifier.ControlModifier)
    assert not any(isinstance(each, Submit) for each in service.requests)


def test_dropping_a_movie_opens_it(shown: Panel, tmp_path: Path, until: Until) -> None:
    movie = write_movie(tmp_path / "plate.mov")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(movie))])
    event = QDropEvent(
        QPointF(10, 10), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    shown.window.dropEvent(event)
    until(lambda: shown.model.shot.title == "plate.mov")
    assert shown.model.shot.title == "plate.mov" and shown.window.windowTitle() == "plate.mov – DynVFX"


def test_a_problem_is_shown_with_the_button_that_fixes_it(
    shown: Panel, service: FakeService, services: FakeServices, qtbot: QtBot, until: Until
) -> None:
    window = shown.window
    services.runs, services.missing = False, Problem("It could not be started.", "No disk.", "Free some.")
    service.die()
    until(lambda: window.backend_banner.isVisible())
    until(lambda: shown.model.backend.state == "missing")
    assert window.backend_banner.what.text() == "It could not be started." and not window.takes_zone.pause.isEnabled()
    services.missing = None
    qtbot.mouseClick(window.backend_banner.fix_button, Qt.MouseButton.LeftButton)
    until(lambda: shown.model.backend.ready)
    assert not window.backend_banner.isVisible()


@pytest.mark.parametrize("width", [380, 460, 700, 1400])
def test_nothing_is_cut_off_at_any_width(shown: Panel, service: FakeService, until: Until, width: int) -> None:
    window, model = shown.window, shown.model
    model.ask.instruction = "add a red balloon"
    model.make_plan()
    until(lambda: bool(model.plan.job))
    service.plan(model.plan.job)
    model.ask.model = "zai-org/CogVideoX-5b"
    model.ask.draw_region((0.1, 0.1, 0.5, 0.5))
    until(lambda: model.plan.state == "ready")
    window.resize(width, 900)
    QApplication.processEvents()
    inside = window.zones.scroll_area.widget()
    assert inside.minimumSizeHint().width() <= window.zones.scroll_area.viewport().width()
    assert window.ask_zone.buttons.isVisible() and window.width() == width


def longer(text: str) -> str:
    """A text that is about half as long again."""
    return " ".join(word + "en" * (1 + len(word) // 6) for word in text.split(" "))


def lengthen(page: QWidget) -> None:
    """Give every label and button of a page a longer text."""
    for each in [*page.findChildren(QLabel), *page.findChildren(QAbstractButton)]:
        if not isinstance(each, Segment):
            each.setText(longer(each.text()))


def test_longer_texts_fit_the_narrowest_window(
    qapp: QApplication, services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Path, until: Until
) -> None:
    monkeypatch.setenv("DYNVFX_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(ChecksModel, "run", lambda self: None)
    segment = Segment.__init__
    monkeypatch.setattr(Segment, "__init__", lambda self, text: segment(self, longer(text)))
    panel = Panel(qapp, services=services)
    window, model = panel.window, panel.model
    window.show()
    window.begin(cut)
    window.resize(380, 900)
    until(lambda: model.backend.ready and model.ask.estimate is not None)
    welcome = window.welcome
    lengthen(welcome)
    assert welcome.widget().minimumSizeHint().width() <= welcome.viewport().width()
    window.pages.setCurrentWidget(window.main)
    model.ask.model = "zai-org/CogVideoX-5b"
    lengthen(window.main)
    QApplication.processEvents()
    inside = window.zones.scroll_area.widget()
    assert inside.minimumSizeHint().width() <= window.zones.scroll_area.viewport().width() and window.width() == 380
    assert "Generateenen" in [button.text() for button in window.main.findChildren(QPushButton)]
    texts = [button.text() for button in window.ask_zone.quality_group.buttons()]
    assert texts[0] == "Draften" and texts[2].endswith("…")
    assert window.ask_zone.quality_group.button(2).accessibleName() == "Referenceenen"
    window.close()
    panel.close()


def test_state_survives_a_restart(
    qapp: QApplication, services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Path, until: Until
) -> None:
    monkeypatch.setenv("DYNVFX_HOME", str(tmp_path / "home"))
    first = Panel(qapp, services=services)
    first.model.settings.set("welcomed", True)
    first.window.show()
    first.window.begin(cut)
    until(lambda: first.model.shot.shot is not None)
    first.model.ask.instruction, first.model.ask.takes, first.model.ask.seed_locked = "add fire", 3, True
    seed = first.model.ask.seed
    first.model.history.add("add snow")
    first.window.resize(512, 800)
    first.window.close()
    first.close()
    second = Panel(qapp, services=services)
    second.window.show()
    second.window.begin()
    until(lambda: second.model.shot.shot is not None)
    assert second.model.shot.title == "cut.otio" and second.model.shot.shot.name == "street"
    assert (second.model.ask.instruction, second.model.ask.takes, second.model.ask.seed) == ("add fire", 3, seed)
    assert second.model.history.entries == ("add snow",) and second.window.width() == 512
    second.window.close()
    second.close()


def test_the_first_start_checks_and_continues(
    qapp: QApplication, services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setenv("DYNVFX_HOME", str(tmp_path / "home"))
    panel = Panel(qapp, services=services)
    ran = []
    monkeypatch.setattr(ChecksModel, "run", lambda self: ran.append(self))
    panel.window.show()
    panel.window.begin()
    until(lambda: panel.model.backend.ready)
    assert ran and panel.window.pages.currentWidget() is panel.window.welcome
    panel.window.welcome.sample_button.click()
    assert panel.window.pages.currentWidget() is panel.window.main
    until(lambda: panel.model.shot.shot is not None)
    assert panel.model.shot.title == "garden_path.mp4" and panel.model.ask.instruction
    panel.window.close()
    panel.close()


def test_the_theme_follows_a_host() -> None:
    light = Theme.following({"window": "#e8e8e8", "accent": "no colour"})
    assert light.window == "#e8e8e8" and light.accent == Theme().accent and light.text == "#1d1e20"
    assert Theme.following({"window": "#303030", "text": "#eeeeee"}).text == "#eeeeee"
    assert Theme.following({}) == Theme()
