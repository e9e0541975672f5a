"""The service: one thread that waits for clients, workers, signals and the clock, and is never at anything for long."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

import zmq

from backend.jobs.media_roots import MediaRoots
from backend.ledger.ledger import Ledger
from backend.ledger.schema import LEDGER_FILE
from backend.service.access import Access
from backend.service.admission import Admission
from backend.service.background_tasks import BackgroundTasks
from backend.service.handlers import Handlers, ServiceInfo
from backend.service.instance_lock import announce
from backend.service.scheduler import Scheduler
from backend.service.subscriptions import Subscriptions
from backend.service.workers import WORKER_MODULE, DeviceWorker, Workers, end_orphans
from backend.worker.process_control import StopSignals
from bridge.files.content_store import ContentStore
from bridge.local.folders import key_folder
from bridge.local.service_file import ServiceFile
from bridge.wire.keys import KeyFolder
from bridge.wire.messages import Limits
from bridge.wire.server import DEFAULT_LIMITS, WireServer
from contract.errors import OutOfDisk
from contract.states import WAITING

GIGA = 1_000_000_000
FLUSH_EVERY = 0.05
"""Seconds for which changes of jobs are gathered."""
LOOK_EVERY = 1.0
"""Seconds between two looks at processes and the clock when nothing comes in."""
SWEEP_EVERY = 600.0
STOP_PATIENCE = 20.0
"""Seconds after which an ending service leaves, whatever its workers do."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a service is run. `devices` as in torch, None: what is best here; `until_idle` None: until it is stopped."""

    listen: str = "tcp://127.0.0.1:*"
    media_roots: Sequence[Path] = ()
    devices: Sequence[str | None] = (None,)
    shared: bool = False
    until_idle: float | None = None
    cache_bytes: int = 50 * GIGA
    upload_bytes: int = 200 * GIGA
    limits: Limits = field(default=DEFAULT_LIMITS)
    worker_module: str = WORKER_MODULE


