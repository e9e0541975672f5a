"""kill -9 at any point of a job, then the same command: the same bytes as an undisturbed job.

A server process imports everything once and every run is a fork of it, so that a run costs a second or two.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from contract.job import JobSpec
from contract.take import read_take
from tests.backend.jobs.small_jobs import INSTRUCTION, use_small_models, write_movie
from tests.contract.sample_job import a_job

POINTS = 10


def carry_out(order: JobSpec, ear: Connection) -> None:
    """A job in a process of its own; reports every event."""
    from backend.jobs.take_job import run

    # The process ends with the job, so nothing has to be put back.
    use_small_models(pytest.MonkeyPatch())
    for event in run(order):
        ear.send(type(event).__name__)
    ear.close()


class Runner:
    """Starts jobs and kills them."""

    def __init__(self) -> None:
        methods = multiprocessing.get_all_start_methods()
        self._context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            self._context.set_forkserver_preload(["backend.jobs.take_job", "tests.backend.jobs.small_jobs"])

    def run(self, order: JobSpec, kill_after: int | None = None, pause: float = 0.0) -> list[str]:
        """The events that came; the job is killed `pause` seconds after number `kill_after`."""
        ear, mouth = self._context.Pipe(duplex=False)
        process = self._context.Process(target=carry_out, args=(order, mouth))
        process.start()
        mouth.close()
        events = []
        while True:
            try:
                events.append(ear.recv())
            except EOFError:
                break
            if len(events) == kill_after:
                time.sleep(pause)
                process.kill()
        process.join()
        if kill_after is None:
            assert process.exitcode == 0
        return events


def digests(folder: Path) -> dict[str, str]:
    """Every file that is a result."""
    found = {"plan": hashlib.sha256((folder / "plan.json").read_bytes()).hexdigest()}
    for take in sorted((folder / "takes").iterdir()):
        record = read_take(take)
        found[f"{take.name} id"] = record.id
        for each in record.media:
            found[f"{take.name}/{each.path}"] = hashlib.sha256((take / each.path).read_bytes()).hexdigest()
            assert found[f"{take.name}/{each.path}"] == each.sha256
        found[f"{take.name} latents"] = hashlib.sha256((take / "latents.safetensors").read_bytes()).hexdigest()
    found["timeline"] = hashlib.sha256(
        (folder / "timeline.otio").read_bytes().replace(os.fsencode(folder), b"")
    ).hexdigest()
    return found


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_job_killed_at_many_points_ends_with_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    runner = Runner()
    movie = write_movie(tmp_path / "street.mp4")

    def order(name: str) -> JobSpec:
        return a_job(
            source=str(movie),
            instruction=INSTRUCTION,
            quality="draft",
            assistant="offline",
            takes=2,
            output=tmp_path / name / "result",
        )

    whole = runner.run(order("whole"))
    wanted = digests(Path(order("whole").output))
    chance = random.Random(7)
    points = sorted(chance.sample(range(1, len(whole)), POINTS))
    # One job is killed again and again, at points further and further into what is left of it.
    for point in points[: POINTS // 2]:
        runner.run(order("battered"), kill_after=max(1, point // 4), pause=chance.random() * 0.05)
    runner.run(order("battered"))
    assert digests(Path(order("battered").output)) == wanted
    # Others are killed once, anywhere.
    for point in points[POINTS // 2 :]:
        name = f"killed at {point}"
        reported = runner.run(order(name), kill_after=point, pause=chance.random() * 0.05)
        assert len(reported) >= point
        resumed = runner.run(order(name))
        assert resumed[-1] == "JobDone"
        assert digests(Path(order(name).output)) == wanted
        leftovers = [path.name for path in Path(order(name).output).rglob("*.part*") if ".dynvfx" not in path.parts]
        assert leftovers == []
