"""What is done for each request. Every answer that says so is on the disk first."""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import psutil

from backend.ledger.ledger import Ledger
from backend.ledger.rows import JobRow
from backend.service.access import Access
from backend.service.admission import Admission
from backend.service.background_tasks import BackgroundTasks, Task
from backend.service.downloads import file_of
from backend.service.estimates import estimate
from backend.service.model_list import bytes_below, models
from backend.service.replies import reply_of
from backend.service.scheduler import Scheduler
from backend.service.subscriptions import Subscriptions
from backend.service.workers import Workers
from bridge.files.content_store import ContentStore
from bridge.files.downloads import describe, serve_chunk
from bridge.wire import messages as wire
from bridge.wire.server import Incoming, WireServer, common_protocol
from contract.states import BackendState

CAPABILITIES = ("uploads", "downloads", "estimate", "reorder", "small_footprint")
MOST_EVENTS, MOST_JOBS = 1000, 1000
"""In one answer."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServiceInfo:
    """What does not change while the service runs."""

    media_roots: tuple[str, ...]
    limits: wire.Limits
    cache_limit: int
    home: Path


class Handlers:
    """One method for each request; it returns the reply, or a `Task` whose result will be the reply."""

    def __init__(
        self,
        info: ServiceInfo,
        *,
        server: WireServer,
        ledger: Ledger,
        store: ContentStore,
        workers: Workers,
        scheduler: Scheduler,
        admission: Admission,
        subscriptions: Subscriptions,
        access: Access,
        tasks: BackgroundTasks,
    ) -> None:
        self._info, self._server, self._ledger, self._store = info, server, ledger, store
        self._workers, self._scheduler, self._admission = workers, scheduler, admission
        self._subscriptions, self._access, self._tasks = subscriptions, access, tasks
        self._started, self._name = time.monotonic(), secrets.token_hex(8)
        self.stop_wanted = False
        self._methods: dict[type, Callable[[Incoming, Any], wire.Reply | Task]] = {
            wire.Hello: self._hello,
            wire.Ping: self._ping,
            wire.Submit: self._submit,
            wire.Approve: self._approve,
            wire.Cancel: self._cancel,
            wire.PauseJob: self._pause_job,
            wire.Retry: self._retry,
            wire.Reorder: self._reorder,
            wire.ListJobs: self._list_jobs,
            wire.GetJob: self._get_job,
            wire.Replay: self._replay,
            wire.Follow: self._follow,
            wire.ListTakes: self._list_takes,
            wire.SetTake: self._set_take,
            wire.ListModels: lambda incoming, body: lambda: wire.Models(models=models()),
            wire.Estimate: self._estimate,
            wire.UploadBegin: self._upload_begin,
            wire.UploadChunk: self._upload_chunk,
            wire.DownloadBegin: self._download_begin,
            wire.DownloadChunk: self._download_chunk,
            wire.GetStats: self._stats,
            wire.PauseQueue: self._pause_queue,
            wire.Stop: self._stop,
        }

    def handle(self, incoming: Incoming) -> None:
        """Answer a request now, or when its task is done."""
        reply = reply_of(lambda: self._methods[type(incoming.body)](incoming, incoming.body), incoming)
        if callable(reply):
            self._tasks.run(reply, lambda future: self._done(incoming, future))
        else:
            self._server.answer(incoming, reply)

    def _done(self, incoming: Incoming, future: Future) -> None:
        self._server.answer(incoming, reply_of(future.result, incoming))

    # The connection ---------------------------------------------------------------------------------------------------

    def _hello(self, incoming: Incoming, body: wire.Hello) -> wire.Reply:
        log.info("%s %s said hello", body.program, body.version)
        return wire.Welcome(
            protocol=common_protocol(body),
            version=version("dynvfx"),
            service=self._name,
            capabilities=CAPABILITIES,
            limits=self._info.limits,
            media_roots=self._info.media_roots,
            shared=self._access.shared,
            owner=incoming.client == self._access.owner,
            paused=self._ledger.queue_paused,
        )

    def _ping(self, incoming: Incoming, body: wire.Ping) -> wire.Reply:
        counts = self._ledger.counts()
        state: BackendState = "stopping" if self._scheduler.stopping else "busy" if self._scheduler.is_busy else "idle"
        workers = self._workers_seen_by(incoming.client)
        running = sum(worker.job is not None for worker in self._workers)
        return wire.Pong(
            state=state, workers=workers, queued=counts["queued"], running=running, paused=self._ledger.queue_paused
        )

    # Jobs -------------------------------------------------------------------------------------------------------------

    def _submit(self, incoming: Incoming, body: wire.Submit) -> wire.Reply:
        known = self._ledger.with_token(incoming.client, body.token)
        if known is not None:
            return self._job_reply(known, incoming.client)
        spec, facts = self._admission.admit(body.spec, incoming.client)
        row, created = self._ledger.submit(incoming.client, body.token, spec, **facts)
        if created:
            if not row.output:
                row = self._ledger.move(row.id, "queued", output=str(self._admission.own_output(row.id)))
            self._queued(row)
        return self._job_reply(row, incoming.client)

    def _approve(self, incoming: Incoming, body: wire.Approve) -> wire.Reply:
        self._mine(incoming, body.job)
        if body.plan is not None:
            body.plan.validate()
        row = self._ledger.approve(body.job, body.plan)
        self._queued(row)
        return self._job_reply(row, incoming.client)

    def _cancel(self, incoming: Incoming, body: wire.Cancel) -> wire.Reply:
        row = self._ledger.find(body.job)
        if row is None or not self._access.may_see(row, incoming.client):
            return wire.CancelReply(outcome="not_found")
        outcome = self._scheduler.cancel(body.job)
        self._subscriptions.publish_queue()
        return wire.CancelReply(outcome=outcome)

    def _pause_job(self, incoming: Incoming, body: wire.PauseJob) -> wire.Reply:
        self._mine(incoming, body.job)
        self._scheduler.pause_job(body.job)
        self._subscriptions.publish_queue()
        return self._job_reply(self._ledger.job(body.job), incoming.client)

    def _retry(self, incoming: Incoming, body: wire.Retry) -> wire.Reply:
        self._mine(incoming, body.job)
        row = self._ledger.retry(body.job, body.footprint)
        self._queued(row)
        return self._job_reply(row, incoming.client)

    def _reorder(self, incoming: Incoming, body: wire.Reorder) -> wire.Reply:
        self._mine(incoming, body.job)
        if body.before is not None:
            self._mine(incoming, body.before)
        row = self._ledger.reorder(body.job, body.before)
        self._subscriptions.publish_queue()
        return self._job_reply(row, incoming.client)

    def _list_jobs(self, incoming: Incoming, body: wire.ListJobs) -> wire.Reply:
        limit = min(max(body.limit, 0), MOST_JOBS)
        rows = self._ledger.jobs(self._access.whose(incoming.client), body.states, limit)
        return wire.Jobs(jobs=tuple(self._ledger.to_job(row, incoming.client) for row in rows))

    def _get_job(self, incoming: Incoming, body: wire.GetJob) -> wire.Reply:
        return self._job_reply(self._mine(incoming, body.job), incoming.client)

    # Events and takes -------------------------------------------------------------------------------------------------

    def _replay(self, incoming: Incoming, body: wire.Replay) -> wire.Reply:
        row = self._mine(incoming, body.job)
        events = self._ledger.events(body.job, max(body.first, 1), min(max(body.limit, 1), MOST_EVENTS))
        self._subscriptions.follow_job(incoming.connection, body.job, body.follow)
        return wire.Events(job=body.job, events=tuple(each.numbered() for each in events), last=row.events)

    def _follow(self, incoming: Incoming, body: wire.Follow) -> wire.Reply:
        self._subscriptions.follow_all(incoming.connection, incoming.client, body.on)
        return wire.Done()

    def _list_takes(self, incoming: Incoming, body: wire.ListTakes) -> wire.Reply:
        if body.job is not None:
            self._mine(incoming, body.job)
        return wire.Takes(takes=self._ledger.takes(self._access.whose(incoming.client), body.job))

    def _set_take(self, incoming: Incoming, body: wire.SetTake) -> wire.Reply:
        self._mine(incoming, body.job)
        entry = self._ledger.set_take(body.job, body.take, body.status, body.notes)
        self._subscriptions.publish_job(body.job)
        return wire.Takes(takes=(entry,))

    # Files ------------------------------------------------------------------------------------------------------------

    def _upload_begin(self, incoming: Incoming, body: wire.UploadBegin) -> wire.Reply:
        return self._store.begin(incoming.client, body.sha256, body.bytes)

    def _upload_chunk(self, incoming: Incoming, body: wire.UploadChunk) -> wire.Reply:
        return self._store.write(incoming.client, body)

    def _download_begin(self, incoming: Incoming, body: wire.DownloadBegin) -> Task:
        # A large file takes seconds to hash.
        path = file_of(self._admission.output_of(self._mine(incoming, body.job)), body.path)
        return lambda: describe(path)

    def _download_chunk(self, incoming: Incoming, body: wire.DownloadChunk) -> wire.Reply:
        path = file_of(self._admission.output_of(self._mine(incoming, body.job)), body.path)
        return serve_chunk(path, body)

    # The service ------------------------------------------------------------------------------------------------------

    def _estimate(self, incoming: Incoming, body: wire.Estimate) -> Task:
        history = self._ledger.measured(body.model)
        weights = self._admission.below_roots(body.model)
        # A job will probably follow: torch and the model take seconds that a person would wait for.
        self._scheduler.prewarm()
        return lambda: estimate(msgspec.structs.replace(body, model=weights), history)

    def _stats(self, incoming: Incoming, body: wire.GetStats) -> Task:
        workers = self._workers_seen_by(incoming.client)
        jobs = dict(self._ledger.counts())
        clients = len(set(self._server.connections.values()))

        def stats() -> wire.Reply:
            return wire.Stats(
                uptime=time.monotonic() - self._started,
                workers=workers,
                jobs=jobs,
                clients=clients,
                cache_bytes=bytes_below(self._admission.cache),
                cache_limit=self._info.cache_limit,
                disk_free=shutil.disk_usage(self._info.home).free,
                memory_bytes=psutil.virtual_memory().total,
            )

        return stats

    def _pause_queue(self, incoming: Incoming, body: wire.PauseQueue) -> wire.Reply:
        self._access.require_power_over_all(incoming.client)
        self._ledger.pause_queue(body.on)
        self._subscriptions.publish_pause(body.on)
        return wire.Done()

    def _stop(self, incoming: Incoming, body: wire.Stop) -> wire.Reply:
        self._access.require_owner(incoming.client)
        self.stop_wanted = True
        return wire.Done()

    # Within -----------------------------------------------------------------------------------------------------------

    def _mine(self, incoming: Incoming, job: str) -> JobRow:
        return self._access.job(self._ledger, job, incoming.client)

    def _queued(self, row: JobRow) -> None:
        self._scheduler.reset_backoff()
        self._subscriptions.publish_job(row.id)
        self._subscriptions.publish_queue()

    def _job_reply(self, row: JobRow, client: str) -> wire.Reply:
        return wire.JobReply(job=self._ledger.to_job(row, client), spec=row.spec, plan=self._ledger.plan_of(row))

    def _workers_seen_by(self, client: str) -> tuple[wire.Worker, ...]:
        """Which job of another client a device is busy with is left out."""
        seen = []
        for worker in self._workers:
            shown = worker.seen()
            row = None if shown.job is None else self._ledger.find(shown.job)
            hidden = row is not None and not self._access.may_see(row, client)
            seen.append(wire.Worker(**{**_fields(shown), "job": None}) if hidden else shown)
        return tuple(seen)


def _fields(worker: wire.Worker) -> dict[str, Any]:
    return {name: getattr(worker, name) for name in worker.__struct_fields__}