class Service:
    """Opens everything below `home`, of which the caller is the one service; `run` serves until it is to end.

    Raises what the ledger, the keys and the address may raise.
    """

    def __init__(self, home: Path, options: Options, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._home, self._options, self._clock = home, options, clock
        self._open = contextlib.ExitStack()
        with contextlib.ExitStack() as opening:
            self._build(opening)
            self._open = opening.pop_all()
        self._needed_at = clock()
        self._flush_at: float | None = None
        self._sweep_at = clock()
        self._stop_at: float | None = None
        self._polled: set[object] = set()

    def _build(self, opening: contextlib.ExitStack) -> None:
        home, options = self._home, self._options
        record = home / "workers.json"
        # Before anything else: an orphan may still write to a job's folder.
        end_orphans(record)
        self._ledger = opening.enter_context(Ledger(home / LEDGER_FILE, queue_limit=options.limits.queue))
        for row in self._ledger.recover():
            log.info("job %s was running when the service ended; it continues", row.id)
        self._store = ContentStore(
            home / "uploads",
            limit_bytes=options.upload_bytes,
            open_transfers=options.limits.transfers,
            shared=options.shared,
        )
        opening.callback(self._store.close)
        keys = KeyFolder(key_folder(home))
        self._key = keys.service_pair().public
        self._server = WireServer(options.listen, keys, limits=options.limits)
        opening.callback(self._server.close)
        self._signals = StopSignals()
        opening.callback(self._signals.close)
        self._tasks = BackgroundTasks()
        opening.callback(self._tasks.close)
        roots = MediaRoots(options.media_roots)
        access = Access(keys.owner, options.shared)
        self._workers = Workers(
            [DeviceWorker(each, home / "log" / "worker.log", module=options.worker_module) for each in options.devices],
            record,
        )
        opening.callback(self._kill_workers)
        admission = Admission(home, self._ledger, self._store, roots, access, options.cache_bytes)
        self._subscriptions = Subscriptions(self._server, self._ledger, access.may_see)
        self._scheduler = Scheduler(self._ledger, self._workers, admission, self._subscriptions)
        self._handlers = Handlers(
            ServiceInfo(tuple(map(str, roots.roots)), options.limits, options.cache_bytes, home),
            server=self._server,
            ledger=self._ledger,
            store=self._store,
            workers=self._workers,
            scheduler=self._scheduler,
            admission=admission,
            subscriptions=self._subscriptions,
            access=access,
            tasks=self._tasks,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def announce(self) -> ServiceFile:
        """Let others find the service: it can be reached from now on."""
        return announce(self._home, self._server.bound_address, self._key, version("dynvfx"))

    def run(self) -> None:
        """Serve until a signal, the owner, or idleness ends it. In the main thread."""
        with self._signals.watched():
            poller = zmq.Poller()
            for source in (self._server.socket, self._signals.fileno(), self._tasks.fileno()):
                poller.register(source, zmq.POLLIN)
            while not self._is_over():
                self._watch_workers(poller)
                poller.poll(round(self._patience() * 1000))
                self.step()
        self._subscriptions.flush()
        log.info("the service ends")

    def step(self) -> None:
        """Do everything that is due."""
        now = self._clock()
        requests = self._server.receive()
        for incoming in requests:
            self._handlers.handle(incoming)
        self._subscriptions.forget(self._server.departed())
        self._tasks.step()
        self._scheduler.tick()
        if self._signals.received() or self._handlers.stop_wanted or self._is_idle(now, bool(requests)):
            self._stop()
        if self._flush_at is not None and now >= self._flush_at:
            self._subscriptions.flush()
            self._flush_at = None
        if self._subscriptions.pending and self._flush_at is None:
            self._flush_at = now + FLUSH_EVERY
        if now >= self._sweep_at:
            self._sweep(now)

    def _stop(self) -> None:
        if self._scheduler.stopping:
            return
        log.info("stopping")
        self._subscriptions.flush()
        self._subscriptions.close()
        self._scheduler.stop()
        self._stop_at = self._clock() + STOP_PATIENCE

    def _is_over(self) -> bool:
        if not self._scheduler.stopping:
            return False
        if self._scheduler.is_over:
            return True
        # The ledger puts what is still running back into the queue at the next start.
        return self._stop_at is not None and self._clock() > self._stop_at

    def _is_idle(self, now: float, asked: bool) -> bool:
        """Whether the service was not needed for so long that it ends."""
        if self._options.until_idle is None:
            return False
        waits = not self._ledger.queue_paused and self._ledger.counts()["queued"] > 0
        if asked or self._server.connections or self._scheduler.is_busy or waits:
            self._needed_at = now
        return now - self._needed_at >= self._options.until_idle

    def _patience(self) -> float:
        """Seconds for which the loop may sleep."""
        moments = [self._clock() + LOOK_EVERY, self._flush_at, self._scheduler.next_due()]
        return max(0.0, min(moment for moment in moments if moment is not None) - self._clock())

    def _watch_workers(self, poller: zmq.Poller) -> None:
        """Workers that were started anew have new sockets."""
        wanted = {worker.link.socket for worker in self._workers if worker.link is not None}
        for gone in self._polled - wanted:
            poller.unregister(gone)
        for new in wanted - self._polled:
            poller.register(new, zmq.POLLIN)
        self._polled = wanted

    def _sweep(self, now: float) -> None:
        """Make room for new uploads; what jobs may still need stays."""
        self._sweep_at = now + SWEEP_EVERY
        needed: set[str] = set()
        for row in self._ledger.jobs(states=WAITING, limit=-1):
            needed |= {each.sha256 for each in row.spec.files}
        try:
            self._store.sweep(needed)
        except OutOfDisk as problem:
            log.warning("uploads cannot be swept: %s", problem)

    def _kill_workers(self) -> None:
        for worker in self._workers:
            worker.kill(patience=5.0)
            worker.check()
