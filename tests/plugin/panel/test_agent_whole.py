"""An editing application, the panel and a real backend with the shipped model: from the strip to the placed take."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from bridge.local.service_file import read_service_file
from contract.take import read_take
from plugin.panel.agent_application import ADDRESS, TOKEN, AgentPanel
from plugin.panel.application import application
from tests.plugin.hosts.agent_driver import AgentProcess, exported, write_project
from tests.plugin.panel.sample_takes import SAMPLE

PATIENCE = 1_800_000
"""Milliseconds that a step may take on a machine that is busy with something else."""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """An application with a clip of twelve frames of the sample shot."""
    folder = tmp_path / "project"
    project = write_project(folder)
    movie = folder / "path.mov"
    with av.open(str(SAMPLE)) as source, av.open(str(movie), "w") as sink:
        stream = sink.add_stream("mpeg4", rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 320, 192, "yuv420p", 4_000_000
        for frame, _ in zip(source.decode(video=0), range(24), strict=False):
            picture = frame.to_ndarray(format="rgb24", width=320, height=192)
            sink.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        sink.mux(stream.encode())
    made = AgentProcess(project)
    clip = {**made.report()["project"]["clips"][0], "media": str(movie), "record_frames": 12}
    made.do("change", clips=[clip], exports={"strip-1": {"otio": exported(movie, 86412, 12)}})
    made.report()
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.timeout(5400)
def test_from_the_selected_strip_to_the_placed_take(
    agent: AgentProcess, qapp: QApplication, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with application() as program:
        made = AgentPanel(program, {ADDRESS: agent.address, TOKEN: agent.token}, hidden=True)
        made.session.begin()
        try:
            qtbot.waitUntil(lambda: made.panel is not None, timeout=PATIENCE)
            model = made.panel.model
            qtbot.waitUntil(lambda: model.backend.ready and model.shot.shot is not None, timeout=PATIENCE)
            assert not made.panel.window.isVisible()
            question = {"uids": ["strip-1"], "instruction": "add a red ball on the left", "quality": "draft"}
            agent.do("call", method="generate", params=question)
            qtbot.waitUntil(lambda: bool((agent.last("state") or {}).get("takes")), timeout=PATIENCE)
            take = agent.last("state")["takes"][0]
            qtbot.waitUntil(lambda: agent.last("state")["takes"][0]["thumbnail"] != "", timeout=PATIENCE)
            assert take["uid"] == "strip-1" and "red ball" in take["label"]
            thumbnail = Path(agent.last("state")["takes"][0]["thumbnail"])
            assert thumbnail.read_bytes().startswith(b"\x89PNG")
            agent.do("call", method="place_take", params={"take": take["id"]})
            qtbot.waitUntil(lambda: agent.last("state")["takes"][0]["placed"], timeout=PATIENCE)
            layer = agent.saved()["layers"][0]
            assert (layer["take"], layer["record_start"], layer["record_frames"]) == (take["id"], 86412, 12)
            pictures = sorted(Path(layer["media_path"]).parent.glob("*.png"))
            assert len(pictures) == 12 and layer["media_path"] == str(pictures[0])
            folder = Path(next(iter(model.takes.entries.values())).folder)
            qtbot.waitUntil(lambda: read_take(folder).status == "approved", timeout=PATIENCE)
            assert folder.is_relative_to(tmp_path / "project" / "cut dynvfx")
        finally:
            made.close()
            running = read_service_file(tmp_path / "home")
            if running is not None:
                os.kill(running.pid, signal.SIGTERM)
