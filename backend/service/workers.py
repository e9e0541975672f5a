"""The worker processes: one for each device, started, watched, and started again."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from backend.worker.link import SupervisorChannel
from backend.worker.messages import CancelRun, EventReported, FromWorker, Heartbeat, Ready, Run, RunEnded, Shutdown
from backend.worker.process_control import end_tree, start_apart, start_time
from bridge.wire.messages import Worker
from contract.atomic_file import write_atomically
from contract.states import WorkerState

WORKER_MODULE = "backend.worker.main"
CANCEL_PATIENCE = 5.0
"""Seconds that a worker has to end a cancelled job before its process is killed."""
SILENCE = 300.0
"""Seconds without a beat after which a worker hangs. Beats come from a thread, but loading a model may hold it up."""
LAST_MESSAGES = 0.1
"""Seconds for which messages of a worker that has died may still be on their way."""
RESTARTS = (0.0, 0.5, 1.0, 2.0)
"""Seconds before a worker is started again, by how often in a row it died before it was ready."""

log = logging.getLogger(__name__)


@dataclass
class Death:
    """A worker's process has ended. `job` is the one that it was at."""

    worker: DeviceWorker
    job: str | None
    how: str


class DeviceWorker:
    """The worker of one device ("cpu", "cuda:1", "mps"; None: the best one, which the worker finds)."""

    def __init__(
        self,
        device: str | None,
        log_file: Path,
        *,
        module: str = WORKER_MODULE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._asked, self._log_file, self._module, self._clock = device, log_file, module, clock
        self.device = device or "auto"
        self.model: str | None = None
        self.job: str | None = None
        """The job that was assigned to it and has not ended."""
        self.wanted = False
        """Whether a process is to be started when there is none; see `Workers.start`."""
        self.link: SupervisorChannel | None = None
        self.pid, self.started = 0, 0.0
        self._process: subprocess.Popen | None = None
        self._last_message = self._since = clock()
        # Free for a job; its process starts with the first one.
        self._state: WorkerState = "idle"
        self._ready = False
        self._failed_starts = 0
        self._start_at = 0.0
        self._kill_at: float | None = None
        self._gone_at: float | None = None

    # What it is doing -------------------------------------------------------------------------------------------------

    @property
    def is_free(self) -> bool:
        """Whether it can take a job now."""
        return self._process is not None and self._ready and self.job is None and self._gone_at is None

    @property
    def is_there(self) -> bool:
        """Whether its process, started or starting, can take a job or will be able to."""
        return self._process is not None and self.job is None and self._gone_at is None

    @property
    def is_given_up(self) -> bool:
        """It died too often while it was starting; `reset_backoff` lets it be started again."""
        return self._failed_starts >= len(RESTARTS)

    def seen(self) -> Worker:
        """For clients."""
        return Worker(
            device=self.device,
            state=self._state,
            job=self.job,
            model=self.model,
            since=max(0.0, self._clock() - self._since),
        )

    def next_due(self) -> float | None:
        """When `check` is to be called though no message came, on the clock."""
        if self._process is None:
            return self._start_at if self.wanted and not self.is_given_up else None
        moments = [self._last_message + SILENCE]
        if self._kill_at is not None:
            moments.append(self._kill_at)
        if self._gone_at is not None:
            moments.append(self._gone_at + LAST_MESSAGES)
        return min(moments)

    # What is done with it ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the process if it is due; a failure to start counts as a death."""
        if self._process is not None or self.is_given_up or self._clock() < self._start_at:
            return
        self.link = SupervisorChannel()
        environment = {**os.environ, **self.link.environment(self._asked)}
        try:
            self._process = start_apart([sys.executable, "-m", self._module], environment, self._log_file)
        except OSError as error:
            log.error("the worker for %s cannot be started: %s", self.device, error)
            self._ended()
            return
        self.pid, self.started = self._process.pid, start_time(self._process.pid)
        self._last_message = self._clock()
        self._enter("starting")
        log.info("worker %d for %s started", self.pid, self.device)

    def assign(self, run: Run) -> None:
        """Give it a job."""
        assert self.link is not None, "a worker that is free is running"
        self.job = run.job
        self._enter("loading")
        self.link.send(run)

    def cancel(self) -> None:
        """Have it end its job soon; the process is killed when it does not."""
        if self.job is not None and self._kill_at is None and self.link is not None:
            self.link.send(CancelRun(job=self.job))
            self._kill_at = self._clock() + CANCEL_PATIENCE

    def quit(self, patience: float) -> None:
        """Have the process end after the step under way, or at the latest in `patience` seconds, and start no other."""
        self.wanted = False
        if self._process is not None and self.link is not None:
            self.link.send(Shutdown())
            self._kill_at = self._clock() + patience

    def receive(self) -> list[FromWorker]:
        """What it sent; its state follows from that."""
        if self.link is None:
            return []
        messages = self.link.receive()
        for message in messages:
            self._note(message)
        return messages

    def check(self) -> Death | None:
        """Kill it when it is due; its death is returned once, after all its messages."""
        if self._process is None:
            return None
        now = self._clock()
        if self._kill_at is not None and now >= self._kill_at:
            log.warning("worker %d did not stop in time and is killed", self.pid)
            self.kill()
        elif now - self._last_message > SILENCE:
            log.warning("worker %d has sent nothing for %.0f s and is killed", self.pid, now - self._last_message)
            self.kill()
        if self._process.poll() is None:
            return None
        if self._gone_at is None:
            self._gone_at = now
        if now - self._gone_at < LAST_MESSAGES:
            return None
        how = _how(self._process.returncode)
        death = Death(self, self.job, how)
        log.info("worker %d for %s %s", self.pid, self.device, how)
        self._ended()
        return death

    def kill(self, patience: float = 0.0) -> None:
        """End the process and all that it started, now; wait for their end for up to `patience` seconds."""
        if self._process is not None:
            self._kill_at = None
            end_tree(self.pid, self.started, patience)

    def reset_backoff(self) -> None:
        """Start it again at once if it was given up."""
        if self.is_given_up:
            self._failed_starts, self._start_at = 0, self._clock()

    def log_tail(self) -> str:
        """The end of what its processes printed."""
        try:
            lines = self._log_file.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return " / ".join(line.strip() for line in lines[-4:] if line.strip())[-400:]

    def _note(self, message: FromWorker) -> None:
        self._last_message = self._clock()
        if isinstance(message, Ready):
            self.device = message.device
            self._ready, self._failed_starts = True, 0
            self._enter("idle")
        elif isinstance(message, Heartbeat):
            self.model = message.model
            # A heartbeat may have been on its way when a job was assigned.
            if message.job == self.job:
                self._enter(message.state)
        elif isinstance(message, EventReported):
            if message.job == self.job and self._state == "loading":
                self._enter("busy")
        elif isinstance(message, RunEnded) and message.job == self.job:
            self.job, self._kill_at = None, None
            self._ready = self._ready and not message.leaving
            self._enter("idle")

    def _enter(self, state: WorkerState) -> None:
        if state != self._state:
            self._state, self._since = state, self._clock()

    def _ended(self) -> None:
        if self._ready:
            self._failed_starts = 0
        else:
            self._failed_starts += 1
        self._start_at = self._clock() + RESTARTS[min(self._failed_starts, len(RESTARTS) - 1)]
        if self.link is not None:
            self.link.close()
        self.link = self._process = self.job = self.model = self._kill_at = self._gone_at = None
        self._ready = False
        self._enter("stopped")


class Workers:
    """All of them. `record` is the file in which their processes are written down, for a successor to end them."""

    def __init__(self, workers: Sequence[DeviceWorker], record: Path) -> None:
        self._all, self._record = tuple(workers), record
        self._written: list[tuple[int, float]] | None = None

    def __iter__(self):  # noqa: ANN204
        return iter(self._all)

    def start(self, wanted: int) -> None:
        """Have as many processes without a job as are `wanted`; one that runs stays, wanted or not.

        A process holds hundreds of megabytes before it does anything: a list of jobs needs none.
        Raises OutOfDisk when the processes cannot be written down.
        """
        lacking = wanted - sum(worker.is_there for worker in self._all)
        for worker in self._all:
            if worker.link is None:
                worker.wanted = lacking > 0 and not worker.is_given_up
                lacking -= worker.wanted
            if worker.wanted:
                worker.start()
        running = [(worker.pid, worker.started) for worker in self._all if worker.link is not None]
        if running != self._written:
            write_atomically(self._record, msgspec.json.encode(running))
            self._written = running

    def at(self, job: str) -> DeviceWorker | None:
        """The worker that is at a job."""
        return next((worker for worker in self._all if worker.job == job), None)


def end_orphans(record: Path) -> None:
    """End the workers of a service that was killed: they may hold a job's folder, and a device's memory."""
    try:
        left = msgspec.json.decode(record.read_bytes(), type=list[tuple[int, float]])
    except (OSError, msgspec.MsgspecError):
        return
    for pid, started in left:
        end_tree(pid, started)
    record.unlink(missing_ok=True)


def _how(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
