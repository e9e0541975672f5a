"""The worker's end of its link: a thread that sends, receives and beats while the work continues in another."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Literal

import psutil
import zmq

from backend.worker.link import connect_worker, decode, encode
from backend.worker.messages import BEAT_EVERY, ORPHANED, SUPERVISOR, CancelRun, FromWorker, Heartbeat, Run, Shutdown

log = logging.getLogger(__name__)

WATCH_EVERY = 0.25
"""Seconds between two looks whether the supervisor lives."""
GOODBYE_MS = 2000
"""How long the last messages may take on their way out."""


class WorkerChannel:
    """Use it as a context from one thread. It beats from the start on; when the supervisor is gone the process ends.

    It ends at once, because nothing is lost: a job continues from its last stored step, and the next process needs
    the device and the job's folder.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.state: Literal["starting", "idle", "loading", "busy"] = "starting"
        self.job: str | None = None
        self.model: str | None = None
        """What the next heartbeats carry."""
        self._environment = environment
        self._runs: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        self._cancelled: set[str] = set()
        self._quitting = threading.Event()
        self._context = zmq.Context()
        self._outbox = self._context.socket(zmq.PAIR)
        self._outbox.bind("inproc://outbox")
        self._thread = threading.Thread(target=self._serve, name="link", daemon=True)

    def __enter__(self) -> WorkerChannel:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._outbox.send(b"")
        self._thread.join()
        self._outbox.close()
        self._context.destroy(linger=GOODBYE_MS)

    def next_run(self) -> Run | None:
        """Wait for the next job; None when the process is to end."""
        return self._runs.get()

    def send(self, message: FromWorker) -> None:
        """Send to the supervisor."""
        self._outbox.send(encode(message))

    def is_cancelled(self, job: str) -> bool:
        """Whether this job is to end now."""
        return job in self._cancelled

    @property
    def is_quitting(self) -> bool:
        """Whether the process is to end now."""
        return self._quitting.is_set()

    def _serve(self) -> None:
        supervisor = _Watched(int(self._environment[SUPERVISOR]))
        outbox = self._context.socket(zmq.PAIR)
        outbox.connect("inproc://outbox")
        link = connect_worker(self._context, self._environment)
        poller = zmq.Poller()
        poller.register(outbox, zmq.POLLIN)
        poller.register(link, zmq.POLLIN)
        beats = _Every(BEAT_EVERY)
        while True:
            if supervisor.is_gone:
                log.error("the supervisor is gone")
                os._exit(ORPHANED)
            if beats.is_due():
                link.send(encode(Heartbeat(state=self.state, job=self.job, model=self.model)))
            ready = dict(poller.poll(round(WATCH_EVERY * 1000)))
            if link in ready:
                self._received(link.recv())
            if outbox in ready:
                message = outbox.recv()
                if not message:
                    break
                link.send(message)
        outbox.close()
        link.close(linger=GOODBYE_MS)

    def _received(self, data: bytes) -> None:
        message = decode(data)
        if isinstance(message, Run):
            self._cancelled.discard(message.job)
            self._runs.put(message)
        elif isinstance(message, CancelRun):
            self._cancelled.add(message.job)
        elif isinstance(message, Shutdown):
            self._quitting.set()
            self._runs.put(None)


class _Watched:
    """A process, known by number and time of birth: numbers are given out again."""

    def __init__(self, pid: int) -> None:
        try:
            self._process: psutil.Process | None = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self._process = None

    @property
    def is_gone(self) -> bool:
        if self._process is None:
            return True
        try:
            return not self._process.is_running() or self._process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True


class _Every:
    """Due at once, then every so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._next = seconds, 0.0

    def is_due(self) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
