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
from backend.service.background_tasks import BackgroundTasks, Errand
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
from contract.events import PlanReady

CAPABILITIES = ("uploads", "downloads", "estimate", "reorder", "small_footprint")
MOST_EVENTS, MOST_JOBS = 1000, 1000
"""In one answer."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Facts:
    """What does not change while the service runs."""

    media_roots: tuple[str, ...]
    limits: wire.Limits
    cache_limit: int
    home: Path


class Handlers:
    """One method for each request; it returns the reply, or an `Errand` whose result will be the reply."""

    def __init__(
        self,
        facts: Facts,
        *,
        server: WireServer,
        ledger: Ledger,
        store: ContentStore,
        workers: Workers,
        dispatch: Scheduler,
        admission: Admission,
        announcements: Subscriptions,
        access: Access,
        errands: BackgroundTasks,
    ) -> None:
        self._facts, self._server, self._ledger, self._store = facts, server, ledger, store
        self._workers, self._dispatch, self._admission = workers, dispatch, admission
        self._announcements, self._access, self._errands = announcements, access, errands
        self._started, self._name = time.monotonic(), secrets.token_hex(8)
        self.stop_wanted = False
        self._methods: dict[type, Callable[[Incoming, Any], wire.Reply | Errand]] = {
            wire.Hello: self._hello,
            wire.Ping: self._ping,
            wire.Submit: self._submit,
            wire.Approve: self._approve,
            wire.Cancel: self._cancel,
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
            wire.PauseQueue: self._pause,
            wire.Stop: self._stop,
        }

    def handle(self, incoming: Incoming) -> None:
        """Answer a request now, or when its errand is through."""
        reply = reply_of(lambda: self._methods[type(incoming.body)](incoming, incoming.body), incoming)
        if callable(reply):
            self._errands.run(reply, lambda future: self._through(incoming, future))
        else:
            self._server.answer(incoming, reply)

    def _through(self, incoming: Incoming, future: Future) -> None:
        self._server.answer(incoming, reply_of(future.result, incoming))

    # The connection ---------------------------------------------------------------------------------------------------

    def _hello(self, incoming: Incoming, body: wire.Hello) -> wire.Reply:
        log.info("%s %s said hello", body.program, body.version)
        return wire.Welcome(
            protocol=common_protocol(body),
            version=version("dynvfx"),
            service=self._name,
            capabilities=CAPABILITIES,
            limits=self._facts.limits,
            media_roots=self._facts.media_roots,
            shared=self._access.shared,
            owner=incoming.client == self._access.owner,
        )

    def _ping(self, incoming: Incoming, body: wire.Ping) -> wire.Reply:
        counts = self._ledger.counts()
        state = "stopping" if self._dispatch.stopping else "busy" if self._dispatch.is_busy else "idle"
        workers = self._workers_seen_by(incoming.client)
        running = sum(worker.job is not None for worker in self._workers)
        return wire.Pong(
            state=state, workers=workers, queued=counts["queued"], running=running, paused=self._ledger.paused
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
            return wire.Cancelled(outcome="not_found")
        outcome = self._dispatch.cancel(body.job)
        self._announcements.order_changed()
        return wire.Cancelled(outcome=outcome)

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
        self._announcements.order_changed()
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
        self._announcements.follow_job(incoming.connection, body.job, body.follow)
        return wire.Events(job=body.job, events=events, last=row.events)

    def _follow(self, incoming: Incoming, body: wire.Follow) -> wire.Reply:
        self._announcements.follow_all(incoming.connection, incoming.client, body.on)
        return wire.Done()

    def _list_takes(self, incoming: Incoming, body: wire.ListTakes) -> wire.Reply:
        if body.job is not None:
            self._mine(incoming, body.job)
        return wire.Takes(takes=self._ledger.takes(self._access.whose(incoming.client), body.job))

    def _set_take(self, incoming: Incoming, body: wire.SetTake) -> wire.Reply:
        self._mine(incoming, body.job)
        entry = self._ledger.set_take(body.job, body.take, body.status, body.notes)
        self._announcements.changed(body.job)
        return wire.Takes(takes=(entry,))

    # Files ------------------------------------------------------------------------------------------------------------

    def _upload_begin(self, incoming: Incoming, body: wire.UploadBegin) -> wire.Reply:
        return self._store.begin(incoming.client, body.sha256, body.bytes)

    def _upload_chunk(self, incoming: Incoming, body: wire.UploadChunk) -> wire.Reply:
        return self._store.write(incoming.client, body)

    def _download_begin(self, incoming: Incoming, body: wire.DownloadBegin) -> Errand:
        # A large file takes seconds to hash.
        path = file_of(self._admission.output_of(self._mine(incoming, body.job)), body.path)
        return lambda: describe(path)

    def _download_chunk(self, incoming: Incoming, body: wire.DownloadChunk) -> wire.Reply:
        path = file_of(self._admission.output_of(self._mine(incoming, body.job)), body.path)
        return serve_chunk(path, body)

    # The service ------------------------------------------------------------------------------------------------------

    def _estimate(self, incoming: Incoming, body: wire.Estimate) -> Errand:
        history = self._ledger.measured(body.model)
        weights = self._admission.below_roots(body.model)
        # Somebody has a shot and an idea: torch and the model take seconds that a person would wait for.
        self._dispatch.expect()
        return lambda: estimate(msgspec.structs.replace(body, model=weights), history)

    def _stats(self, incoming: Incoming, body: wire.GetStats) -> Errand:
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
                cache_limit=self._facts.cache_limit,
                disk_free=shutil.disk_usage(self._facts.home).free,
                memory_bytes=psutil.virtual_memory().total,
            )

        return stats

    def _pause(self, incoming: Incoming, body: wire.PauseQueue) -> wire.Reply:
        self._access.require_power_over_all(incoming.client)
        self._ledger.pause(body.on)
        return wire.Done()

    def _stop(self, incoming: Incoming, body: wire.Stop) -> wire.Reply:
        self._access.require_owner(incoming.client)
        self.stop_wanted = True
        return wire.Done()

    # Within -----------------------------------------------------------------------------------------------------------

    def _mine(self, incoming: Incoming, job: str) -> JobRow:
        return self._access.job(self._ledger, job, incoming.client)

    def _queued(self, row: JobRow) -> None:
        self._dispatch.encourage()
        self._announcements.changed(row.id)
        self._announcements.order_changed()

    def _job_reply(self, row: JobRow, client: str) -> wire.Reply:
        plan = row.plan
        if plan is None:
            told = (each.event for each in self._ledger.events(row.id, 1, -1))
            plan = next((event.plan for event in reversed(list(told)) if isinstance(event, PlanReady)), None)
        return wire.JobReply(job=self._ledger.to_job(row, client), spec=row.spec, plan=plan)

    def _workers_seen_by(self, client: str) -> tuple[wire.Worker, ...]:
        """Others' jobs are nobody's business, that a device is busy is."""
        seen = []
        for worker in self._workers:
            shown = worker.seen()
            row = None if shown.job is None else self._ledger.find(shown.job)
            hidden = row is not None and not self._access.may_see(row, client)
            seen.append(wire.Worker(**{**_fields(shown), "job": None}) if hidden else shown)
        return tuple(seen)


def _fields(worker: wire.Worker) -> dict[str, Any]:
    return {name: getattr(worker, name) for name in worker.__struct_fields__}
