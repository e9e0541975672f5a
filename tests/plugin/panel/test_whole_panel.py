"""The real window over a real backend with the shipped model: from the clip to the approved take in the timeline."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import opentimelineio as otio
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bridge.editorial.placement import write_timeline
from bridge.editorial.rates import as_time
from bridge.local.service_file import read_service_file
from contract.take import read_take
from plugin.panel.application import Panel
from plugin.panel.review.compare import Mode
from tests.plugin.panel.sample_takes import SAMPLE

PATIENCE = 1_800_000
"""Milliseconds that a step may take on a machine that is busy with something else."""


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    """A timeline with half a second of the sample shot, small, behind a gap."""
    folder = tmp_path / "project"
    folder.mkdir()
    rate = Fraction(24)
    with av.open(str(SAMPLE)) as source, av.open(str(folder / "path.mov"), "w") as sink:
        stream = sink.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 192, "yuv420p", 4_000_000
        for frame, _ in zip(source.decode(video=0), range(16), strict=False):
            picture = frame.to_ndarray(format="rgb24", width=320, height=192)
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        sink.mux(stream.encode())
    timeline = otio.schema.Timeline("cut", global_start_time=as_time(86400, rate))
    whole = otio.opentime.TimeRange(as_time(0, rate), as_time(16, rate))
    shown = otio.opentime.TimeRange(as_time(2, rate), as_time(12, rate))
    clip = otio.schema.Clip("path", otio.schema.ExternalReference(str(folder / "path.mov"), whole), shown)
    gap = otio.schema.Gap(duration=as_time(10, rate))
    timeline.tracks.append(otio.schema.Track("V1", [gap, clip], kind=otio.schema.TrackKind.Video))
    write_timeline(timeline, folder / "cut.otio")
    return folder / "cut.otio"


@pytest.fixture
def panel(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Panel]:
    monkeypatch.setenv("DYNVFX_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    made = Panel(qapp)
    made.model.settings.set("welcomed", True)
    yield made
    made.window.close()
    made.close()
    running = read_service_file(tmp_path / "home")
    if running is not None:
        os.kill(running.pid, signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.timeout(5400)
def test_from_the_clip_to_the_approved_take(panel: Panel, edit: Path, qtbot: QtBot, tmp_path: Path) -> None:
    window, model = panel.window, panel.model
    cards = lambda kind: [card for card in model.takes.cards if card.kind == kind]  # noqa: E731
    before = edit.read_bytes()
    window.show()
    window.begin(edit)
    qtbot.waitUntil(lambda: model.backend.ready and model.ask.estimate is not None, timeout=PATIENCE)
    assert dict(model.shot.facts)["Length"].startswith("12 frames")

    qtbot.keyClicks(window.ask_zone.instruction, "add a red ball on the left")
    window.ask_zone.quality_group.button(0).click()
    window.ask_zone.takes.setValue(2)
    qtbot.waitUntil(window.ask_zone.plan_button.isEnabled, timeout=PATIENCE)
    qtbot.mouseClick(window.ask_zone.plan_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: model.plan.state in ("ready", "failed"), timeout=PATIENCE)
    assert model.plan.state == "ready", model.plan.problem
    assert "red ball" in model.plan.target_object and not cards("take")

    caption = window.ask_zone.form.composite_caption
    caption.setPlainText(model.plan.composite_caption.rstrip(".") + ", in soft light.")
    assert model.plan.edited
    job = model.plan.job
    qtbot.mouseClick(window.ask_zone.generate_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: any(card.picture for card in cards("job")), timeout=PATIENCE)
    assert Path(cards("job")[0].picture).is_file()

    # The backend dies during a take; the panel shows it and restarts it, and the take continues.
    home = tmp_path / "home"
    killed = read_service_file(home).pid
    os.kill(killed, signal.SIGKILL)
    qtbot.waitUntil(lambda: not model.backend.ready and window.backend_banner.isVisible(), timeout=PATIENCE)
    assert "does not answer" in window.backend_banner.what.text()
    qtbot.waitUntil(lambda: model.backend.ready, timeout=PATIENCE)
    assert read_service_file(home).pid != killed
    qtbot.waitUntil(lambda: len(cards("take")) == 2, timeout=PATIENCE)
    qtbot.waitUntil(lambda: model.takes.jobs[job].job.state == "done", timeout=PATIENCE)

    # Compare, note, approve, place.
    window.takes_zone.choose(cards("take")[-1].row_id)
    window.takes_zone.act("review")
    qtbot.waitUntil(window.review.isVisible)
    review = panel.review
    qtbot.waitUntil(lambda: review.current is not None)
    for mode in Mode:
        review.compare.set(mode=mode)
    review.transport.seek(3)
    assert review.add_note("Warmer, please.", "look") is not None
    take = review.current
    folder = Path(next(each.folder for each in model.takes.entries.values() if each.take.id == take.id))
    qtbot.waitUntil(lambda: [note.text for note in read_take(folder).notes] == ["Warmer, please."], timeout=PATIENCE)
    qtbot.mouseClick(window.review.place_button, Qt.MouseButton.LeftButton)
    assert model.placements.current is not None, model.placements.problem
    qtbot.waitUntil(lambda: read_take(folder).status == "approved", timeout=PATIENCE)
    assert read_take(folder).plan.composite_caption.endswith("in soft light.")

    assert edit.read_bytes() == before
    tracks = otio.adapters.read_from_file(str(edit.with_name("cut.dynvfx.otio"))).video_tracks()
    assert len(tracks) == 2
    assert tracks[1].range_of_child_at_index(1) == tracks[0].range_of_child_at_index(1)
    placed = tracks[1][1]
    assert Path(placed.media_reference.target_url) == folder / "layer.mov" and len(placed.media_references()) == 2
    assert window.takes_zone.placement_line.text() == model.placements.status_text != ""
