"""Cancel is the service's own answer, in every state of a job: the worker, which may be at anything, is not asked."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import psutil
import pytest

from bridge.wire.client import Client
from bridge.wire.messages import Cancel, ListJobs, PauseQueue
from contract.states import ENDED, RUNNING, STATES, WAITING
from tests.backend.service.running import (
    RunningService,
    end_at_once,
    job,
    kinds,
    running,
    script,
    submit,
    to_the_end,
    until,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are stopped by SIGSTOP")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running(tmp_path_factory.mktemp("cancel") / "home", "--media-root", "/") as service:
        yield service


@pytest.fixture
def client(service: RunningService) -> Iterator[Client]:
    with service.client() as client:
        yield client
        client.call(PauseQueue(on=False))
        for each in client.call(ListJobs()).jobs:
            client.call(Cancel(job=each.id))
        for pid in service.worker_pids():
            end_at_once(pid)


def stopped(service: RunningService) -> psutil.Process:
    """The worker, which does nothing from now on."""
    (pid,) = service.worker_pids()
    worker = psutil.Process(pid)
    worker.send_signal(signal.SIGSTOP)
    until(lambda: worker.status() == psutil.STATUS_STOPPED)
    return worker


def test_these_are_all_states():
    assert {*WAITING, *RUNNING, *ENDED} == set(STATES)


@pytest.mark.parametrize("state", sorted(RUNNING))
def test_a_running_job_is_cancelled_while_its_worker_does_nothing(client: Client, service: RunningService, state: str):
    name, other = submit(client, script(f"stay={state}")).id, submit(client, script("")).id
    until(lambda: job(client, name).state == state, client)
    worker = stopped(service)
    assert client.call(Cancel(job=name)).outcome == "cancelled"
    assert client.call(Cancel(job=name)).outcome == "cancelled"
    assert worker.status() == psutil.STATUS_STOPPED, "it was the worker who answered"
    assert kinds(to_the_end(client, name))[-1] == "error"
    assert (job(client, name).state, job(client, other).state) == ("cancelled", "queued")


@pytest.mark.parametrize("state", WAITING)
def test_a_waiting_job_is_cancelled_while_the_worker_does_nothing(client: Client, service: RunningService, state: str):
    held = submit(client, script("", after_plan="wait")).id
    until(lambda: job(client, held).state == "awaiting_approval", client)
    busy = submit(client, script("stay=refining")).id
    until(lambda: job(client, busy).state == "refining", client)
    queued = submit(client, script("")).id
    worker = stopped(service)
    name, other = (held, queued) if state == "awaiting_approval" else (queued, held)
    before = [job(client, each) for each in (busy, other)]
    assert client.call(Cancel(job=name)).outcome == "cancelled"
    assert worker.status() == psutil.STATUS_STOPPED
    assert job(client, name).state == "cancelled"
    after = [job(client, each) for each in (busy, other)]
    assert [(each.state, each.events) for each in after] == [(each.state, each.events) for each in before]


def test_ended_and_unknown_jobs_are_distinguished_while_the_worker_does_nothing(
    client: Client, service: RunningService
):
    done, failed = submit(client, script("")).id, submit(client, script("fail_at=1")).id
    assert kinds(to_the_end(client, done))[-1] == "job_done"
    assert kinds(to_the_end(client, failed))[-1] == "error"
    stopped(service)
    outcomes = [client.call(Cancel(job=each)).outcome for each in (done, failed, "0123456789ab", "no id at all")]
    assert outcomes == ["already_done", "already_done", "not_found", "not_found"]
    assert (job(client, done).state, job(client, failed).state) == ("done", "failed")
