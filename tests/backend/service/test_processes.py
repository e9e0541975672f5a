"""What becomes of jobs and of the service when processes end: asked, killed, unable to start, or not needed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bridge.local.folders import key_folder
from bridge.local.service_file import read_service_file
from bridge.wire.keys import KeyFolder
from bridge.wire.messages import (
    Approve,
    Cancel,
    Closing,
    Estimate,
    Follow,
    GetJob,
    GetStats,
    ListJobs,
    ListModels,
    ListTakes,
    Numbered,
    PauseQueue,
    Ping,
    Replay,
    Retry,
    Stop,
)
from contract.errors import Refusal
from contract.events import StageProgress
from tests.backend.service.running import (
    ROOT,
    RunningService,
    end_at_once,
    job,
    kinds,
    script,
    submit,
    to_the_end,
    until,
)

MILESTONES = ["job_started", "model_opened", "plan_ready", "take_done", "job_done"]
LONG = "steps=30 pause=0.03"
Start = Callable[..., RunningService]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts services on one state folder."""
    started: list[RunningService] = []

    def start(*options: str, **more: object) -> RunningService:
        service = RunningService(tmp_path / "home", "--media-root", "/", *options, **more)
        started.append(service)
        service.start()
        return service

    yield start
    for service in reversed(started):
        service.close()


def assert_reported_once(events: list[Numbered]) -> None:
    """All events of a job of `LONG`, those of steps that were made while no service listened among them."""
    assert [name for name in kinds(events) if name != "progress"] == MILESTONES
    steps = [each.event.step for each in events if isinstance(each.event, StageProgress)]
    assert steps[-1] == 1, "the delivery"
    assert steps[:-1] == list(range(1, 31))


def test_a_killed_worker_costs_a_step(start: Start):
    service = start()
    with service.client() as client:
        name = submit(client, script(LONG)).id
        for step in (4, 12):
            until(lambda step=step: job(client, name).step >= step, client)
            end_at_once(service.worker_pids()[0])
            until(lambda: client.call(Ping()).workers[0].state in ("loading", "busy"), client)
        assert_reported_once(to_the_end(client, name))
        assert job(client, name).attempt == 3


def test_a_job_at_which_workers_die_does_not_hold_up_the_queue(start: Start):
    service = start()
    with service.client() as client:
        deadly = submit(client, script("steps=5 die_at=3 deaths=9")).id
        other = submit(client, script("steps=2")).id
        events = to_the_end(client, deadly)
        assert kinds(events)[-3:] == ["progress", "progress", "error"]
        assert job(client, deadly).failure.kind == "worker_died"
        assert job(client, deadly).failure.offers == ("again", "small")
        assert kinds(to_the_end(client, other))[-1] == "job_done"


