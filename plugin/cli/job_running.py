"""A job through the backend, reported like one in this process: submit, follow, stop with Ctrl-C."""

from __future__ import annotations

import contextlib
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge.files import transfer
from bridge.wire.messages import (
    Cancel,
    CancelReply,
    GetJob,
    Job,
    JobReply,
    Jobs,
    ListJobs,
    Retry,
    Submit,
)
from contract.errors import CANCELLED, DONE, Cancelled, Problem
from contract.events import JobDone, JobEvent, JobFailed, JobNotice, JobStarted
from contract.job import JobSpec
from contract.states import RUNNING, WAITING
from plugin.cli.backend_link import BackendLink
from plugin.cli.output import Reporter

AFTER_PLAN = "Edit the plan if you like, then give the same command without --plan-only."
STOP_WITHIN = 15.0
"""Seconds for which the end of a cancelled job is waited for."""

Translate = Callable[[JobEvent], JobEvent | None]
"""What becomes of an event before it is reported, None for what is not reported; may raise a Problem."""


class JobRun:
    """One job of this command."""

    def __init__(
        self, link: BackendLink, reporter: Reporter, *, quiet: bool, translate: Translate = lambda event: event
    ) -> None:
        """`quiet` keeps everything but events from the terminal."""
        self._link, self._reporter, self._quiet, self._translate = link, reporter, quiet, translate
        self._coming = 1
        self.started: JobStarted | None = None

    def submit(self, spec: JobSpec, token: str | None = None, inputs: Mapping[str, Path] | None = None) -> Job:
        """Queue a job and follow it from its first event; the same one that runs already is followed as well.

        `inputs` are the places here of the files that it brings along, by their paths in the job.
        """
        job = self._same_running(spec) if token is None else None
        if job is None:
            self._send_inputs(spec, inputs or {})
            job = self._link.ask(Submit(token=token or uuid.uuid4().hex, spec=spec), JobReply).job
        elif job.state == "paused":
            job = self._link.ask(Retry(job=job.id), JobReply).job
        self._say(f"Job {job.id}{_queue_text(job)}; `dynvfx watch {job.id}` follows it from another terminal.")
        return job

    def _send_inputs(self, spec: JobSpec, inputs: Mapping[str, Path]) -> None:
        client = self._link.client
        for each in spec.inputs:
            transfer.upload(
                client.call,
                inputs[each.path],
                chunk_bytes=client.welcome.limits.chunk_bytes,
                call_many=client.call_many,
            )

    def retry(self, job: Job, *, small: bool) -> Job:
        """Queue a job again; only what comes from now on is reported."""
        self._coming = job.events + 1
        job = self._link.ask(Retry(job=job.id, footprint="small" if small else None), JobReply).job
        self._say(f"Job {job.id}{_queue_text(job)}.")
        return job

    def follow(self, job: str) -> int:
        """Report the job's events until it ends; the exit code. KeyboardInterrupt comes through."""
        events = self._link.events(job, self._coming)
        pending: JobFailed | None = None
        with contextlib.closing(events):
            for numbered in events:
                self._coming = numbered.number + 1
                if pending is not None:
                    # Something came after a failure: it was tried again.
                    self._reporter.report(JobNotice(kind="retried", text=f"It failed before: {pending.what}"))
                pending = numbered.event if isinstance(numbered.event, JobFailed) else None
                if pending is None:
                    self._report(numbered.event)
        if pending is None:
            return DONE
        self._report(pending)
        return pending.exit_code

    def cancel(self, job: str) -> str:
        """End the job and wait until nothing works on it any more; the backend's answer."""
        outcome = self._link.ask(Cancel(job=job), CancelReply, timeout=STOP_WITHIN).outcome
        if outcome == "cancelled":
            for _ in self._link.events(job, self._coming):
                pass
        return outcome

    def stopped(self, job: str | None) -> int:
        """After Ctrl-C: end the job and say how to continue. A second Ctrl-C does not wait for it."""
        self._reporter.close()
        try:
            if job is not None:
                self.cancel(job)
        except Problem as problem:
            print(f"The job could not be stopped: {problem}", file=sys.stderr)
        except KeyboardInterrupt:
            pass
        return report_stopped(self._reporter, self.started, quiet=self._quiet)

    def _report(self, original: JobEvent) -> None:
        event = self._translate(original)
        if event is None:
            return
        self.started = event if isinstance(event, JobStarted) else self.started
        self._reporter.report(event)
        if isinstance(event, JobDone) and event.timeline is None:
            self._say(AFTER_PLAN)

    def _same_running(self, spec: JobSpec) -> Job | None:
        """The very same job, begun by a command that has lost its terminal, say."""
        for job in self._link.ask(ListJobs(states=(*WAITING, *RUNNING)), Jobs).jobs:
            if job.mine and self._link.ask(GetJob(job=job.id), JobReply).spec == spec:
                return job
        return None

    def _say(self, text: str) -> None:
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)


def report_stopped(reporter: Reporter, started: JobStarted | None, *, quiet: bool) -> int:
    """Say that Ctrl-C stopped the job and what is kept; the exit code. `quiet` reports it as an event."""
    what, remedy = "Stopped.", "Nothing was begun yet."
    if started is not None:
        what = f"Stopped. What was done so far is kept in {Path(started.output) / '.dynvfx'}."
        remedy = "The same command continues from there."
    with contextlib.suppress(BrokenPipeError):
        reporter.report(JobFailed.of(Cancelled(what, remedy=remedy))) if quiet else print(what, remedy, file=sys.stderr)
    return CANCELLED


def _queue_text(job: Job) -> str:
    before = (job.position or 1) - 1
    if job.state != "queued" or before == 0:
        return ""
    return f" waits for {before} other{'s' if before > 1 else ''}"
