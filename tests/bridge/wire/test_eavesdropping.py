"""Whoever listens on the way learns nothing of prompts, pictures and paths, and cannot replay what was recorded."""

from __future__ import annotations

import random
import socket
import zlib
from pathlib import Path

from bridge.wire.messages import (
    Chunk,
    DownloadChunk,
    Events,
    GetJob,
    Hello,
    Numbered,
    Ping,
    Pong,
    Refused,
    Replay,
    Submit,
    UploadChunk,
)
from tests.bridge.wire.echo_service import EchoService, job_done, notice
from tests.bridge.wire.proxy import Proxy
from tests.bridge.wire.wire_fixtures import client_of, eventually
from tests.contract.sample_job import a_job
from tests.contract.sample_plan import a_plan

PROMPT = "add a massive whale behind the divers"
SECRET_PATH = "/projects/unreleased_film/shot_0420.mov"


def windows(data: bytes, length: int = 16) -> set[bytes]:
    return {data[at : at + length] for at in range(0, len(data) - length + 1, length)}


def test_neither_prompt_nor_pixel_is_readable(tmp_path: Path) -> None:
    chance = random.Random(3)
    up, down = chance.randbytes(50_000), b"\x10\x80\x80" * 20_000
    replies = {
        Submit: lambda _: Refused(kind="x", what=f"No room for {PROMPT!r}."),
        DownloadChunk: lambda _: Chunk(offset=0, data=down, digest=bytes(32)),
    }
    jobs = {"a": [notice(PROMPT), job_done()]}
    with EchoService(tmp_path, jobs=jobs, replies=replies) as service, Proxy(service.address) as proxy:
        with client_of(service, proxy.address) as client:
            spec = a_job(instruction=PROMPT, source=SECRET_PATH, plan=a_plan(source_caption=PROMPT))
            outcomes: list = []
            client.session.send(Submit(token="t", spec=spec), 10, outcomes.append)
            client.call(UploadChunk(sha256="0" * 64, offset=0, data=up, digest=bytes(32)))
            assert client.call(DownloadChunk(job="a", path="p", sha256="0" * 64, offset=0, length=9)).data == down
            assert [each.number for each in client.events("a")] == [1, 2]
        assert PROMPT in outcomes[0].what  # it did go over the wire, both ways
        assert any(isinstance(each, Submit) and each.spec.start.source == SECRET_PATH for each in service.requests)
        received = proxy.received
    assert len(received) > len(up) + len(down)
    for word in (PROMPT, "whale", SECRET_PATH, "unreleased", "submit", "upload_chunk", "instruction"):
        assert word.encode() not in received
        assert word.encode("utf-16-le") not in received
    assert not any(part in received for part in windows(up))
    assert b"\x10\x80\x80" * 5 not in received
    # Sealed bytes look like noise: not even that a picture is grey shows.
    assert len(zlib.compress(received, 9)) > 0.98 * len(received)
    for pair in (service.owner_pair, service.keys.service_pair()):
        assert pair.secret.encode() not in received


def test_the_same_words_never_look_the_same(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        received = []
        for _ in range(2):
            with Proxy(service.address) as proxy, client_of(service, proxy.address) as client:
                for _ in range(2):
                    client.call(UploadChunk(sha256="0" * 64, offset=0, data=bytes(400), digest=b""))
                received.append(bytes(proxy.to_service))
        # The last 400 bytes are sealed ones of the last chunk: all zeros before.
        assert not windows(received[0][-400:], 4) & windows(received[1][-400:], 4)
        assert len(windows(received[0][-400:], 4)) == 100


def test_what_was_recorded_cannot_be_played_back(tmp_path: Path) -> None:
    with EchoService(tmp_path) as service:
        with Proxy(service.address) as proxy, client_of(service, proxy.address) as client:
            client.call(UploadChunk(sha256="0" * 64, offset=0, data=bytes(400), digest=b""))
            received = bytes(proxy.to_service)
        before = len(service.requests)
        place = ("127.0.0.1", int(service.address.rpartition(":")[2]))
        for _ in range(10):
            with socket.create_connection(place, timeout=20) as peer:
                peer.sendall(received)
                while True:  # until the service ends the connection
                    try:
                        if not peer.recv(4096):
                            break
                    except ConnectionResetError:
                        break
        assert len(service.requests) == before
        with client_of(service) as client:
            assert isinstance(client.call(Ping()), Pong)


def test_a_message_cannot_be_sent_twice_within_its_connection(tmp_path: Path) -> None:
    doubled: list[bytes] = []

    def double(data: bytes, to_service: bool) -> bytes:
        if to_service and len(data) > 1000 and not doubled:
            doubled.append(data)
            return data + data
        return data

    with EchoService(tmp_path) as service, Proxy(service.address, change=double) as proxy:
        with client_of(service, proxy.address) as client:
            client.session.send(GetJob(job="c" * 2000), 20, lambda _: None)
            eventually(lambda: bool(service.departed), lambda: client.wait(0.02))
            eventually(lambda: client.session.connections >= 2, lambda: client.wait(0.02))
            arrived = lambda: any(isinstance(each, GetJob) for each in service.requests)  # noqa: E731
            eventually(arrived, lambda: client.wait(0.02))
    jobs = [each for each in service.requests if isinstance(each, GetJob)]
    assert len(doubled) == 1
    # Once over the broken connection, and perhaps once more by the client itself over the next one.
    assert 1 <= len(jobs) <= 2
    assert service.requests.count(jobs[0]) == len(jobs) <= sum(isinstance(each, Hello) for each in service.requests)


def test_events_are_sealed_too(tmp_path: Path) -> None:
    numbered = Numbered(number=1, time=0.0, event=notice(PROMPT * 50))
    replies = {Replay: lambda _: Events(job="a", events=(numbered,), last=1)}
    with EchoService(tmp_path, replies=replies) as service, Proxy(service.address) as proxy:
        with client_of(service, proxy.address) as client:
            assert client.call(Replay(job="a")).events[0].event.text == PROMPT * 50
        assert b"whale" not in proxy.received