def _lives(pid: int) -> bool:
    """Not only as a zombie that has not been reaped yet."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_killed_service_goes_on_where_it_was(start: Start):
    service = start()
    with service.client() as client:
        name = submit(client, script(LONG)).id
        until(lambda: job(client, name).step >= 5, client)
        waiting = submit(client, script("steps=1")).id
        held = submit(client, script("steps=1", after_plan="wait")).id
    orphans = service.worker_pids()
    service.kill()
    assert read_service_file(service.home) is None
    service = start()
    assert not any(_lives(pid) for pid in orphans), "a worker survived its service"
    with service.client() as client:
        assert_reported_once(to_the_end(client, name))
        assert kinds(to_the_end(client, waiting))[-1] == "job_done"
        until(lambda: job(client, held).state == "awaiting_approval", client)
    service.kill()
    service = start()
    with service.client() as client:
        assert job(client, held).state == "awaiting_approval"
        client.call(Approve(job=held))
        assert kinds(to_the_end(client, held))[-1] == "job_done"
        assert [row.id for row in client.call(ListJobs()).jobs] == [held, waiting, name]


def test_a_service_that_is_asked_to_end_puts_its_job_back(start: Start):
    service = start()
    with service.client() as client:
        pushed = []
        client.session.on_push = pushed.append
        client.call(Follow())
        name = submit(client, script(LONG)).id
        until(lambda: job(client, name).step >= 5, client)
        service.process.terminate()
        until(lambda: any(isinstance(each, Closing) for each in pushed), client)
        assert service.wait() == 0
    assert not any(_lives(pid) for pid in service.worker_pids())
    service = start()
    with service.client() as client:
        assert_reported_once(to_the_end(client, name))
        assert job(client, name).attempt == 1


def test_only_the_owner_ends_it(start: Start):
    service = start()
    with service.client(service.stranger("Eve")) as client:
        assert not client.welcome.owner
        with pytest.raises(Refusal, match="owner"):
            client.call(Stop())
        with pytest.raises(Refusal, match="owner"):
            client.call(PauseQueue())
    with service.client() as client:
        assert client.welcome.owner
        client.call(Stop())
    assert service.wait() == 0


def test_clients_see_their_own_jobs_only(start: Start):
    service = start()
    with service.client() as owner, service.client(service.stranger("Bo")) as stranger:
        name = submit(owner, script(LONG), token="t").id
        until(lambda: job(owner, name).state == "refining", owner)
        assert stranger.call(ListJobs()).jobs == ()
        assert stranger.call(ListTakes()).takes == ()
        for request in (GetJob(job=name), Replay(job=name), Retry(job=name), Approve(job=name), ListTakes(job=name)):
            with pytest.raises(Refusal) as caught:
                stranger.call(request)
            assert caught.value.kind == "not_found"
        assert stranger.call(Cancel(job=name)).outcome == "not_found"
        seen = stranger.call(Ping())
        assert (seen.state, seen.running, seen.workers[0].job) == ("busy", 1, None)
        assert owner.call(Ping()).workers[0].job == name
        assert stranger.call(GetStats()).workers[0].job is None
        theirs = submit(stranger, script("steps=1"), token="t").id
        assert theirs != name, "tokens of two clients were mixed up"
        assert [each.id for each in stranger.call(ListJobs()).jobs] == [theirs]


def test_a_shared_service_shows_all_jobs(start: Start):
    service = start("--share")
    with service.client() as owner, service.client(service.stranger("Bo")) as stranger:
        name = submit(owner, script(LONG)).id
        assert not job(stranger, name).mine
        assert stranger.call(Cancel(job=name)).outcome == "cancelled"


def test_a_revoked_client_is_no_longer_served(start: Start):
    service = start()
    pair = service.stranger("Bo")
    with service.client(pair) as stranger:
        stranger.call(Ping())
        KeyFolder(key_folder(service.home)).revoke("Bo")
        with pytest.raises(Refusal, match="does not let this client in"):
            stranger.call(Ping())


def test_starting_twice_finds_the_one_that_runs(start: Start):
    service = start()
    second = subprocess.run(service.command(), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (second.returncode, second.stdout.strip()) == (0, service.found.ready_line())
    with service.client() as client:
        client.call(Ping())


def test_it_ends_when_it_is_not_needed(start: Start):
    service = start("--until-idle", "0.5")
    with service.client() as client:
        name = submit(client, script("steps=10 pause=0.1")).id
    # No client is connected now, but there is work to do.
    assert service.wait() == 0
    assert read_service_file(service.home) is None
    service = start()
    with service.client() as client:
        assert job(client, name).state == "done"


def test_jobs_fail_in_words_when_no_worker_can_start(start: Start):
    service = start(environment={"DYNVFX_SCRIPTED_NO_START": "1"})
    with service.client() as client:
        name = submit(client, script("")).id
        assert kinds(to_the_end(client, name)) == ["error"]
        failure = job(client, name).failure
        assert failure.kind == "worker_unavailable"
        assert "no torch on this machine" in failure.why
        assert client.call(Ping()).workers[0].state == "stopped"


def test_a_pause_survives_the_service(start: Start):
    service = start()
    with service.client() as client:
        client.call(PauseQueue())
        name = submit(client, script("steps=1")).id
    service.kill()
    service = start()
    with service.client() as client:
        assert client.call(Ping()).paused
        assert job(client, name).state == "queued"
        client.call(PauseQueue(on=False))
        to_the_end(client, name)


def test_a_full_disk_fails_one_job_and_not_the_queue(start: Start):
    service = start()
    with service.client() as client:
        full = submit(client, script("steps=2 fail_at=1 kind=out_of_disk")).id
        other = submit(client, script("steps=2")).id
        events = to_the_end(client, full)
        until(lambda: job(client, other).events == 1, client)
        waits = client.call(Replay(job=other)).events[0].event
        assert (waits.kind, job(client, other).state) == ("waiting_for_space", "queued")
        client.call(Retry(job=full))
        assert kinds(to_the_end(client, full, len(events) + 1))[-1] == "job_done"
        assert kinds(to_the_end(client, other))[-1] == "job_done"


def test_the_service_never_loads_torch(start: Start):
    service = start()
    with service.client() as client:
        to_the_end(client, submit(client, script("steps=1")).id)
        loaded = [each.path for each in psutil.Process(service.process.pid).memory_maps()]
        assert loaded
        assert not [path for path in loaded if "torch" in path or "/av." in path or "cv2" in path]


@pytest.mark.parametrize("need", ["job", "estimate"])
def test_a_worker_starts_when_it_is_needed(start: Start, need: str):
    service = start()
    process = psutil.Process(service.process.pid)
    with service.client() as client:
        for request in (ListJobs(), ListTakes(), ListModels(), GetStats(), Follow()):
            client.call(request)
        pong = client.call(Ping())
        assert (pong.state, [each.state for each in pong.workers]) == ("idle", ["idle"])
        assert process.children() == []
        client.call(PauseQueue())
        name = submit(client, script("steps=1")).id
        assert client.call(Ping()).queued == 1 and process.children() == []
        if need == "estimate":
            size = {"width": 64, "height": 64, "frames": 9, "rate": "24"}
            client.call(Estimate(model="tiny", quality="draft", takes=1, **size))
            until(lambda: len(process.children()) == 1 and client.call(Ping()).workers[0].state == "idle", client)
        client.call(PauseQueue(on=False))
        assert kinds(to_the_end(client, name))[-1] == "job_done"
        assert len(process.children()) == 1


def test_no_module_of_the_service_loads_torch():
    reported = (
        "import sys, backend.__main__; print([name for name in ('torch', 'cv2', 'av', 'PyQt6') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", reported], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--listen", "tcp://256.0.0.1:1"], "Cannot listen"),
        (["--until-idle", "never"], "not a number"),
        (["--gpu", "0", "--cpu"], "not allowed"),
    ],
)
def test_what_it_cannot_do_is_said(tmp_path: Path, words: list[str], what: str):
    said = subprocess.run(
        [sys.executable, "-m", "backend", "--home", str(tmp_path / "home"), *words],
        cwd=ROOT,
        env={**os.environ, "DYNVFX_STATE": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert said.returncode != 0
    assert what in said.stderr
    assert said.stdout == ""


def test_steps_are_reported_once_across_everything(start: Start):
    """Worker and service are killed in turn, and the client stays."""
    service = start("--listen", "tcp://127.0.0.1:*")
    with service.client() as client:
        name = submit(client, script(LONG)).id
        until(lambda: job(client, name).step >= 5, client)
    address = service.found.address
    for round_number in range(2):
        service.kill()
        service = start("--listen", address)
        with service.client() as client:
            reached = 12 + 8 * round_number
            until(lambda reached=reached: job(client, name).step >= reached, client)
            end_at_once(service.worker_pids()[0])
            time.sleep(0.05)
    with service.client() as client:
        assert_reported_once(to_the_end(client, name))
