"""Ten thousand broken messages: none crashes the service, none is carried out that is not a request in good order.

Some come from clients with a key that is authorised (whatever they encrypt), some without any key, over bare TCP.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.wire.encoding import BadCall, DecodeError, decode_call, encode_call
from bridge.wire.messages import Approve, GetJob, Hello, Ping, Pong, Replay, Request, Submit, UploadChunk
from bridge.wire.server import version_mismatch
from tests.bridge.wire.echo_service import EchoService
from tests.bridge.wire.proxy import Proxy
from tests.bridge.wire.raw_client import RawClient, pack
from tests.bridge.wire.wire_fixtures import client_of, eventually, new_pair
from tests.contract.sample_job import a_job
from tests.contract.sample_plan import a_plan

AUTHORISED, HYPOTHESIS_RUNS, HYPOTHESIS_MESSAGES, TCP, FLIPPED = 5000, 60, 25, 3450, 50
assert AUTHORISED + HYPOTHESIS_RUNS * HYPOTHESIS_MESSAGES + TCP + FLIPPED == 10_000

GOOD: list[Request] = [
    Ping(),
    GetJob(job="a1b2c3d4e5f6"),
    Replay(job="a1b2c3d4e5f6", first=3, follow=True),
    Submit(token="t" * 20, spec=a_job(instruction="a whale behind the divers", source="/clips/a.mov")),
    Approve(job="a1b2c3d4e5f6", plan=a_plan(source_objects=("x", "y"))),
    UploadChunk(sha256="0" * 64, offset=12, data=bytes(range(200)), digest=bytes(32)),
    Hello(protocol_low=1, protocol_high=1, program="fuzz", version="0"),
]


def carried_out(message: bytes) -> bool:
    """Whether a message is a request in good order after all: changing a letter of a text leaves a text."""
    try:
        body = decode_call(message).body
    except (DecodeError, BadCall):
        return False
    return not isinstance(body, Hello) or version_mismatch(body.protocol_low, body.protocol_high) is None


def broken(chance: random.Random) -> bytes:
    """A good message with something done to it."""
    data = bytearray(encode_call(chance.randrange(1, 2**40), chance.choice(GOOD)))
    for _ in range(chance.choice([1, 1, 1, 2, 5])):
        at = chance.randrange(len(data)) if data else 0
        what = chance.randrange(7)
        if what == 0 and data:
            data[at] ^= 1 << chance.randrange(8)
        elif what == 1:
            del data[at:]
        elif what == 2:
            del data[at : at + chance.randrange(1, 9)]
        elif what == 3:
            data[at:at] = chance.randbytes(chance.randrange(1, 40))
        elif what == 4:
            data += data[at:]
        elif what == 5:
            data[at : at + 4] = struct.pack(">I", chance.choice([0, 2**31, 2**32 - 1]))
        else:
            data = bytearray(chance.randbytes(chance.randrange(300)))
    return bytes(data)


def alive(service: EchoService) -> None:
    with client_of(service, wait=60) as client:
        assert isinstance(client.call(Ping(), timeout=60), Pong)


def arrived(raw: RawClient) -> None:
    """Wait until everything that was sent before has been read, whatever was answered to it."""
    raw.socket.send(pack([2**62, Ping()]))
    ends = False
    while not ends:
        assert raw.socket.poll(60_000), "the service fell silent"
        ends = msgspec.msgpack.decode(raw.socket.recv())[0] == 2**62


@pytest.mark.slow
def test_messages_of_a_client_with_a_key(tmp_path: Path) -> None:
    chance = random.Random(20)
    with EchoService(tmp_path) as service:
        with RawClient(service) as raw:
            raw.greet()
            messages = []
            for n in range(AUTHORISED):
                messages.append(broken(chance))
                raw.socket.send(messages[-1])
                if n % 100 == 99:
                    arrived(raw)
        alive(service)
        good = [message for message in messages if carried_out(message)]
        # The greeting, a ping after each hundred, and what `alive` says.
        assert len(service.requests) == 1 + AUTHORISED // 100 + 2 + len(good)
        assert service.server.dropped > AUTHORISED / 10
        assert len(good) < AUTHORISED / 2


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20) | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
tags = st.sampled_from([kind.__struct_config__.tag for kind in Request.__args__]) | st.text(max_size=8)
fields = st.sampled_from(
    ["job", "plan", "token", "spec", "first", "limit", "data", "sha256", "offset", "take", "notes"]
)


@st.composite
def shaped(draw: st.DrawFn) -> bytes:
    body = {"type": draw(tags), **draw(st.dictionaries(fields, json_like, max_size=4))}
    return pack([draw(st.integers(-5, 2**62)), body, *draw(st.lists(json_like, max_size=2))])


fuzzed = st.lists(
    st.binary(max_size=80) | json_like.map(pack) | shaped(), min_size=HYPOTHESIS_MESSAGES, max_size=HYPOTHESIS_MESSAGES
)


@pytest.mark.slow
@pytest.mark.parametrize("greeted", [False, True])
def test_messages_that_hypothesis_thinks_of(tmp_path: Path, greeted: bool) -> None:
    with EchoService(tmp_path) as service, RawClient(service) as raw:
        if greeted:
            raw.greet()
        sent: list[bytes] = []

        @settings(
            max_examples=HYPOTHESIS_RUNS // 2,
            database=None,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(fuzzed)
        def send(messages: list[bytes]) -> None:
            sent.extend(messages)
            for message in messages:
                raw.socket.send(message)
            arrived(raw)

        send()
        assert len(sent) >= HYPOTHESIS_RUNS // 2 * HYPOTHESIS_MESSAGES
        alive(service)
        if not greeted:  # nothing but a hello reaches the service, and none was among them
            assert not any(isinstance(decode_call(each).body, Hello) for each in sent if carried_out(each))
            assert [type(each) for each in service.requests] == [Hello, Ping]


def conversation(service: EchoService, folder: Path) -> bytes:
    """All that a client sent to the service in a good connection, as it went over the wire."""
    with Proxy(service.address) as proxy, client_of(service, proxy.address) as client:
        for request in (Ping(), UploadChunk(sha256="0" * 64, offset=0, data=bytes(500), digest=b"")):
            client.call(request)
        return bytes(proxy.to_service)


GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x01"


def foreign(chance: random.Random, recorded: bytes) -> bytes:
    """What anyone without a key may send over TCP."""
    data = bytearray(recorded)
    what = chance.randrange(10)
    if what == 0:  # replayed as recorded, whole or in part
        return bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
    if what <= 3:
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    elif what == 4:  # after a good greeting
        data[64:] = chance.randbytes(chance.randrange(400))
    elif what == 5:  # other mechanisms
        name = chance.choice([b"NULL", b"PLAIN", b"GSSAPI", b"CURVE", chance.randbytes(20)])
        ready = b"\x04\x26\x05READY\x0bSocket-Type\x00\x00\x00\x06DEALER\x08Identity\x00\x00\x00\x00"
        return GREETING + name.ljust(20, b"\0") + bytes(32) + ready + b"\x00\x03" + chance.randbytes(3)
    elif what == 6:  # a frame that says it is enormous
        size = chance.choice([2**31, 2**40, 2**63 - 1, 2**64 - 1])
        data[64:] = bytes([chance.choice([2, 3, 6])]) + struct.pack(">Q", size) + chance.randbytes(200)
    elif what == 7:  # commands in another order
        return bytes(data[:64] + data[266:] + data[64:266])
    elif what == 8:
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(1, 200)] = chance.randbytes(chance.randrange(200))
    else:
        return chance.choice([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"SSH-2.0-x\r\n", b"\x16\x03\x01", b""]) + (
            chance.randbytes(chance.randrange(300))
        )
    return bytes(data)


@pytest.mark.slow
def test_bytes_of_anybody_over_tcp(tmp_path: Path) -> None:
    chance = random.Random(21)
    with EchoService(tmp_path) as service:
        recorded = conversation(service, tmp_path)
        before = len(service.requests)
        place = ("127.0.0.1", int(service.address.rpartition(":")[2]))
        for n in range(TCP):
            with closing(socket.create_connection(place, timeout=30)) as peer:
                try:
                    peer.sendall(foreign(chance, recorded))
                    if n % 4 == 0:  # some listen for the greeting, as an honest peer does
                        peer.recv(64)
                except OSError:
                    pass  # the service has ended the connection already
        alive(service)
        assert [type(each) for each in service.requests[before:]] == [Hello, Ping]
        assert service.server.dropped == 0


@pytest.mark.slow
def test_bits_that_flip_in_a_good_connection(tmp_path: Path) -> None:
    """After the handshake each message is sealed: a changed bit ends the connection and nothing else."""
    with EchoService(tmp_path) as service:
        for flip in flips():
            with Proxy(service.address) as proxy, RawClient(service, address=proxy.address, reconnect=False) as raw:
                raw.greet()
                known = len(service.departed)
                proxy.change = flip
                raw.socket.send(pack([2, GetJob(job="b" * 40)]))
                eventually(lambda known=known: len(service.departed) == known + 1)
        alive(service)
        assert not any(isinstance(each, GetJob) for each in service.requests)
        assert service.server.dropped == 0


def flips() -> Iterator[Any]:
    chance = random.Random(22)
    for _ in range(FLIPPED):

        def flip(data: bytes, to_service: bool, at: float = chance.random(), bit: int = chance.randrange(8)) -> bytes:
            if not to_service:
                return data
            changed = bytearray(data)
            # Not the length: a longer frame is only waited for.
            place = 2 + int(at * (len(data) - 2))
            changed[place] ^= 1 << bit
            return bytes(changed)

        yield flip


def test_keys_that_are_not_let_in_get_nothing_through(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        for _ in range(20):
            with RawClient(service, new_pair()) as raw:
                raw.socket.send(pack([1, Hello(protocol_low=1, protocol_high=1, program="x", version="0")]))
                assert not raw.socket.poll(20)
        alive(service)
        assert [type(each) for each in service.requests] == [Hello, Ping]
