"""A disk that is full: of the ledger, and of a job's results at each stage. Errors say so, and the queue continues."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.wire.client import Client
from bridge.wire.messages import Ping, Retry, Submit
from contract.errors import Refusal
from contract.events import StageProgress
from contract.job import JobSpec
from tests.backend.jobs.small_jobs import INSTRUCTION, write_movie
from tests.backend.service.fork_server import fork_server
from tests.backend.service.running import (
    PATIENCE,
    RunningService,
    job,
    kinds,
    running,
    script,
    submit,
    to_the_end,
    until,
)
from tests.contract.sample_job import a_job

MEBIBYTE = 1 << 20


def may_mount() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount") is not None


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk of its own; only root may make one."""
    folder = tmp_path_factory.mktemp("disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(folder)]
    if not may_mount() or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("a small disk can be mounted only by root on Linux")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave nothing free."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as sink:
        for size in (MEBIBYTE, 4096):
            try:
                while True:
                    sink.write(bytes(size))
            except OSError:
                continue
    assert shutil.disk_usage(disk).free < 4096
    return ballast


def test_the_ledgers_full_disk_holds_the_service_up_and_loses_nothing(disk: Path):
    with running(disk / "home", "--media-root", "/") as service, service.client() as client:
        name = submit(client, script("steps=40 pause=0.05")).id
        until(lambda: job(client, name).step >= 3, client)
        ballast = fill(disk)
        refusals = []

        def is_refused() -> bool:
            # The ledger has a reserve, which a few writes use up.
            try:
                submit(client, script("steps=1"))
            except Refusal as refusal:
                refusals.append(refusal)
            fill(disk)
            return bool(refusals)

        until(is_refused, client)
        assert refusals[0].kind == "out_of_disk"
        assert str(disk) in refusals[0].what and "bytes" in refusals[0].why
        assert client.call(Ping()).running == 1
        ballast.unlink()
        events = to_the_end(client, name)
        steps = [each.event.step for each in events if isinstance(each.event, StageProgress)]
        assert steps == [*range(1, 41), 1]
        assert kinds(events)[-1] == "job_done"


@pytest.fixture(scope="module")
def service(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("full")
    with fork_server(folder) as environment:
        worker = "tests.backend.service.forked_worker"
        roots = ("--media-root", str(disk), "--media-root", str(folder))
        write_movie(folder / "street.mp4")
        with running(folder / "home", *roots, worker=worker, environment=environment) as service:
            yield service


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("stage", ["encoding", "inverting", "refining", "delivering"])
def test_a_full_disk_of_the_results_at_each_stage(service: RunningService, disk: Path, stage: str):
    def spec(name: str) -> JobSpec:
        return a_job(
            instruction=INSTRUCTION,
            source=str(service.home.parent / "street.mp4"),
            quality="draft",
            assistant="offline",
            takes=2,
            output=str(disk / stage / name),
        )

    shutil.rmtree(service.home / "cache", ignore_errors=True)
    with service.client() as client:
        name = client.call(Submit(token=f"{stage} 1", spec=spec("one"))).job.id
        other = client.call(Submit(token=f"{stage} 2", spec=spec("two"))).job.id
        received = []
        for numbered in client.events(name, patience=PATIENCE):
            received.append(numbered)
            if isinstance(numbered.event, StageProgress) and numbered.event.stage == stage and len(received):
                break
        ballast = fill(disk)
        failed = to_the_end(client, name, len(received) + 1)
        failure = job(client, name).failure
        assert failure.kind == "out_of_disk", failure
        assert str(disk) in failure.what + failure.why and failure.remedy
        assert "again" in failure.offers
        waits(client, other)
        ballast.unlink()
        assert kinds(to_the_end(client, other))[-1] == "job_done"
        client.call(Retry(job=name))
        assert kinds(to_the_end(client, name, len(received) + len(failed) + 1))[-1] == "job_done"
    shutil.rmtree(disk / stage)


def waits(client: Client, name: str) -> None:
    """The next job is not started into the full disk, and says why."""
    until(lambda: job(client, name).events >= 1, client)
    assert job(client, name).state == "queued"
