"""Brings queued jobs to free workers, and what workers say into the ledger."""

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
from contract.events import JobNotice
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
    """One step at a time, from the loop. Nothing that a worker said is lost while the ledger cannot be written: it
    waits here, and the worker's later words behind it."""

    def __init__(
        self,
        ledger: Ledger,
        workers: Workers,
        admission: Admission,
        announcements: Subscriptions,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._workers = ledger, workers
        self._admission, self._announcements = admission, announcements
        self._clock = clock
        self._waiting: dict[DeviceWorker, deque[FromWorker | Death]] = {worker: deque() for worker in workers}
        self._disk = DiskGuard(clock)
        self._write_again_at: float | None = None
        self._expecting = False
        self.stopping = False

    @property
    def is_busy(self) -> bool:
        """Whether any worker has a job."""
        return any(worker.job is not None or self._waiting[worker] for worker in self._workers)

    @property
    def is_over(self) -> bool:
        """Whether, after `stop`, all workers have gone and all that they said is in the ledger."""
        return self.stopping and not self.is_busy and all(worker.link is None for worker in self._workers)

    def next_due(self) -> float | None:
        """When something is to be done though nothing was heard, on the clock."""
        moments = [worker.next_due() for worker in self._workers]
        moments += [self._write_again_at, self._disk.next_look]
        return min((moment for moment in moments if moment is not None), default=None)

    def step(self) -> None:
        """Hear the workers, look after them, hand out jobs."""
        try:
            for worker in self._workers:
                self._hear(worker)
            self._write_again_at = None
            if not self.stopping:
                self._workers.start(self._workers_wanted())
                self._fail_without_workers()
                self._hand_out()
        except OutOfDisk as problem:
            if self._write_again_at is None:
                log.error("waiting for space: %s", problem)
            self._write_again_at = self._clock() + DISK_RETRY

    def cancel(self, job: str) -> CancelOutcome:
        """End a job. Raises OutOfDisk."""
        outcome, numbered = self._ledger.cancel(job)
        if numbered is not None:
            self._announcements.happened(job, numbered)
        worker = self._workers.at(job)
        if worker is not None and outcome == "cancelled":
            worker.cancel()
        return outcome

    def encourage(self) -> None:
        """Somebody wants a job to run: try again what was given up."""
        self._disk.forget()
        for worker in self._workers:
            worker.encourage()

    def expect(self) -> None:
        """A job will probably come soon: a worker can start meanwhile."""
        self._expecting = True

    def stop(self) -> None:
        """Hand nothing out any more, and end the workers after the step that is under way."""
        if not self.stopping:
            self.stopping = True
            for worker in self._workers:
                worker.quit(QUIT_PATIENCE)

    # What workers say -------------------------------------------------------------------------------------------------

    def _hear(self, worker: DeviceWorker) -> None:
        waiting = self._waiting[worker]
        waiting.extend(worker.words())
        death = worker.look_after()
        if death is not None:
            waiting.append(death)
        while waiting:
            # Taken away when it is in the ledger: a word that the full disk refused comes again.
            self._enter(worker, waiting[0])
            waiting.popleft()

    def _enter(self, worker: DeviceWorker, word: FromWorker | Death) -> None:
        if isinstance(word, EventReported):
            self._happened(worker, word)
        elif isinstance(word, RunEnded):
            self._ended(word)
            self._forget(word.job)
        elif isinstance(word, Death) and word.job is not None:
            self._died(word)
            self._forget(word.job)

    def _happened(self, worker: DeviceWorker, word: EventReported) -> None:
        try:
            numbered = self._ledger.record(word.job, word.event, word.count)
        except OutOfDisk:
            raise
        except Problem as problem:
            # A take that cannot be read, or a move that makes no sense: this job's trouble, nobody else's.
            log.exception("job %s told what cannot be entered", word.job)
            self._fail(word.job, failure_of(problem))
            worker.cancel()
            return
        if numbered is not None:
            self._announcements.happened(word.job, numbered)

    def _ended(self, word: RunEnded) -> None:
        row = self._ledger.job(word.job)
        if row.state not in RUNNING:
            return  # cancelled meanwhile, or done: its last event said so
        log.info("job %s: %s", word.job, word.outcome)
        if word.outcome == "failed":
            failure = word.failure or failure_of(Unexpected("The job ended without a reason.", remedy="Try again."))
            if failure.kind in (OutOfDisk.kind, StoreFull.kind):
                self._disk.note(self._admission.output_of(row))
            self._fail(word.job, failure)
        elif word.outcome == "awaiting_approval":
            self._ledger.move(word.job, "awaiting_approval", device=None)
            self._announcements.changed(word.job)
        elif word.outcome == "cancelled":
            self.cancel(word.job)
        elif word.outcome == "stopped":
            self._ledger.interrupt(word.job)
            self._announcements.changed(word.job)
        else:
            self._ledger.move(word.job, "done", device=None)
            self._announcements.changed(word.job)

    def _died(self, death: Death) -> None:
        job = death.job
        if self._ledger.job(job).state not in RUNNING:
            return
        log.warning("the worker of job %s %s", job, death.how)
        row = self._ledger.interrupt(job, died=not self.stopping)
        if row.deaths >= MOST_DEATHS:
            self._fail(job, failure_of(_died_often(row, death)))
        self._announcements.changed(job)
        self._announcements.order_changed()

    def _forget(self, job: str) -> None:
        if self._ledger.job(job).state in ENDED:
            self._admission.forget_tales(job)

    def _fail(self, job: str, failure: Failure) -> None:
        self._announcements.happened(job, self._ledger.fail(job, failure))

    # What workers are given -------------------------------------------------------------------------------------------

    def _workers_wanted(self) -> int:
        """How many workers without a job there shall be."""
        if all(worker.link is not None for worker in self._workers):
            return 0  # there are no more to be had
        expected, self._expecting = int(self._expecting), False
        return max(expected, 0 if self._ledger.paused else self._ledger.counts()["queued"])

    def _hand_out(self) -> None:
        free = [worker for worker in self._workers if worker.is_free and not self._waiting[worker]]
        if not free or self._ledger.paused:
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
                self._say_that_it_waits(row)
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
        worker.hand_over(run)
        log.info("job %s goes to the worker for %s", row.id, worker.device)
        self._announcements.changed(row.id)
        self._announcements.order_changed()
        return True

    def _say_that_it_waits(self, row: JobRow) -> None:
        output = self._admission.output_of(row)
        if self._disk.is_news(row.id):
            text = f"The job waits until there is more space on the disk of {output}."
            numbered = self._ledger.append(row.id, JobNotice(kind="waiting_for_space", text=text))
            self._announcements.happened(row.id, numbered)

    def _fail_without_workers(self) -> None:
        """Jobs must not wait in silence for workers that cannot be started."""
        workers = list(self._workers)
        if not all(worker.is_given_up for worker in workers) or self._ledger.paused:
            return
        for row in self._ledger.queue():
            words = workers[0].last_words()
            problem = WorkerUnavailable(
                "The worker process cannot be started.",
                f"It ended several times while it was starting. {words}".strip(),
                "`dynvfx doctor` says what is wrong with this machine; then retry the job.",
            )
            self._fail(row.id, failure_of(problem))


def _died_often(row: JobRow, death: Death) -> WorkerDied:
    return WorkerDied(
        f"The worker process died {row.deaths} times at the same place.",
        f"The last one {death.how}. The system ends processes like this when memory runs out.",
        "Close other programs and retry, or retry with a smaller footprint.",
    )
