"""Real worker processes for tests, and the supervisor's side of their link.

A server process imports everything once and every worker is a fork of it, so that one costs no second.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import zmq

from backend.worker.link import SupervisorChannel
from backend.worker.messages import EventReported, FromWorker, Heartbeat, Run, RunEnded
from contract.events import JobEvent, decode_event

PATIENCE = 150.0
"""Seconds until a test gives up on a message: far more than a message takes on a busy machine."""


def context() -> multiprocessing.context.BaseContext:
    """Where processes of tests come from."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["backend.worker.worker_jobs", "tests.backend.worker.small_worker"])
    return server


def be_worker(environment: dict[str, str], log: Path) -> None:
    """The worker's process, from its first line on."""
    os.environ.update(environment)
    with open(log, "ab") as file:
        os.dup2(file.fileno(), 2)
    from tests.backend.worker.small_worker import work

    sys.exit(work())


class WorkerProcess:
    """A worker with the small models (`tests.backend.worker.small_worker`), as its supervisor sees it."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        """`environment` comes from another supervisor, when this process is not to be it."""
        self.counts, self.log = folder / "counts.txt", folder / "worker.log"
        self.link = SupervisorChannel()
        self.messages: list[FromWorker] = []
        messages = {
            **(environment or self.link.environment("cpu")),
            "DYNVFX_TEST_COUNTS": str(self.counts),
            "OMP_NUM_THREADS": "1",
        }
        self.process = context().Process(target=be_worker, args=(messages, self.log))
        self.process.start()

    def until(self, wanted: Callable[[FromWorker], bool], since: int | None = None) -> FromWorker:
        """The first message that is wanted, of those from number `since` on (None: new ones); `messages` has all."""
        poller = zmq.Poller()
        poller.register(self.link.socket, zmq.POLLIN)
        deadline = time.monotonic() + PATIENCE
        seen = len(self.messages) if since is None else since
        while True:
            self.messages += self.link.receive()
            for message in self.messages[seen:]:
                if wanted(message):
                    return message
            seen = len(self.messages)
            assert time.monotonic() < deadline, f"{self.messages[-5:]}\n{self.log.read_text()[-2000:]}"
            poller.poll(1000)

    def beats(self, count: int) -> None:
        """Wait for so many heartbeats: what was sent before them has reached the worker."""
        for _ in range(count):
            self.until(lambda message: isinstance(message, Heartbeat))

    def carry_out(self, run: Run) -> tuple[list[JobEvent], RunEnded]:
        """Send a job and wait for its end: its events and its last message."""
        before = len(self.messages)
        self.link.send(run)
        return self.end_of(run, before)

    def end_of(self, run: Run, since: int) -> tuple[list[JobEvent], RunEnded]:
        """Wait for a job's end: its events from message number `since` on and its last message."""
        ended = self.until(lambda message: isinstance(message, RunEnded) and message.job == run.job, since)
        events = [
            decode_event(message.event)
            for message in self.messages[since:]
            if isinstance(message, EventReported) and message.job == run.job
        ]
        return events, ended

    def count(self, message: str) -> int:
        """How many lines of `counts` begin with `message`."""
        if not self.counts.exists():
            return 0
        return sum(line.startswith(message) for line in self.counts.read_text("utf-8").splitlines())

    def reach_gate(self, forwards: int) -> None:
        """Wait until a "gated" model stands at its gate, having begun so many forwards."""
        deadline = time.monotonic() + PATIENCE
        while self.count("forward") < forwards:
            self.messages += self.link.receive()  # what waits for the worker's first message goes out with it
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.02)

    def open_gate(self) -> None:
        """Let it continue."""
        self.counts.with_suffix(".gate").touch()

    def exit_code(self) -> int:
        """Wait for the process."""
        self.process.join(PATIENCE)
        return self.process.exitcode

    def close(self) -> None:
        """End the process if it has not ended."""
        self.process.kill()
        self.process.join()
        self.link.close()


@contextmanager
def worker(folder: Path, environment: dict[str, str] | None = None) -> Iterator[WorkerProcess]:
    """A worker for the length of a block; `folder` gets its counts and its log."""
    folder.mkdir(parents=True, exist_ok=True)
    process = WorkerProcess(folder, environment)
    try:
        yield process
    finally:
        process.close()
