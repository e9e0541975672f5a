"""A job on another machine: the clip goes there, the takes come here, and the timeline is written here."""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from bridge.editorial.shot_bundle import TIMELINE, pack_shot
from bridge.files import transfer
from bridge.local.job_folder import Batch, JobFolder, Record, refuse_difference
from bridge.wire.messages import Job
from contract.errors import BadTake
from contract.job import ClipSource, InputFile, JobSpec, TakeSource
from contract.plan import read_plan
from plugin.cli.backend_link import BackendLink, open_link
from plugin.cli.job_running import JobRun
from plugin.cli.output import Reporter
from plugin.cli.remote.remote_batches import batch_for, origin_of
from plugin.cli.remote.remote_results import RemoteResults
from plugin.cli.remote.transfer_progress import TransferProgress

OpenSource = Callable[..., Any]
"""`open_source`: the clip that a person named, with its timeline and what is known of its media."""


def run(
    options: argparse.Namespace,
    spec: JobSpec,
    inputs: Mapping[str, Path],
    output: Path | None,
    open_source: OpenSource,
    reporter: Reporter,
) -> int:
    """Carry a job out over there; the exit code. `output` is the folder for a clip's takes here. Raises Problems."""
    if output is None:
        return _follow_up(options, spec, inputs, open_source, reporter)
    assert isinstance(spec.start, ClipSource)
    folder = JobFolder(output)
    with folder.locked():
        source = _open(open_source, spec.start, folder)
        with contextlib.closing(open_link(options.backend, options.backend_key)) as link:
            record = _record(folder, options.backend_key, spec.start)
            batch = batch_for(record, spec, None, folder)
            job = _RemoteJob(options, link, folder, record, batch, source, inputs, reporter)
            return job.through(lambda: _sent(spec, batch, folder, job.upload()))


def _follow_up(
    options: argparse.Namespace,
    spec: JobSpec,
    inputs: Mapping[str, Path],
    open_source: OpenSource,
    reporter: Reporter,
) -> int:
    assert isinstance(spec.start, TakeSource) and spec.start.folder is not None
    take_folder = Path(spec.start.folder)
    folder = JobFolder(take_folder.parent.parent)
    record = folder.read()
    number = int(take_folder.name) if take_folder.name.isdecimal() else 0
    parent = origin_of(record, number) if record else None
    if record is None or parent is None or record.service != options.backend_key:
        raise BadTake(
            f"{take_folder} is not a take of the backend at {options.backend}.",
            "A follow-up is made where the take was made.",
            "Name the backend that made it, or leave --backend out for a take of this machine.",
        )
    with folder.locked():
        record = folder.read() or record
        source = _open(open_source, record.location, folder)
        spec = msgspec.structs.replace(spec, start=TakeSource(job=parent[0], number=parent[1]))
        with contextlib.closing(open_link(options.backend, options.backend_key)) as link:
            batch = batch_for(record, spec, number, folder)
            job = _RemoteJob(options, link, folder, record, batch, source, inputs, reporter)
            return job.through(lambda: msgspec.structs.replace(spec, seed=batch.seed, takes=batch.takes))


class _RemoteJob:
    """The job under way."""

    def __init__(
        self,
        options: argparse.Namespace,
        link: BackendLink,
        folder: JobFolder,
        record: Record,
        batch: Batch,
        source: Any,
        inputs: Mapping[str, Path],
        reporter: Reporter,
    ) -> None:
        self._link, self._folder, self._record, self._batch, self._source = link, folder, record, batch, source
        self._inputs = inputs
        self._progress = TransferProgress(reporter)
        results = RemoteResults(link, folder, record, batch, source, self._progress)
        self._run = JobRun(link, reporter, quiet=options.json, translate=results.translated)

    def through(self, spec: Callable[[], JobSpec]) -> int:
        """Submit, follow, fetch; the exit code."""
        job: Job | None = None
        try:
            job = self._known() or self._run.submit(spec(), self._batch.token, self._inputs)
            self._batch.id = job.id
            self._folder.write(self._record)
            if job.state in ("failed", "cancelled", "paused"):
                job = self._run.retry(job, small=False)
            return self._run.follow(job.id)
        except (KeyboardInterrupt, BrokenPipeError):
            return self._run.stopped(job.id if job else None)

    def upload(self) -> tuple[InputFile, ...]:
        """Send the shot, what the backend has already excepted."""
        images = self._source.info.sequence
        bundle = pack_shot(self._source.opened, self._source.shot, images.count if images else 0)
        with tempfile.TemporaryDirectory() as place:
            timeline = Path(place) / TIMELINE
            timeline.write_bytes(bundle.timeline)
            return tuple(self._send([(TIMELINE, timeline), *bundle.files]))

    def _send(self, files: list[tuple[str, Path]]) -> Iterator[InputFile]:
        total = sum(path.stat().st_size for _, path in files)
        chunk = self._link.welcome.limits.chunk_bytes
        with self._progress.of("uploading", total) as moved:
            for name, path in files:
                client = self._link.client
                digest = transfer.upload(
                    client.call, path, chunk_bytes=chunk, progress=moved.file(), call_many=client.call_many
                )
                yield InputFile(path=name, sha256=digest, bytes=path.stat().st_size)

    def _known(self) -> Job | None:
        """The job of an earlier run of the same command, if the backend still has it: nothing is sent again."""
        return self._link.find(self._batch.id) if self._batch.id else None


def _open(open_source: OpenSource, location: ClipSource, folder: JobFolder) -> Any:
    return open_source(
        location.source,
        location.clip,
        location.part,
        unpacked=folder.media,
        media_folders=tuple(map(Path, location.media_folders)),
        rate=location.frame_rate,
        timeline=location.timeline,
    )


def _record(folder: JobFolder, service: str, location: ClipSource) -> Record:
    record = folder.read()
    if record is None:
        return Record(location=location, service=service)
    record.refuse_other_service(service, folder)
    there, here = msgspec.to_builtins(record.location), msgspec.to_builtins(location)
    refuse_difference([(name, there.get(name), here.get(name)) for name in {**there, **here}], folder)
    return record


def _sent(spec: JobSpec, batch: Batch, folder: JobFolder, uploads: tuple[InputFile, ...]) -> JobSpec:
    """The job as it is submitted: its clip among the uploads, the seeds that are missing, and the plan that a person
    gave or edited in the folder."""
    assert isinstance(spec.start, ClipSource)
    kept = folder.path / batch.plan
    return msgspec.structs.replace(
        spec,
        start=ClipSource(source=TIMELINE, part=spec.start.part, uploads=uploads),
        output=None,
        seed=batch.seed,
        takes=batch.takes,
        plan=read_plan(kept) if spec.plan is None and kept.exists() else spec.plan,
    )
