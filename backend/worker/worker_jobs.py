"""A worker's jobs: the part that needs torch."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec
import torch

from backend.jobs.cache.stage_cache import StageCache
from backend.jobs.failures import failure_of, full_disk_as_problem
from backend.jobs.job_start import JobFileAccess
from backend.jobs.media_roots import MediaRoots
from backend.jobs.take_job import JobContext, run
from backend.worker.channel import WorkerChannel
from backend.worker.event_journal import EventJournal, JournalEntry
from backend.worker.messages import EventReported, Ready, Run, RunEnded
from backend.worker.open_models import OpenBackbone, OpenModels, OpenSegmenter
from contract.errors import Problem
from contract.events import JobDone, decode_event
from contract.job import ClipSource, JobSpec
from dynvfx.device import best_device, memory_of, title_of
from dynvfx.errors import OutOfMemory

log = logging.getLogger(__name__)

PATIENCE = 15.0
"""Seconds for which a worker that is ending, or being killed, may still hold the job's folder."""


class WorkerJobs:
    """Carries jobs out on `device` (torch's name; None: the best one, see `dynvfx.device`)."""

    def __init__(
        self, channel: WorkerChannel, open_backbone: OpenBackbone, open_segmenter: OpenSegmenter, device: str | None
    ) -> None:
        self._channel = channel
        self._device = torch.device(device) if device is not None else best_device()
        # Results depend on the number of threads in their last bits, and each job sets its own.
        self._threads = torch.get_num_threads()
        self._models = OpenModels(open_backbone, open_segmenter, device, self._loading)

    def ready(self) -> Ready:
        """What this worker works on."""
        memory = memory_of(self._device)[1]
        return Ready(device=str(self._device), pid=os.getpid(), title=title_of(self._device), memory_bytes=memory)

    def carry_out(self, job: Run) -> RunEnded:
        """Carry a job out and report its events; how it ended is returned. Raises what no Problem stands for."""
        log.info("job %s begins%s", job.job, " and stops after its plan" if job.spec.after_plan != "generate" else "")
        torch.set_num_threads(self._threads)
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        try:
            with full_disk_as_problem():
                means = JobContext(self._models, self._cache_of(job))
                ended = self._report(job, means)
        except Problem as problem:
            log.exception("job %s failed: %s", job.job, problem.kind)
            failure = failure_of(problem, is_small=job.spec.footprint == "small")
            # After running out of memory the state of the device is unknown: a fresh process is safer.
            return RunEnded(job=job.job, outcome="failed", failure=failure, leaving=isinstance(problem, OutOfMemory))
        log.info("job %s: %s", job.job, ended.outcome)
        return ended

    def _report(self, job: Run, means: JobContext) -> RunEnded:
        if self._channel.is_cancelled(job.job):
            return RunEnded(job=job.job, outcome="cancelled")
        path = Path(job.journal) if job.journal is not None else None
        with (
            EventJournal(path, job.recorded, map(decode_event, job.known)) as journal,
            contextlib.closing(run(spec_of(job), means, files_of(job))) as events,
        ):
            self._send(job, journal.unrecorded)
            if journal.is_over:
                return RunEnded(job=job.job, outcome="done")
            for event in events:
                if isinstance(event, JobDone) and job.spec.after_plan == "wait":
                    return RunEnded(job=job.job, outcome="awaiting_approval")
                self._send(job, journal.add(event))
                if isinstance(event, JobDone):
                    return RunEnded(job=job.job, outcome="done")
                # A step is stored before its event comes, so nothing is lost by ending here.
                if self._channel.is_cancelled(job.job):
                    return RunEnded(job=job.job, outcome="cancelled")
                if self._channel.is_quitting:
                    return RunEnded(job=job.job, outcome="stopped")
        raise AssertionError("a job ends with JobDone or with a Problem")

    def _send(self, job: Run, entries: Iterable[JournalEntry]) -> None:
        for number, data in entries:
            self._channel.send(EventReported(job=job.job, event=msgspec.Raw(data), number=number))

    def _cache_of(self, job: Run) -> StageCache | None:
        return StageCache(Path(job.cache), job.cache_bytes) if job.cache is not None else None

    def _loading(self, name: str | None) -> None:
        if name is not None:
            self._channel.state, self._channel.model = "loading", name
        else:
            self._channel.state = "busy"


def spec_of(job: Run) -> JobSpec:
    """The job with the folder for its results, and with its clip found among the uploads."""
    start = job.spec.start
    if not isinstance(start, ClipSource):
        return job.spec
    start = msgspec.structs.replace(start, source=str(Path(job.media or ".") / start.source))
    return msgspec.structs.replace(job.spec, start=start, output=job.output)


def files_of(job: Run) -> JobFileAccess:
    """Media only below the roots, the uploads and the job's own folder (where a timeline's bundle is unpacked)."""
    check = None
    if job.media_roots is not None:
        own = (job.output, job.media) if job.media is not None else (job.output,)
        check = MediaRoots((*job.media_roots, *own)).check
    inputs = {name: Path(path) for name, path in job.inputs.items()}
    return JobFileAccess(check, PATIENCE, inputs, job.approved_plan)
