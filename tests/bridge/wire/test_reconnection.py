"""Connections break; calls and events come through all the same, each once."""

from __future__ import annotations

import itertools
import random
import threading
from pathlib import Path

import pytest

from bridge.wire.messages import (
    Approve,
    Cancel,
    CancelReply,
    EventPushed,
    Events,
    Follow,
    GetStats,
    Hello,
    Numbered,
    Ping,
    Pong,
    Refused,
    Replay,
    UploadChunk,
    UploadState,
)
from bridge.wire.server import Incoming
from contract.errors import ConnectionLost, Unreachable
from contract.events import AnyJobEvent
from tests.bridge.wire.echo_service import EchoService, job_done, notice
from tests.bridge.wire.proxy import Proxy
from tests.bridge.wire.wire_fixtures import client_of, eventually


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests cut dozens of times and cannot wait as people can."""
    monkeypatch.setattr("bridge.wire.link.BACKOFF_FIRST", 0.01)
    monkeypatch.setattr("bridge.wire.link.BACKOFF_LONGEST", 0.05)


def texts(events: list[Numbered]) -> list[str]:
    return [each.event.text for each in events if hasattr(each.event, "text")]


def test_calls_go_on_after_a_cut(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, Proxy(service.address) as proxy, client_of(service, proxy.address) as client:
        for _ in range(5):
            proxy.cut()
            assert isinstance(client.call(Ping(), timeout=60), Pong)
        assert client.session.connections == 6


def test_a_call_under_way_is_sent_again(tmp_path: Path) -> None:
    seen: list[Incoming] = []

    def cut_once(incoming: Incoming) -> CancelReply | None:
        seen.append(incoming)
        if len(seen) == 1:
            threading.Thread(target=proxy.cut).start()
            return None
        return CancelReply(outcome="cancelled")

    with EchoService(tmp_path, replies={Cancel: cut_once}) as service, Proxy(service.address) as proxy:
        with client_of(service, proxy.address) as client:
            assert client.call(Cancel(job="a"), timeout=60) == CancelReply(outcome="cancelled")
        assert [each.number for each in seen] == [2, 2]
        assert seen[0].connection != seen[1].connection


def test_a_call_that_must_not_be_repeated_is_not(tmp_path: Path) -> None:
    seen: list[Incoming] = []

    def cut(incoming: Incoming) -> None:
        seen.append(incoming)
        threading.Thread(target=proxy.cut).start()

    with EchoService(tmp_path, replies={Approve: cut}) as service, Proxy(service.address) as proxy:
        with client_of(service, proxy.address) as client:
            with pytest.raises(ConnectionLost, match="may or may not") as caught:
                client.call(Approve(job="a"), timeout=60)
            assert caught.value.kind == "connection_lost"
            assert isinstance(client.call(Ping(), timeout=60), Pong)
            assert len(seen) == 1


def test_a_call_that_was_not_sent_yet_may_always_wait(tmp_path: Path) -> None:
    answer = Refused(kind="fine", what="It came.")
    with EchoService(tmp_path, replies={Approve: lambda _: answer}) as service, Proxy(service.address) as proxy:
        with client_of(service, proxy.address) as client:
            proxy.block()
            eventually(lambda: client.session.state != "ready", lambda: client.wait(0.05))
            outcomes: list = []
            client.session.send(Approve(job="a"), 60, outcomes.append)
            proxy.restore()
            eventually(lambda: bool(outcomes), lambda: client.wait(0.05))
            assert outcomes[0].kind == "fine"


def test_chunks_survive_cuts_in_the_middle_of_them(tmp_path: Path) -> None:
    data = random.Random(1).randbytes(100_000)
    with EchoService(tmp_path) as service, Proxy(service.address) as proxy, client_of(service, proxy.address) as client:
        cuts = random.Random(2)
        chunks = (UploadChunk(sha256="0" * 64, offset=n, data=data, digest=b"") for n in range(40))
        for n, reply in enumerate(client.call_many(chunks, timeout=60, window=4)):
            assert isinstance(reply, UploadState)
            assert reply.have == n + len(data)
            if n % 5 == 0:
                proxy.lose(after_bytes=cuts.randrange(1, 200_000))
        assert client.session.connections > 3
        arrived = [each for each in service.requests if isinstance(each, UploadChunk)]
        assert {each.offset for each in arrived} == set(range(40))
        assert all(each.data == data for each in arrived)


@pytest.mark.parametrize("seed", range(4))
def test_each_event_comes_once_whatever_is_cut(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    events: list[AnyJobEvent] = [notice(str(n)) for n in range(chance.randrange(30))]
    with EchoService(tmp_path, jobs={"a": events}, page=7) as service, Proxy(service.address) as proxy:
        with client_of(service, proxy.address) as client:
            got: list[Numbered] = []
            for numbered in client.events("a", patience=60):
                got.append(numbered)
                if len(got) % 10 == 0 and len(events) < 150:
                    proxy.lose(after_bytes=chance.randrange(1, 3000)) if chance.random() < 0.7 else proxy.cut()
                if len(events) < 150 and len(got) >= len(events) - 3:
                    events.extend(notice(str(len(events) + n)) for n in range(chance.randrange(1, 12)))
                    if len(events) >= 150:
                        events.append(job_done())
            assert [each.number for each in got] == list(range(1, len(events) + 1))
            assert [each.event for each in got] == events
            assert client.session.connections > 2


def test_events_from_a_number_on(tmp_path: Path) -> None:
    events = [*(notice(str(n)) for n in range(9)), job_done()]
    with EchoService(tmp_path, jobs={"a": events}, page=3) as service, client_of(service) as client:
        assert [each.number for each in client.events("a", 5)] == [5, 6, 7, 8, 9, 10]
        assert [each.number for each in client.events("a", -3)] == list(range(1, 11))


def test_a_job_that_ended_and_was_started_again_is_shown_to_its_end(tmp_path: Path) -> None:
    events = [notice("a"), job_done(), notice("b"), job_done()]
    with EchoService(tmp_path, jobs={"a": events}) as service, client_of(service) as client:
        assert [each.number for each in client.events("a")] == [1, 2, 3, 4]


def test_a_service_that_was_started_again(tmp_path: Path) -> None:
    """Another process at another port, with the same keys and ledger."""
    events: list[AnyJobEvent] = [notice("before")]
    first = EchoService(tmp_path, jobs={"a": events})
    with Proxy(first.address) as proxy, client_of(first, proxy.address) as client:
        watched = client.events("a", patience=60)
        assert next(watched).number == 1
        client.session.send(Follow(), 10, lambda _: None)
        client.call(Ping())
        first.close()
        events.extend([notice("while away"), notice("too"), job_done()])
        with EchoService(tmp_path, jobs={"a": events}) as second:
            proxy.retarget(second.address)
            assert [each.number for each in watched] == [2, 3, 4]
            kinds = [type(each) for each in second.requests]
            assert kinds[0] is Hello
            assert kinds.count(Follow) == 1
            assert kinds.count(Replay) == 1


def test_patience_ends(tmp_path: Path) -> None:
    with EchoService(tmp_path, jobs={"a": [notice("x")]}) as service, Proxy(service.address) as proxy:
        with client_of(service, proxy.address) as client:
            watched = client.events("a", patience=0.3)
            assert next(watched).number == 1
            proxy.block()
            with pytest.raises(Unreachable):
                next(watched)
            with pytest.raises(Unreachable):
                client.call(Ping(), timeout=0.2)


def test_pushes_out_of_order_doubled_or_missing(tmp_path: Path) -> None:
    """A service that pushes nonsense cannot make events come twice, in another order, or not at all."""
    events: list[AnyJobEvent] = [notice(str(n)) for n in range(1, 21)]
    chance = random.Random(5)

    def replay_then_nonsense(incoming: Incoming) -> Events:
        first = incoming.body.first
        for number in chance.choices(range(1, 21), k=12):
            pushed = Numbered(number=number, time=0.0, event=events[number - 1])
            service.server.push([incoming.connection], EventPushed(job="a", event=pushed))
        numbered = tuple(Numbered(number=n, time=0.0, event=events[n - 1]) for n in range(first, min(first + 3, 21)))
        return Events(job="a", events=numbered, last=20)

    with EchoService(tmp_path, replies={Replay: replay_then_nonsense}) as service, client_of(service) as client:
        got: list[Numbered] = []
        client.session.follow_job("a", 1, got.append)
        eventually(lambda: len(got) == 20, lambda: client.wait(0.05))
        client.wait(0.05)
        assert [each.number for each in got] == list(range(1, 21))
        assert texts(got) == [str(n) for n in range(1, 21)]


def test_a_service_that_counts_more_than_it_shows_is_not_asked_in_a_circle(tmp_path: Path) -> None:
    with EchoService(tmp_path, replies={Replay: lambda _: Events(job="a", events=(), last=9)}) as service:
        with client_of(service) as client:
            client.session.follow_job("a", 1, lambda _: None)
            for _ in range(20):
                client.call(Ping())
        assert sum(isinstance(each, Replay) for each in service.requests) == 1


def test_a_client_that_does_not_read_is_given_up_and_catches_up(tmp_path: Path) -> None:
    """Thousands of large events for a client that looks away: the service drops it, and it asks for what it missed."""
    events: list[AnyJobEvent] = [notice("first")]
    with EchoService(tmp_path, jobs={"a": events}) as service, client_of(service) as client:
        watched = client.events("a", patience=60)
        assert next(watched).number == 1
        for n in itertools.count():
            events.extend(notice(f"{n} " + "x" * 20_000) for _ in range(200))
            before = len(events)
            eventually(lambda before=before: set(service.pushed_until.values()) in ({before}, set()))
            if service.departed:
                break
            assert n < 100, "the service sends without end"
        events.append(job_done())
        assert [each.number for each in watched] == list(range(2, len(events) + 1))
        assert client.session.connections == 2


def test_an_interrupted_iteration_stops_following(tmp_path: Path) -> None:
    with EchoService(tmp_path, jobs={"a": [notice("1"), notice("2")]}) as service, client_of(service) as client:
        watched = client.events("a")
        next(watched)
        watched.close()
        eventually(lambda: not service.pushed_until, lambda: client.wait(0.02))
        service.jobs["a"].append(job_done())
        assert isinstance(client.call(Ping()), Pong)
        assert [each.number for each in client.events("a", 3)] == [3]


def test_calls_that_time_out_while_away_are_not_sent_later(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, Proxy(service.address) as proxy, client_of(service, proxy.address) as client:
        proxy.block()
        eventually(lambda: client.session.state != "ready", lambda: client.wait(0.05))
        with pytest.raises(Unreachable):
            client.call(GetStats(), timeout=0.05)
        proxy.restore()
        assert isinstance(client.call(Ping(), timeout=60), Pong)
        assert not any(isinstance(each, GetStats) for each in service.requests)
