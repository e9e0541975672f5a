"""Brings queued jobs to free workers, and what workers report into the ledger."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

from backend.jobs.failures import WorkerDied, failure_of
from backend.ledger.ledger import Ledger
from backend.ledger.rows import JobRow
from backend.service.admission import Admission
from backend.service.disk_guard import DiskGuard
from backend.service.subscriptions import Subscriptions
from backend.service.workers import Death, DeviceWorker, Workers
from backend.worker.messages import EventReported, FromWorker, RunEnded
from bridge.files.errors import StoreFull
from bridge.wire.messages import Failure
from contract.errors import OutOfDisk, Problem, Unexpected
from contract.events import JobNotice, TakeDone, decode_event
from contract.states import ENDED, RUNNING, CancelOutcome

MOST_DEATHS = 3
"""Workers that may die at a job in a row, without a step forward, before it is given up."""
DISK_RETRY = 1.0
"""Seconds between two attempts to write what the ledger's full disk did not take."""
QUIT_PATIENCE = 10.0

log = logging.getLogger(__name__)


class WorkerUnavailable(Problem):
    """No worker process can be started."""

    kind = "worker_unavailable"


class Scheduler:
    """`tick` is called from the loop. Nothing that a worker sent is lost while the ledger cannot be written: it waits
    here, and the worker's later messages behind it."""

    def __init__(
        self,
        ledger: Ledger,
        workers: Workers,
        admission: Admission,
        subscriptions: Subscriptions,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._workers = ledger, workers
        self._admission, self._subscriptions = admission, subscriptions
        self._clock = clock
        self._waiting: dict[DeviceWorker, deque[FromWorker | Death]] = {worker: deque() for worker in workers}
        self._disk = DiskGuard(clock)
        self._write_again_at: float | None = None
        self._prewarming = False
        self.stopping = False

    @property
    def is_busy(self) -> bool:
        """Whether any worker has a job."""
        return any(worker.job is not None or self._waiting[worker] for worker in self._workers)

    @property
    def is_over(self) -> bool:
        """Whether, after `stop`, all workers have ended and all that they sent is in the ledger."""
        return self.stopping and not self.is_busy and all(worker.link is None for worker in self._workers)

    def next_due(self) -> float | None:
        """When `tick` is to be called though no message came, on the clock."""
        moments = [worker.next_due() for worker in self._workers]
        moments += [self._write_again_at, self._disk.next_look]
        return min((moment for moment in moments if moment is not None), default=None)

    def tick(self) -> None:
        """Take in what workers sent, check on them, assign jobs."""
        try:
            for worker in self._workers:
                self._receive(worker)
            self._write_again_at = None
            if not self.stopping:
                self._workers.start(self._workers_wanted())
                self._fail_without_workers()
                self._assign_jobs()
        except OutOfDisk as problem:
            if self._write_again_at is None:
                log.error("waiting for space: %s", problem)
            self._write_again_at = self._clock() + DISK_RETRY

    def cancel(self, job: str) -> CancelOutcome:
        """End a job. Raises OutOfDisk."""
        outcome, stored = self._ledger.cancel(job)
        if stored is not None:
            self._subscriptions.publish_event(job, stored)
            self._subscriptions.publish_job(job)
        worker = self._workers.at(job)
        if worker is not None and outcome == "cancelled":
            worker.cancel()
        return outcome

    def pause_job(self, job: str) -> None:
        """Take a job out of the queue until it is retried. Raises IllegalMove, OutOfDisk."""
        stored = self._ledger.pause_job(job)
        if stored is not None:
            self._subscriptions.publish_event(job, stored)
            self._subscriptions.publish_job(job)
        worker = self._workers.at(job)
        if worker is not None:
            worker.cancel()

    def reset_backoff(self) -> None:
        """A person wants a job to run: try again at once what was given up."""
        self._disk.forget()
        for worker in self._workers:
            worker.reset_backoff()

    def prewarm(self) -> None:
        """A job will probably come soon: a worker can start meanwhile."""
        self._prewarming = True

    def stop(self) -> None:
        """Assign no more jobs, and end the workers after the step that is under way."""
        if not self.stopping:
            self.stopping = True
            for worker in self._workers:
                worker.quit(QUIT_PATIENCE)

    # What workers send ------------------------------------------------------------------------------------------------

    def _receive(self, worker: DeviceWorker) -> None:
        waiting = self._waiting[worker]
        waiting.extend(worker.receive())
        death = worker.check()
        if death is not None:
            waiting.append(death)
        while waiting:
            # Taken away when it is in the ledger: what the full disk refused comes again.
            self._enter(worker, waiting[0])
            waiting.popleft()

    def _enter(self, worker: DeviceWorker, message: FromWorker | Death) -> None:
        if isinstance(message, EventReported):
            self._record(worker, message)
        elif isinstance(message, RunEnded):
            self._ended(message)
            self._forget(message.job)
        elif isinstance(message, Death) and message.job is not None:
            self._died(message.job, message)
            self._forget(message.job)

    def _record(self, worker: DeviceWorker, message: EventReported) -> None:
        data = bytes(message.event)
        event = decode_event(data)
        try:
            recorded = self._ledger.record(message.job, event, message.number, data)
        except OutOfDisk:
            raise
        except Problem as problem:
            # A take that cannot be read, or a move that makes no sense: only this job has to end.
            log.exception("job %s reported what cannot be recorded", message.job)
            self._fail(message.job, failure_of(problem))
            worker.cancel()
            return
        if recorded.event is not None:
            self._subscriptions.publish_event(message.job, recorded.event)
        if recorded.moved or isinstance(event, TakeDone):
            self._subscriptions.publish_job(message.job)

    def _ended(self, message: RunEnded) -> None:
        row = self._ledger.job(message.job)
        if row.state not in RUNNING:
            return  # cancelled or paused meanwhile, or done: its last event said so
        log.info("job %s: %s", message.job, message.outcome)
        if message.outcome == "failed":
            failure = message.failure or failure_of(Unexpected("The job ended without a reason.", remedy="Try again."))
            if failure.kind in (OutOfDisk.kind, StoreFull.kind):
                self._disk.note(self._admission.output_of(row))
            self._fail(message.job, failure)
        elif message.outcome == "awaiting_approval":
            self._ledger.move(message.job, "awaiting_approval", device=None)
            self._subscriptions.publish_job(message.job)
        elif message.outcome == "cancelled":
            self.cancel(message.job)
        elif message.outcome == "stopped":
            self._ledger.interrupt(message.job)
            self._subscriptions.publish_job(message.job)
        else:
            self._ledger.move(message.job, "done", device=None)
            self._subscriptions.publish_job(message.job)

    def _died(self, job: str, death: Death) -> None:
        if self._ledger.job(job).state not in RUNNING:
            return
        log.warning("the worker of job %s %s", job, death.how)
        row = self._ledger.interrupt(job, died=not self.stopping)
        if row.deaths >= MOST_DEATHS:
            self._fail(job, failure_of(_died_often(row, death)))
        self._subscriptions.publish_job(job)
        self._subscriptions.publish_queue()

    def _forget(self, job: str) -> None:
        if self._ledger.job(job).state in ENDED:
            self._admission.remove_journals(job)

    def _fail(self, job: str, failure: Failure) -> None:
        self._subscriptions.publish_event(job, self._ledger.fail(job, failure))
        self._subscriptions.publish_job(job)

    # What workers get -------------------------------------------------------------------------------------------------

    def _workers_wanted(self) -> int:
        """How many workers without a job there should be."""
        if all(worker.link is not None for worker in self._workers):
            return 0  # there are no more to be had
        prewarmed, self._prewarming = int(self._prewarming), False
        return max(prewarmed, 0 if self._ledger.queue_paused else self._ledger.counts()["queued"])

    def _assign_jobs(self) -> None:
        free = [worker for worker in self._workers if worker.is_free and not self._waiting[worker]]
        if not free or self._ledger.queue_paused:
            return
        busy = [self._ledger.job(worker.job) for worker in self._workers if worker.job is not None]
        folders = {self._admission.output_of(row) for row in busy}
        taken = {row.id for row in busy}
        for row in self._ledger.queue():
            output = self._admission.output_of(row)
            # Two jobs in one folder would meet there, and a cancelled job may still be ending.
            if not free or row.id in taken or output in folders:
                continue
            if not self._disk.allows(output):
                self._report_waiting(row)
                continue
            if self._begin(row, free[0]):
                free.pop(0)
                folders.add(output)

    def _begin(self, row: JobRow, worker: DeviceWorker) -> bool:
        try:
            run = self._admission.run_of(row)
        except Problem as problem:
            log.warning("job %s cannot begin: %s", row.id, problem)
            self._fail(row.id, failure_of(problem))
            return False
        # First in the ledger: a service that dies between the two finds a job that was running, and queues it again.
        self._ledger.move(row.id, "preparing", device=worker.device)
        worker.assign(run)
        log.info("job %s goes to the worker for %s", row.id, worker.device)
        self._subscriptions.publish_job(row.id)
        self._subscriptions.publish_queue()
        return True

    def _report_waiting(self, row: JobRow) -> None:
        output = self._admission.output_of(row)
        if self._disk.is_new(row.id):
            text = f"The job waits until there is more space on the disk of {output}."
            stored = self._ledger.append(row.id, JobNotice(kind="waiting_for_space", text=text))
            self._subscriptions.publish_event(row.id, stored)

    def _fail_without_workers(self) -> None:
        """Jobs must not wait in silence for workers that cannot be started."""
        workers = list(self._workers)
        if not all(worker.is_given_up for worker in workers) or self._ledger.queue_paused:
            return
        for row in self._ledger.queue():
            problem = WorkerUnavailable(
                "The worker process cannot be started.",
                f"It ended several times while it was starting. {workers[0].log_tail()}".strip(),
                "`dynvfx doctor` says what is wrong with this machine; then retry the job.",
            )
            self._fail(row.id, failure_of(problem))


def _died_often(row: JobRow, death: Death) -> WorkerDied:
    return WorkerDied(
        f"The worker process died {row.deaths} times at the same place.",
        f"The last one {death.how}. The system ends processes like this when memory runs out.",
        "Close other programs and retry, or retry with a smaller footprint.",
    )
