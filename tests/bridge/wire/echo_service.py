"""A small service over the real wire, for tests of the wire: jobs are lists of events in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import Queue
from typing import Any, TypeVar

import zmq

from bridge.wire.keys import KeyFolder, KeyPair
from bridge.wire.messages import (
    EventPushed,
    Events,
    Hello,
    Limits,
    Numbered,
    Ping,
    Pong,
    Refused,
    Replay,
    Reply,
    Request,
    UploadChunk,
    UploadState,
    Welcome,
)
from bridge.wire.server import DEFAULT_LIMITS, Incoming, WireServer, common_protocol
from contract.events import AnyJobEvent, JobDone, JobNotice

Result = TypeVar("Result")


def notice(text: str) -> JobNotice:
    return JobNotice(kind="test", text=text)


def job_done() -> JobDone:
    return JobDone(output="/out", takes=[1], timeline=None)


class EchoService:
    """Runs a `WireServer` in a thread until `close`. `requests` lists all that came in; `jobs` outlive a restart.

    `replies` adds what it answers: a function from a request to a reply (None: no answer at all).
    """

    def __init__(
        self,
        folder: Path,
        *,
        address: str = "tcp://127.0.0.1:*",
        jobs: dict[str, list[AnyJobEvent]] | None = None,
        replies: dict[type, Callable[[Incoming], Reply | None]] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        page: int = 1000,
    ) -> None:
        self.keys = KeyFolder(folder)
        self.limits, self.page = limits, page
        self.jobs = {} if jobs is None else jobs
        self.requests: list[Request] = []
        self.pushed_until: dict[tuple[bytes, str], int] = {}
        self.departed: list[bytes] = []
        self.paused = threading.Event()
        self.replies = replies or {}
        self.server = WireServer(address, self.keys, limits=limits)
        self.address = self.server.bound_address
        self.server_key = self.keys.service_pair().public
        self._ended = threading.Event()
        self._actions: Queue[tuple[Callable[[WireServer], Any], Future[Any]]] = Queue()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="echo-service", daemon=True)
        self._thread.start()

    @property
    def owner_pair(self) -> KeyPair:
        return self.keys.client_pair()

    def do(self, action: Callable[[WireServer], Result]) -> Result:
        """Have the service's thread do something with its server, which is for one thread only."""
        done: Future[Result] = Future()
        self._actions.put((action, done))
        return done.result(timeout=60)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self.server.close()
        if self.error is not None:
            raise self.error

    def __enter__(self) -> EchoService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self.server.socket, zmq.POLLIN)
        try:
            while not self._ended.is_set():
                poller.poll(5)
                if self.paused.is_set():
                    self._ended.wait(0.005)
                    continue
                for incoming in self.server.receive():
                    self.requests.append(incoming.body)
                    reply = self._reply(incoming)
                    if reply is not None:
                        self.server.answer(incoming, reply)
                self._push()
                while not self._actions.empty():
                    action, done = self._actions.get()
                    done.set_result(action(self.server))
        except BaseException as error:  # noqa: BLE001 - handed on by close
            self.error = error

    def _push(self) -> None:
        gone = self.server.departed()
        self.departed.extend(gone)
        for connection, job in list(self.pushed_until):
            if connection in gone:
                del self.pushed_until[connection, job]
                continue
            events = self.jobs.get(job, [])
            while self.pushed_until.get((connection, job), len(events)) < len(events):
                number = self.pushed_until[connection, job] + 1
                event = Numbered(number=number, time=0.0, event=events[number - 1])
                if self.server.push([connection], EventPushed(job=job, event=event)):
                    break
                self.pushed_until[connection, job] = number

    def _reply(self, incoming: Incoming) -> Reply | None:
        body = incoming.body
        if type(body) in self.replies:
            return self.replies[type(body)](incoming)
        if isinstance(body, Hello):
            return Welcome(
                protocol=common_protocol(body),
                version="1",
                service="test",
                capabilities=(),
                limits=self.limits,
                media_roots=(),
                shared=False,
                owner=incoming.client == self.owner_pair.public,
            )
        if isinstance(body, Ping):
            return Pong(state="idle", workers=(), queued=0, running=0, paused=False)
        if isinstance(body, Replay):
            return self._replay(incoming, body)
        if isinstance(body, UploadChunk):
            return UploadState(sha256=body.sha256, have=body.offset + len(body.data), complete=False)
        return Refused(kind="not_here", what=f"{type(body).__name__} is not served here.")

    def _replay(self, incoming: Incoming, body: Replay) -> Reply:
        events = self.jobs.get(body.job)
        if events is None:
            return Refused(kind="not_found", what="There is no such job.")
        count = len(events)
        if body.follow:
            self.pushed_until[incoming.connection, body.job] = count
        else:
            self.pushed_until.pop((incoming.connection, body.job), None)
        chosen = range(body.first, min(count, body.first + min(body.limit, self.page) - 1) + 1)
        numbered = tuple(Numbered(number=n, time=0.0, event=events[n - 1]) for n in chosen)
        return Events(job=body.job, events=numbered, last=count)
