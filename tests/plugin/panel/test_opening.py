"""Opening timelines in the panel: kinds, choices that files leave open, media, and many clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QApplication, QFileDialog, QInputDialog

from plugin.hosts import file_reading
from plugin.hosts.otio_files import OtioFiles
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.models.shot.openable import KINDS, can_be_opened
from plugin.panel.review.model import ReviewModel
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.window import PanelWindow
from tests.bridge.editorial import exported as ex
from tests.plugin.movies import write_movie
from tests.plugin.panel.fake_service import FakeServices
from tests.plugin.panel.immediate_background import ImmediateBackground

EDL = "001  AX  V  C  00:00:00:02 00:00:00:12 01:00:00:00 01:00:00:10\n* FROM CLIP NAME: street.mov\n"


class HeldBackground:
    """Keeps what it is given until `go`."""

    def __init__(self) -> None:
        self.kept: list[tuple[Callable, Callable, Callable]] = []

    def run(self, work: Callable, done: Callable, failed: Callable) -> None:
        self.kept.append((work, done, failed))

    def go(self) -> None:
        """Carry out all that waits, and what that starts."""
        while self.kept:
            ImmediateBackground().run(*self.kept.pop(0))

    def wait(self) -> None: ...


@pytest.fixture
def background() -> HeldBackground:
    return HeldBackground()


@pytest.fixture
def model(services: FakeServices, tmp_path: Path, background: HeldBackground) -> Iterator[PanelModel]:
    host = OtioFiles(tmp_path / "placed", background)
    model = PanelModel(host, services, SettingsStore(tmp_path / "panel"), background)
    yield model
    model.close()


@pytest.fixture
def window(qapp: QApplication, model: PanelModel, background: HeldBackground) -> Iterator[PanelWindow]:
    review = ReviewModel()
    window = PanelWindow(model, review, Thumbnails(background))
    yield window
    window.close()
    review.close()


def test_kinds_are_those_of_the_command_line() -> None:
    for suffix in (".edl", ".xml", ".fcpxml", ".aaf", ".otio", ".mov"):
        assert f"*{suffix}" in KINDS and can_be_opened(f"/x/a{suffix}")
    assert can_be_opened("/x/a.prproj") and not can_be_opened("/x/a.txt")


def test_opening_waits_in_the_background(model: PanelModel, background: HeldBackground, tmp_path: Path) -> None:
    write_movie(tmp_path / "street.mov", 24)
    (tmp_path / "cut.edl").write_text(EDL)
    model.shot.open(tmp_path / "cut.edl")
    assert model.shot.title == "Opening cut.edl…" and model.shot.clips == ()
    background.go()
    assert model.shot.title == "cut.edl" and model.shot.shot.source_start == 2
    assert [each.name for each in model.shot.clips] == ["street.mov"]


def test_a_project_says_how_to_export(model: PanelModel, background: HeldBackground, tmp_path: Path) -> None:
    (tmp_path / "cut.prproj").write_bytes(b"x")
    model.shot.open(tmp_path / "cut.prproj")
    background.go()
    assert "project of Premiere Pro" in model.shot.problem.what and "Export" in model.shot.problem.remedy
    assert model.shot.title == ""


def test_a_folder_of_media_is_named_and_remembered(
    window: PanelWindow, background: HeldBackground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = window.model
    (tmp_path / "far").mkdir()
    write_movie(tmp_path / "far" / "street.mov", 24)
    (tmp_path / "cut.edl").write_text(EDL)
    model.shot.open(tmp_path / "cut.edl")
    background.go()
    assert model.shot.shot is None and "no media" in model.shot.clips[0].error
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *given: str(tmp_path / "far"))
    window.shot_zone.media_button.click()
    background.go()
    assert model.shot.shot.media_path == str(tmp_path / "far" / "street.mov")
    source = model.host.source_of(model.shot.shot)
    assert source.media_folders == (str(tmp_path / "far"),)
    again = OtioFiles(tmp_path / "placed")
    again.open(tmp_path / "cut.edl")
    assert again.selected().shot.media_path == str(tmp_path / "far" / "street.mov")


def test_one_of_several_timelines_is_chosen(
    window: PanelWindow, background: HeldBackground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    movie = str(write_movie(tmp_path / "street.mov", 24))
    media, shown = ex.movie(movie, ex.span(0, 24, 24)), ex.span(2, 8, 24)
    cuts = [ex.timeline(ex.track(ex.clip1(name, media, shown)), name=f"reel {name}") for name in ("a", "b")]
    path = ex.write(tmp_path / "cuts.otio", {"OTIO_SCHEMA": "SerializableCollection.1", "name": "", "children": cuts})
    asked = []

    def choose(parent: object, title: str, text: str, names: list[str], *more: object) -> tuple[str, bool]:
        asked.append(names)
        return names[1], True

    monkeypatch.setattr(QInputDialog, "getItem", choose)
    window.model.shot.open(path)
    background.go()
    assert asked == [["1. reel a", "2. reel b"]]
    assert window.model.shot.shot.name == "b"
    assert window.model.host.source_of(window.model.shot.shot).timeline == "2"


def test_the_rate_of_an_edit_list_is_chosen(
    window: PanelWindow, background: HeldBackground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_movie(tmp_path / "street.mov", 24, Fraction(24))
    write_movie(tmp_path / "other.mov", 24, Fraction(25))
    second = EDL.replace("001", "002").replace("street", "other").replace("01:00:00", "01:00:01")
    (tmp_path / "cut.edl").write_text(EDL + second)
    monkeypatch.setattr(QInputDialog, "getItem", lambda *given: ("25", True))
    window.model.shot.open(tmp_path / "cut.edl")
    background.go()
    window.model.shot.choose(2)
    background.go()
    shot = window.model.shot.shot
    assert shot.frame_rate == 25 and window.model.host.source_of(shot).rate == "25"


def test_many_clips_ask_only_the_chosen_ones_media(
    window: PanelWindow, background: HeldBackground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    movies = [str(write_movie(tmp_path / f"{number}.mov", 24)) for number in range(3)]
    clips = [ex.clip1(f"shot {number:03d}", ex.movie(movies[number % 3]), ex.span(2, 8, 24)) for number in range(90)]
    path = ex.write(tmp_path / "cut.otio", ex.timeline(ex.track(*clips)))
    asked, probe = [], file_reading.probe
    monkeypatch.setattr(file_reading, "probe", lambda name, *rate: asked.append(name) or probe(name, *rate))
    window.model.shot.open(path)
    background.go()
    assert len(window.model.shot.clips) == 90 and asked == []
    window.model.shot.choose(50)
    assert window.model.shot.current == 50 and window.model.shot.shot is None and asked == []
    background.go()
    assert window.model.shot.shot.name == "shot 049" and set(asked) == {movies[1]}
    completer = window.shot_zone.clips.completer()
    completer.setCompletionPrefix("shot 04")
    assert completer.completionCount() == 10
