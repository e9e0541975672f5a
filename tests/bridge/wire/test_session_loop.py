"""The session in a loop that is not its own, as in Qt: woken by its descriptor or its time. How it reports silence."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.wire.messages import Closing, Follow, GetStats, Numbered, Ping, Pong, Pushed
from bridge.wire.session import Session
from contract.errors import Problem
from contract.events import AnyJobEvent
from tests.bridge.wire.echo_service import EchoService, job_done, notice
from tests.bridge.wire.proxy import Proxy
from tests.bridge.wire.wire_fixtures import eventually, new_pair


def open_session(service: EchoService, address: str | None = None) -> Session:
    return Session(address or service.address, service.server_key, service.owner_pair, program="panel", version="1")


def swallow(data: bytes, to_service: bool) -> bytes:
    return b""


class SelectLoop:
    """What Qt's loop does: waits for the one descriptor that it was given, or until the time that it was given."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.descriptor = session.fd
        self.descriptors = [session.fd]
        self.woken = self.timed = 0
        session.on_fd = self._changed

    def _changed(self, descriptor: int | None) -> None:
        self.descriptor = descriptor
        self.descriptors.append(descriptor)

    def once(self) -> None:
        watched = [] if self.descriptor is None else [self.descriptor]
        readable, _, _ = select.select(watched, [], [], self.session.next_due())
        self.woken += bool(readable)
        self.timed += not readable
        self.session.step()

    def until(self, reached: Callable[[], bool]) -> None:
        eventually(reached, self.once)


def test_calls_pushes_and_followed_jobs_in_a_foreign_loop(tmp_path: Path) -> None:
    events: list[AnyJobEvent] = [notice("1")]
    with EchoService(tmp_path, jobs={"a": events}) as service:
        session = open_session(service)
        states: list[str] = []
        pushed: list[Pushed] = []
        got: list[Numbered] = []
        outcomes: list[object] = []
        session.on_state, session.on_push = states.append, pushed.append
        loop = SelectLoop(session)
        for _ in range(50):
            session.send(Ping(), 30, outcomes.append)  # before there is a connection
        session.follow_job("a", 1, got.append)
        loop.until(lambda: len(outcomes) == 50 and len(got) == 1)
        assert states == ["ready"]
        assert all(isinstance(each, Pong) for each in outcomes)
        events.extend([notice("2"), job_done()])
        loop.until(lambda: len(got) == 3)
        service.do(lambda server: server.push(server.connections, Closing()))
        loop.until(lambda: Closing() in pushed)
        assert [each.number for each in got] == [1, 2, 3]
        session.close()
        assert loop.descriptors[-1] is None


def test_the_descriptor_wakes_the_loop(tmp_path: Path) -> None:
    """A push must not wait for the next look at the clock."""
    with EchoService(tmp_path, jobs={"a": []}) as service:
        session = open_session(service)
        loop = SelectLoop(session)
        got: list[Numbered] = []
        session.follow_job("a", 1, got.append)
        loop.until(lambda: session.state == "ready" and bool(service.pushed_until))
        loop.until(lambda: session.next_due() > 0.05)
        before = loop.woken
        for number in range(1, 21):
            service.jobs["a"].append(notice(str(number)))
            loop.until(lambda number=number: len(got) == number)
        assert loop.woken - before >= 20
        session.close()


