"""The assembled agent on the double, the real panel process and the real backend: from the clip to the placed take."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest

from contract.take import read_take
from media.probe import probe
from tests.backend.service.running import RunningService, running
from tests.plugin.resolve.conftest import ROOT
from tests.plugin.resolve.double.state import pool_items
from tests.plugin.resolve.films import Film, without_ours

INSTRUCTION = "add a red balloon on the left"
FRAMES = 30


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    """The user's own backend, with models that make a take in a second."""
    with running(tmp_path / "home", "--media-root", "/", worker="tests.backend.worker.small_worker") as service:
        yield service


def write_grey(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(24), options={"crf": "8"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for index in range(FRAMES):
            picture = np.full((32, 48, 3), 100 + index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_from_the_clip_to_the_take_above_it(
    agent: ModuleType, film: Film, service: RunningService, tmp_path: Path
) -> None:
    film.tracks(2)
    media = film.media("street.mov", FRAMES)
    write_grey(Path(media.path))
    item = film.clip(at=5, frames=8, first=3, media=media)
    film.clip("title.mov", at=40, frames=50, track=2)
    film.timeline.playhead = item.start + 2
    film.world.probe = imported
    film.world.save()
    before = film.world.snapshot()
    here = tmp_path / "DynVFX_agent"
    here.mkdir()
    command = [sys.executable, "-m", "tests.plugin.panel.robot_artist", str(tmp_path / "report.json"), INSTRUCTION]
    environment = {"DYNVFX_HOME": str(service.home), "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    (here / "panel_command.json").write_text(json.dumps({"command": command, "environment": environment}))
    lines: list[str] = []
    assert agent.run(film.world.resolve, str(here), lines.append) == 0 and lines == []
    reply = json.loads((tmp_path / "report.json").read_text())
    assert "problem" not in reply
    assert "Read back and confirmed" in reply["sentence"] and "V2" in reply["sentence"]
    # In the timeline: one more video item, exactly above the clip.
    after = film.world.snapshot()
    uids = {each.uid for track in before.timelines[0].tracks["video"] for each in track.items}
    placed = [each for track in after.timelines[0].tracks["video"] for each in track.items if each.uid not in uids]
    assert [(each.start, each.duration, each.first) for each in placed] == [(item.start, item.duration, 0)]
    layer = next(each for each in pool_items(after) if each.uid == placed[0].pool)
    assert layer.properties["Alpha mode"] == "Straight" and layer.path == str(Path(reply["folder"]) / "layer.mov")
    assert without_ours(after, {placed[0].uid}) == before
    # On disk: the kind of layer that Resolve composites correctly.
    with av.open(layer.path) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.codec_tag, stream.codec_context.pix_fmt) == ("ap4h", "yuva444p12le")
        pictures = [frame.to_ndarray(format="rgba") for frame in container.decode(stream)]
    assert len(pictures) == 8 and all(each[..., 3].max() > 200 and each[..., 3].min() == 0 for each in pictures)
    take = read_take(reply["folder"])
    assert (take.id, take.status) == (reply["take"], "approved")


def imported(path: str) -> tuple[int, str, int, bool] | None:
    """The facts that Resolve reads from a file."""
    info = probe(Path(path))
    return info.frame_count, f"{float(info.rate):g}", 0, False
