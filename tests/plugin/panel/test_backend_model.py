from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bridge.wire.messages import PauseQueue, Worker
from contract.errors import Problem
from plugin.panel.models.backend.backend import RESTARTS, BackendModel
from tests.plugin.panel.fake_service import FakeService, FakeServices
from tests.plugin.panel.immediate_background import ImmediateBackground

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def backend(qapp: object, services: FakeServices) -> Iterator[BackendModel]:
    model = BackendModel(services, ImmediateBackground(), clock=lambda: 0.0)
    model._gone.setInterval(0)
    yield model
    model.close()


def test_a_running_backend_is_found_and_not_started(
    backend: BackendModel, services: FakeServices, until: Until
) -> None:
    backend.begin()
    until(lambda: backend.ready and bool(backend.models))
    assert services.starts == 0 and backend.local and backend.fix == ""
    assert backend.headline == "Ready on this machine" and "cpu" in backend.detail


def test_one_is_started_when_none_runs(backend: BackendModel, services: FakeServices, until: Until) -> None:
    services.runs = False
    backend.begin()
    until(lambda: backend.ready)
    assert services.starts == 1


def test_a_failed_start_shows_why_and_offers_a_retry(
    backend: BackendModel, services: FakeServices, until: Until
) -> None:
    services.runs, services.missing = False, Problem("It could not be started.", "The disk is full.", "Free some.")
    backend.begin()
    assert (backend.state, backend.fix) == ("missing", "start")
    assert backend.headline == "It could not be started." and backend.detail == "The disk is full. Free some."
    services.missing = None
    backend.fix_now()
    until(lambda: backend.ready)


def test_a_refusing_backend_leads_to_the_settings(backend: BackendModel, service: FakeService, until: Until) -> None:
    backend.begin()
    until(lambda: backend.ready)
    service.sessions[0].lose("refused", Problem("Your key is not known there.", "", "Ask for it to be let in."))
    until(lambda: backend.state == "refused")
    assert backend.fix == "settings" and backend.detail == "Ask for it to be let in."


def test_a_dying_backend_is_restarted_a_few_times(
    backend: BackendModel, service: FakeService, services: FakeServices, until: Until
) -> None:
    backend.begin()
    until(lambda: backend.ready)
    for start in range(1, RESTARTS + 1):
        services.runs = False
        service.die()
        until(lambda: backend.state == "silent")
        backend._gone.start(0)
        until(lambda: backend.ready)
        assert services.starts == start
    service.die()
    until(lambda: backend.state == "silent")
    backend._gone.start(0)
    until(lambda: backend.state == "missing")
    assert backend.fix == "start" and services.starts == RESTARTS


def test_the_workers_state_is_shown(backend: BackendModel, service: FakeService, until: Until) -> None:
    service.workers = (Worker(device="cuda:0", state="loading", model="big", since=12),)
    backend.begin()
    until(lambda: backend.headline == "Loading the model, 12 s")


def test_pausing_the_queue(backend: BackendModel, service: FakeService, until: Until) -> None:
    backend.begin()
    until(lambda: backend.ready)
    backend.pause_queue(True)
    until(lambda: backend.paused)
    assert PauseQueue(on=True) in service.requests


def test_another_client_s_pause_shows_at_once(backend: BackendModel, service: FakeService, until: Until) -> None:
    backend.begin()
    until(lambda: backend.ready)
    service.answer(PauseQueue(on=True))  # by another client; no ping is due
    until(lambda: backend.paused and backend.headline == "Queue paused")
    service.answer(PauseQueue(on=False))
    until(lambda: not backend.paused)


def test_a_queue_that_was_paused_before_shows_with_the_welcome(
    backend: BackendModel, service: FakeService, until: Until
) -> None:
    service.paused = True
    backend.begin()
    until(lambda: backend.ready)
    assert backend.paused


def test_a_call_without_a_link_fails_at_once(backend: BackendModel) -> None:
    reported = []
    backend.call(PauseQueue(), reported.append, reported.append)
    assert isinstance(reported[0], Problem)
