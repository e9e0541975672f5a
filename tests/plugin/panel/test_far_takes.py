"""Whole takes in the panel's models over a remote backend without shared files."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
from pytestqt.qtbot import QtBot

from bridge.editorial.placement import write_timeline
from bridge.editorial.rates import as_time
from bridge.local.folders import key_folder
from bridge.wire.keys import KeyFolder
from contract.take import read_take
from plugin.hosts.otio_files import OtioFiles
from plugin.panel.background import Background
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.models.panel.reviewing import Reviewing
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.review.follow_up import FollowUp
from plugin.panel.review.mask_paint import MaskPaint
from plugin.panel.review.model import ReviewModel
from plugin.panel.user_backends import UserBackends
from plugin.review_media.pictures import Picture
from tests.backend.jobs.small_jobs import FRAMES, HEIGHT, INSTRUCTION, RATE, WIDTH, write_movie
from tests.backend.service.running import RunningService, running

PATIENCE = 120_000
REGION = (0.05, 0.1, 0.6, 0.9)


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A remote backend without media roots."""
    with running(tmp_path_factory.mktemp("far") / "home", worker="tests.backend.worker.small_worker") as service:
        yield service


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    """A timeline with the movie behind a gap."""
    folder = tmp_path / "project"
    folder.mkdir()
    movie, rate = write_movie(folder / "street.mp4"), Fraction(RATE)
    whole = otio.opentime.TimeRange(as_time(0, rate), as_time(FRAMES, rate))
    clip = otio.schema.Clip("street", otio.schema.ExternalReference(str(movie), whole), whole)
    timeline = otio.schema.Timeline("cut", global_start_time=as_time(0, rate))
    gap = otio.schema.Gap(duration=as_time(5, rate))
    timeline.tracks.append(otio.schema.Track("V1", [gap, clip], kind=otio.schema.TrackKind.Video))
    write_timeline(timeline, folder / "cut.otio")
    return folder / "cut.otio"


@pytest.fixture
def panel(qapp: object, far: RunningService, tmp_path: Path) -> Iterator[PanelModel]:
    home = tmp_path / "here"
    home.mkdir(mode=0o700)
    own = KeyFolder(key_folder(home)).client_pair().public
    KeyFolder(key_folder(far.home)).authorize(own, "artist")
    settings, background = SettingsStore(home / "panel"), Background()
    settings.set("service_address", far.found.address)
    settings.set("service_key", far.found.key)
    model = PanelModel(OtioFiles(tmp_path / "placed"), UserBackends(home, settings), settings, background)
    yield model
    model.close()
    background.wait()


@pytest.mark.timeout(300)
def test_from_the_clip_to_the_placed_follow_up(panel: PanelModel, edit: Path, qtbot: QtBot) -> None:
    travelled: list[str] = []
    panel.transfers.changed.connect(lambda _: travelled.extend(row.key for row in panel.transfers.rows))
    panel.begin(edit)
    qtbot.waitUntil(lambda: panel.shot.shot is not None, timeout=PATIENCE)
    panel.ask.instruction, panel.ask.quality = INSTRUCTION, "draft"
    panel.ask.draw_region(REGION)
    qtbot.waitUntil(lambda: not panel.plan_hindrance and panel.backend.ready, timeout=PATIENCE)
    panel.make_plan()
    qtbot.waitUntil(lambda: panel.plan.state in ("ready", "failed"), timeout=PATIENCE)
    assert panel.plan.state == "ready", panel.plan.problem
    panel.plan.composite_caption = "a grey street with a very red balloon"
    panel.generate()
    qtbot.waitUntil(lambda: len(panel.takes.entries) == 1, timeout=PATIENCE)
    entry = next(iter(panel.takes.entries.values()))
    record = read_take(entry.folder)
    assert record.plan.composite_caption == "a grey street with a very red balloon"
    assert record.request["region"] == pytest.approx(REGION)
    assert {each.partition(":")[0] for each in travelled} == {"shot", "take"} and panel.transfers.rows == ()

    # Review: a note, and a follow-up with a painted matte. The note is in the downloaded record as well.
    review = ReviewModel()
    reviewing = Reviewing(panel, review)
    reviewing.feed()
    review.pick(entry.take.id)
    review.add_note("Redder, please.", "look")
    assert [note.text for note in read_take(entry.folder).notes] == ["Redder, please."]
    paint = MaskPaint()
    paint.begin_empty(3, Picture(np.zeros((HEIGHT, WIDTH, 4), np.uint8), WIDTH, HEIGHT))
    paint.brush = 0.25
    paint.stroke((0.3, 0.5), (0.6, 0.5))
    assert review.ask_follow_up(FollowUp(INSTRUCTION, mask=paint.png(), mask_frame=3))
    failed = lambda: any(each.job.failure for each in panel.takes.jobs.values())  # noqa: E731
    qtbot.waitUntil(lambda: len(panel.takes.entries) == 2 or failed(), timeout=PATIENCE)
    assert panel.problem is None and not failed()
    child = next(each for each in panel.takes.entries.values() if each.take.parent == entry.take.id)
    assert child.take.plan == entry.take.plan and read_take(child.folder).id == child.take.id

    # Place: from the downloaded files.
    panel.decisions.approve_and_place(child.take.id)
    qtbot.waitUntil(lambda: read_take(child.folder).status == "approved", timeout=PATIENCE)
    tracks = otio.adapters.read_from_file(str(edit.with_name("cut.dynvfx.otio"))).video_tracks()
    assert tracks[1].range_of_child_at_index(1) == tracks[0].range_of_child_at_index(1)
    placed = tracks[1][1]
    assert Path(placed.media_reference.target_url).parent == Path(child.folder) and len(placed.media_references()) == 2
    review.close()


@pytest.mark.timeout(300)
def test_takes_of_other_shots_stay_where_they_are(
    panel: PanelModel, edit: Path, qtbot: QtBot, tmp_path: Path, far: RunningService
) -> None:
    panel.begin(edit)
    panel.ask.instruction, panel.ask.quality = INSTRUCTION, "draft"
    qtbot.waitUntil(lambda: not panel.plan_hindrance and panel.backend.ready, timeout=PATIENCE)
    panel.make_plan()
    qtbot.waitUntil(lambda: panel.plan.state == "ready", timeout=PATIENCE)
    panel.generate()
    qtbot.waitUntil(lambda: len(panel.takes.entries) == 1, timeout=PATIENCE)
    other = write_movie(tmp_path / "other.mp4")
    settings, background = SettingsStore(tmp_path / "here" / "second"), Background()
    for name in ("service_address", "service_key"):
        settings.set(name, panel.settings.get(name, ""))
    second = PanelModel(OtioFiles(tmp_path / "two"), UserBackends(tmp_path / "here", settings), settings, background)
    second.begin(other)
    qtbot.waitUntil(lambda: bool(second.finished._there), timeout=PATIENCE)
    assert second.transfers.rows == () and second.takes.entries == {}
    second.shot.open(edit)
    qtbot.waitUntil(lambda: len(second.takes.entries) == 1, timeout=PATIENCE)
    second.close()
    background.wait()
