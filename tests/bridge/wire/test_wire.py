"""Client and service over a real socket: who is authorised, what is refused, and what a caller learns of it."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.wire.messages import Closing, GetJob, GetStats, Hello, Limits, ListTakes, Ping, Pong, Refused, UploadChunk
from bridge.wire.server import CONNECTIONS, Incoming, WireServer, version_mismatch
from contract.errors import BadAddress, BadKey, ProtocolError, Refusal, TooLarge, Unreachable
from tests.bridge.wire.echo_service import EchoService
from tests.bridge.wire.raw_client import RawClient, pack
from tests.bridge.wire.wire_fixtures import client_of, eventually, new_pair


def connections(service: EchoService) -> dict[bytes, str]:
    return service.do(lambda server: dict(server.connections))


def test_a_call_and_its_reply(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, client_of(service) as client:
        assert isinstance(client.call(Ping()), Pong)
        assert client.welcome.owner
        assert client.welcome.limits == service.limits
        assert [type(each) for each in service.requests] == [Hello, Ping]


def test_many_calls_keep_their_order(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, client_of(service) as client:
        chunks = [UploadChunk(sha256="0" * 64, offset=n, data=b"", digest=b"") for n in range(500)]
        assert [reply.have for reply in client.call_many(chunks, window=16)] == list(range(500))
        assert list(client.call_many([])) == []


def test_a_refusal_is_reported_with_its_kind(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, client_of(service) as client:
        with pytest.raises(Refusal, match="GetStats is not served") as caught:
            client.call(GetStats())
        assert caught.value.kind == "not_here"
        replies = client.call_many([Ping(), GetStats(), Ping()])
        assert isinstance(next(replies), Pong)
        with pytest.raises(Refusal):
            next(replies)
        assert isinstance(client.call(Ping()), Pong)


def test_another_user_is_let_in_and_out_while_it_runs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    guest = new_pair()
    with EchoService(tmp_path) as service:
        with caplog.at_level(logging.WARNING), pytest.raises(Refusal) as caught:
            client_of(service, pair=guest)
        assert caught.value.kind == "not_authorised"
        assert f"dynvfx keys authorize '{guest.public}'" in caught.value.remedy
        assert guest.public in caplog.text
        service.keys.authorize(guest.public, "guest")
        with client_of(service, pair=guest) as client:
            assert not client.welcome.owner
            assert isinstance(client.call(Ping()), Pong)
            service.keys.revoke("guest")
            with pytest.raises(Refusal) as caught:
                client.call(Ping())
            assert caught.value.kind == "not_authorised"
            eventually(lambda: client.session.state == "refused", lambda: client.wait(0.05))
            with pytest.raises(Refusal):  # neither over a new connection
                client.call(Ping())
        assert all(isinstance(each, Hello | Ping) for each in service.requests)


def test_a_session_that_was_refused_is_ready_once_it_is_authorised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.wire.link.BACKOFF_LONGEST", 0.3)
    guest = new_pair()
    with EchoService(tmp_path) as service:
        service.keys.authorize(guest.public, "guest")
        with client_of(service, pair=guest) as client:
            service.keys.revoke("guest")
            with pytest.raises(Refusal):
                client.call(Ping())
            service.keys.authorize(guest.public, "guest")
            eventually(lambda: client.session.state == "ready", lambda: client.wait(0.2))
            assert isinstance(client.call(Ping()), Pong)


def test_nothing_is_pushed_to_a_revoked_client(tmp_path: Path) -> None:
    guest = new_pair()
    with EchoService(tmp_path) as service:
        service.keys.authorize(guest.public, "guest")
        with client_of(service, pair=guest):
            (connection,) = connections(service)
            assert service.do(lambda server: server.push([connection], Closing())) == []
            service.keys.revoke("guest")
            assert service.do(lambda server: server.push([connection], Closing())) == [connection]
            eventually(lambda: connection in service.departed)
            assert connection not in connections(service)


def test_a_service_with_another_key_is_not_believed(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        service.server_key = new_pair().public
        with pytest.raises(Unreachable, match="does not prove to be") as caught:
            client_of(service, wait=2.5)
        assert "Compare the backend's key" in caught.value.remedy
        assert service.requests == []


def test_no_backend_there(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        pass
    with pytest.raises(Unreachable, match="No backend answers"):
        client_of(service, wait=0.3)


@pytest.mark.parametrize("address", ["tcp://", "localhost:77", "udp://x:1", "tcp://127.0.0.1:99999999"])
def test_what_is_no_address(tmp_path: Path, address: str) -> None:
    with EchoService(tmp_path) as service, pytest.raises(BadAddress):
        client_of(service, address)


def test_what_is_no_key_of_a_service(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        service.server_key = "nonsense"
        with pytest.raises(BadKey):
            client_of(service)


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, pytest.raises(BadAddress, match="Address already in use"):
        WireServer(service.address, service.keys)


@pytest.mark.parametrize(("low", "high", "side"), [(2, 5, "service"), (0, 0, "client"), (3, 2, "service")])
def test_versions_that_do_not_meet(low: int, high: int, side: str) -> None:
    refusal = version_mismatch(low, high)
    assert refusal is not None
    assert refusal.kind == "version_mismatch"
    assert refusal.remedy == f"Update the {side}."


def test_a_newer_client_that_still_speaks_our_version(tmp_path: Path) -> None:
    assert version_mismatch(1, 9) is None
    with EchoService(tmp_path) as service, RawClient(service) as raw:
        _, welcome = raw.ask(pack([1, Hello(protocol_low=1, protocol_high=9, program="raw", version="0")]))
        assert welcome["protocol"] == 1


def test_an_older_client_is_asked_to_update(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, RawClient(service) as raw:
        number, refused = raw.ask(pack([8, Hello(protocol_low=0, protocol_high=0, program="raw", version="0")]))
        assert (number, refused["kind"], refused["remedy"]) == (8, "version_mismatch", "Update the client.")
        assert raw.ask(pack([9, Ping()]))[1]["kind"] == "not_greeted"
        assert service.requests == []


def test_a_service_of_another_version_refuses_for_good(tmp_path: Path) -> None:
    def older(_: object) -> Refused:
        return Refused(kind="version_mismatch", what="No common version.", remedy="Update the backend.")

    with EchoService(tmp_path, replies={Hello: older}) as service, pytest.raises(Refusal, match="Update the backend"):
        client_of(service)


def test_nothing_is_answered_before_hello(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, RawClient(service) as raw:
        number, refused = raw.ask(pack([5, GetJob(job="a")]))
        assert (number, refused["type"], refused["kind"]) == (5, "refused", "not_greeted")
        assert service.requests == []
        assert raw.greet()[1]["type"] == "welcome"
        assert raw.ask(pack([6, Ping()]))[1]["type"] == "pong"


def test_unknown_and_wrong_requests_are_refused_by_number(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, RawClient(service) as raw:
        raw.greet()
        number, refused = raw.ask(pack([2, {"type": "dance"}]))
        assert (number, refused["kind"], refused["remedy"]) == (2, "unknown_request", "Update the backend.")
        number, refused = raw.ask(pack([3, {"type": "job", "job": 5}]))
        assert (number, refused["kind"]) == (3, "bad_request")
        assert service.server.dropped == 0


def test_garbage_is_dropped_and_counted(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, RawClient(service) as raw:
        raw.greet()
        raw.socket.send(b"\xff\xff")
        raw.socket.send_multipart([pack([2, Ping()]), pack([3, Ping()])])
        raw.socket.send(b"")
        assert raw.ask(pack([4, Ping()]))[0] == 4
        assert service.server.dropped == 3
        assert [type(each) for each in service.requests] == [Hello, Ping]


def test_chunks_and_messages_have_a_largest_size(tmp_path: Path) -> None:
    limits = Limits(message_bytes=4096, chunk_bytes=1024, transfers=1, queue=1)
    with EchoService(tmp_path, limits=limits) as service, client_of(service) as client:
        with pytest.raises(TooLarge, match="4096"):
            client.call(GetJob(job="a" * 5000))
        with pytest.raises(Refusal, match="1024") as caught:
            client.call(UploadChunk(sha256="0" * 64, offset=0, data=bytes(1025), digest=b""))
        assert caught.value.kind == "too_large"
        exact = GetJob(job="a" * (4096 - len(pack([4, GetJob(job="")])) - 2))  # 2: a longer text has a longer head
        with pytest.raises(Refusal) as caught:
            client.call(exact)
        assert caught.value.kind == "not_here"  # it came through


def test_an_oversized_message_ends_its_connection_only(tmp_path: Path) -> None:
    limits = Limits(message_bytes=4096, chunk_bytes=1024, transfers=1, queue=1)
    with EchoService(tmp_path, limits=limits) as service, client_of(service) as client, RawClient(service) as raw:
        raw.greet()
        assert len(connections(service)) == 2
        raw.socket.send(pack([2, GetJob(job="a" * 100_000)]))
        eventually(lambda: len(service.departed) == 1)
        assert isinstance(client.call(Ping()), Pong)
        assert not any(isinstance(each, GetJob) for each in service.requests)


def test_an_answer_that_no_client_would_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.wire.server.ANSWER_BYTES", 1000)
    long = Refused(kind="x", what="y" * 2000)
    with EchoService(tmp_path, replies={ListTakes: lambda _: long}) as service, client_of(service) as client:
        with pytest.raises(Refusal, match="Ask for less") as caught:
            client.call(ListTakes())
        assert caught.value.kind == "too_large"


def test_an_answer_of_a_kind_that_is_not_known(tmp_path: Path) -> None:
    def verdict(incoming: Incoming) -> None:
        service.server.socket.send_multipart([incoming.connection, pack([incoming.number, {"type": "verdict"}])])

    with EchoService(tmp_path, replies={GetStats: verdict}) as service, client_of(service) as client:
        with pytest.raises(ProtocolError, match="Update this program"):
            client.call(GetStats())
        assert isinstance(client.call(Ping()), Pong)


def test_pushes_that_are_not_known_are_ignored(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service, client_of(service) as client:
        (connection,) = connections(service)
        weather = pack([0, {"type": "weather", "rain": True}])
        service.do(lambda server: server.socket.send_multipart([connection, weather]))
        pushed: list = []
        client.session.on_push = pushed.append
        service.do(lambda server: server.push([connection], Closing()))
        eventually(lambda: bool(pushed), lambda: client.wait(0.1))
        assert pushed == [Closing()]


def test_no_answer_within_the_time(tmp_path: Path) -> None:
    with EchoService(tmp_path, replies={GetStats: lambda _: None}) as service, client_of(service) as client:
        with pytest.raises(Unreachable, match="did not answer within 0.1 seconds"):
            client.call(GetStats(), timeout=0.1)
        assert isinstance(client.call(Ping()), Pong)


def test_too_many_connections_of_one_client(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        with ExitStack() as opened:
            for _ in range(CONNECTIONS):
                assert opened.enter_context(RawClient(service)).greet()[1]["type"] == "welcome"
            with RawClient(service) as raw:
                assert raw.greet()[1]["kind"] == "too_many_connections"
                assert raw.ask(pack([2, Ping()]))[1]["kind"] == "not_greeted"
        eventually(lambda: not connections(service))
        with RawClient(service) as raw:
            assert raw.greet()[1]["type"] == "welcome"


def test_a_routing_id_of_another_client_gives_nothing(tmp_path: Path) -> None:
    """The routing id that ZeroMQ gave a client is no secret: whoever takes it over must not get its pushes."""
    guest = new_pair()
    with EchoService(tmp_path) as service:
        service.keys.authorize(guest.public, "guest")
        with RawClient(service, routing_id=b"mine") as first:
            first.greet()
            assert connections(service) == {b"mine": service.owner_pair.public}
        with RawClient(service, guest, routing_id=b"mine") as second:
            # Nothing was sent by the second, so that only the end of the first can have reached the service.
            eventually(lambda: b"mine" in service.departed)
            assert service.do(lambda server: server.push([b"mine"], Closing())) == [b"mine"]
            assert second.ask(pack([3, Ping()]))[1]["kind"] == "not_greeted"


def test_departures_are_noticed(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        with client_of(service):
            assert len(connections(service)) == 1
        eventually(lambda: len(service.departed) == 1)
        assert not connections(service)


def test_closing_twice(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        client = client_of(service)
        client.close()
        client.close()
    service.server.close()
