"""Real worker processes for tests, and the supervisor's side of their link."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import zmq

from backend.worker_link import SupervisorEnd
from backend.worker_messages import Ended, FromWorker, Happened, Run
from bridge.job_events import JobEvent

MODULE = "tests.backend.small_worker"
PATIENCE = 150.0
"""Seconds until a test gives up on a word: far more than a word takes on a busy machine."""


class WorkerProcess:
    """A worker with the small models. `counts` gets a line for every model that it opens and every forward."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.counts, self.log = folder / "counts.txt", folder / "worker.log"
        self.link = SupervisorEnd()
        self.words: list[FromWorker] = []
        words = {
            **os.environ,
            **self.link.environment("cpu"),
            "DYNVFX_TEST_COUNTS": str(self.counts),
            "OMP_NUM_THREADS": "1",
            **environment,
        }
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([sys.executable, "-m", MODULE], env=words, stdout=log, stderr=log)

    def until(self, wanted: Callable[[FromWorker], bool]) -> FromWorker:
        """The first word that is wanted; all that came are in `words`."""
        poller = zmq.Poller()
        poller.register(self.link.socket, zmq.POLLIN)
        deadline = time.monotonic() + PATIENCE
        seen = len(self.words)
        while True:
            self.words += self.link.receive()
            for index in range(seen, len(self.words)):
                if wanted(self.words[index]):
                    return self.words[index]
            seen = len(self.words)
            assert time.monotonic() < deadline, f"{self.words[-5:]}\n{self.log.read_text()[-2000:]}"
            poller.poll(1000)

    def carry_out(self, run: Run) -> tuple[list[JobEvent], Ended]:
        """Send a job and wait for its end: its events and its last word."""
        before = len(self.words)
        self.link.send(run)
        ended = self.until(lambda word: isinstance(word, Ended) and word.job == run.job)
        return self.events(before), ended

    def events(self, since: int = 0) -> list[JobEvent]:
        """The events among the words from number `since` on."""
        return [word.event for word in self.words[since:] if isinstance(word, Happened)]

    def counted(self, word: str) -> list[str]:
        """Lines of `counts` that begin with `word`."""
        if not self.counts.exists():
            return []
        return [line for line in self.counts.read_text("utf-8").splitlines() if line.startswith(word)]

    def exit_code(self) -> int:
        """Wait for the process."""
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End the process if it has not ended."""
        self.process.kill()
        self.process.wait()
        self.link.close()


@contextmanager
def worker(folder: Path, **environment: str) -> Iterator[WorkerProcess]:
    """A worker for the length of a block."""
    process = WorkerProcess(folder, **environment)
    try:
        yield process
    finally:
        process.close()