def test_calls_from_within_callbacks(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        session = open_session(service)
        seen: list[object] = []

        def again(outcome: object) -> None:
            seen.append(outcome)
            if len(seen) < 10:
                session.send(Ping(), 30, again)
            else:
                session.close()

        session.send(Ping(), 30, again)
        loop = SelectLoop(session)
        loop.until(lambda: len(seen) == 10)
        session.step()  # of no effect after the end, but no fault either
        assert session.fd is None


def test_a_new_connection_has_a_new_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.wire.link.BACKOFF_FIRST", 0.01)
    with EchoService(tmp_path) as service, Proxy(service.address) as proxy:
        session = open_session(service, proxy.address)
        loop = SelectLoop(session)
        states: list[str] = []
        session.on_state = states.append
        outcomes: list[object] = []
        session.send(Follow(), 60, outcomes.append)
        loop.until(lambda: bool(outcomes))
        proxy.cut()
        loop.until(lambda: session.connections == 2)
        assert states == ["ready", "connecting", "ready"]
        assert loop.descriptors[1] is None
        assert loop.descriptors[2] is not None
        loop.until(lambda: sum(isinstance(each, Follow) for each in service.requests) == 2)
        session.close()


def test_a_service_that_hangs_is_silent_and_then_ready_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.wire.session.PING_EVERY", 0.05)
    monkeypatch.setattr("bridge.wire.session.PONG_WITHIN", 0.2)
    with EchoService(tmp_path) as service:
        session = open_session(service)
        loop = SelectLoop(session)
        pongs: list[Pong] = []
        session.on_pong = pongs.append
        loop.until(lambda: len(pongs) >= 2)
        assert session.state == "ready"
        assert session.pong is pongs[-1]
        service.paused.set()
        loop.until(lambda: session.state == "silent")
        assert isinstance(session.problem, Problem)
        assert "does not answer" in session.problem.what
        service.paused.clear()
        loop.until(lambda: session.state == "ready")
        assert session.problem is None
        assert session.connections == 1
        session.close()


def test_a_service_that_hangs_for_long_is_connected_to_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.wire.session.PING_EVERY", 0.05)
    monkeypatch.setattr("bridge.wire.session.PONG_WITHIN", 0.1)
    monkeypatch.setattr("bridge.wire.session.SILENCE_ENDS_CONNECTION", 0.2)
    with EchoService(tmp_path) as service:
        session = open_session(service)
        loop = SelectLoop(session)
        loop.until(lambda: session.state == "ready")
        service.paused.set()
        loop.until(lambda: None in loop.descriptors)
        assert session.state == "silent"
        service.paused.clear()
        loop.until(lambda: session.connections >= 2 and session.state == "ready")
        session.close()


def test_a_network_that_swallows_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No end of the connection is ever seen: only the heartbeat shows it."""
    for name in ("bridge.wire.connection.HEARTBEAT_MS", "bridge.wire.connection.HEARTBEAT_TIMEOUT_MS"):
        monkeypatch.setattr(name, 100)
    monkeypatch.setattr("bridge.wire.link.BACKOFF_FIRST", 0.01)
    with EchoService(tmp_path) as service, Proxy(service.address) as proxy:
        session = open_session(service, proxy.address)
        loop = SelectLoop(session)
        loop.until(lambda: session.state == "ready")
        proxy.change = swallow
        loop.until(lambda: session.state != "ready")
        proxy.change = None
        loop.until(lambda: session.state == "ready")
        session.close()


def test_an_attempt_that_leads_nowhere_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.wire.link.ATTEMPT_SECONDS", 0.2)
    with EchoService(tmp_path) as service, Proxy(service.address, change=swallow) as proxy:
        session = open_session(service, proxy.address)
        loop = SelectLoop(session)
        loop.until(lambda: session.state == "silent")
        assert session.problem is not None
        assert "No backend answers" in session.problem.what
        session.close()


def test_many_handshakes_cut_short_mean_a_wrong_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.wire.link.BACKOFF_FIRST", 0.01)
    monkeypatch.setattr("bridge.wire.link.BACKOFF_LONGEST", 0.02)
    with EchoService(tmp_path) as service:
        good, service.server_key = service.server_key, new_pair().public
        session = open_session(service)
        states: list[str] = []
        session.on_state = states.append
        SelectLoop(session).until(lambda: session.state == "refused")
        assert states == ["silent", "refused"]
        assert session.problem is not None
        assert "key" in session.problem.why
        session.close()
        service.server_key = good


def test_a_call_times_out_by_its_own_clock(tmp_path: Path) -> None:
    with EchoService(tmp_path, replies={GetStats: lambda _: None}) as service:
        session = open_session(service)
        outcomes: list[Problem] = []
        session.send(GetStats(), 0.1, outcomes.append)
        session.send(GetStats(), 30.0, outcomes.append)
        loop = SelectLoop(session)
        loop.until(lambda: len(outcomes) == 1)
        assert outcomes[0].kind == "unreachable"
        session.close()
        assert len(outcomes) == 1


def test_sessions_end_their_threads(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        before = threading.active_count()
        for _ in range(5):
            session = open_session(service)
            SelectLoop(session).until(lambda session=session: session.state == "ready")
            session.close()
        assert threading.active_count() == before
    assert not any(thread.name == "doorkeeper" for thread in threading.enumerate())
