"""A job on another machine: the clip goes there, the takes come here, and the timeline is written here."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge.editorial.shot_bundle import TIMELINE, pack_shot
from bridge.files import transfer
from bridge.wire.messages import AddSpec, Job, RefineSpec, Spec, Upload
from contract.errors import BadTake, BadUsage
from contract.plan import Plan, read_plan
from plugin.cli.job_running import JobRun
from plugin.cli.job_specs import absolute
from plugin.cli.output import Reporter
from plugin.cli.remote.remote_folder import RemoteBatch, RemoteFolder, RemoteRecord, batch_for, is_take_of
from plugin.cli.remote.remote_results import RemoteResults
from plugin.cli.remote.transfer_progress import TransferProgress
from plugin.cli.service_link import ServiceLink, open_link

OpenSource = Callable[..., Any]
"""`open_source`: the clip that a person named, with its timeline and what is known of its media."""


def add(options: argparse.Namespace, order: Any, output: Path, open_source: OpenSource, teller: Reporter) -> int:
    """New content in a clip of this machine; the exit code. Raises Problems."""
    folder = RemoteFolder(output)
    with folder.held():
        location = {
            "source": absolute(order.source),
            "clip": order.clip,
            "part": list(order.part) if order.part else None,
            "rate": str(order.rate) if order.rate else None,
            "media_folders": [absolute(each) for each in order.media_folders],
        }
        source = _open(open_source, location, folder)
        with contextlib.closing(open_link(options.backend, options.backend_key)) as link:
            record = _record(folder, options.backend_key, location)
            asked = {"kind": "add", "model": order.model, **_asked(order)}
            _refuse_other(record, asked, folder)
            batch = batch_for(record, asked, order.seed, order.takes)
            run = _Run(options, link, folder, record, batch, source, teller)

            def spec() -> Spec:
                return AddSpec(
                    **_shaping(order, batch, _plan(order, folder, "plan.json")),
                    source=TIMELINE,
                    uploads=run.upload(),
                    part=order.part,
                    model=order.model,
                    download=order.download,
                )

            return run.through(spec)


def refine(options: argparse.Namespace, order: Any, open_source: OpenSource, teller: Reporter) -> int:
    """A follow-up of a take that another machine made; the exit code. Raises Problems."""
    take_folder = Path(absolute(order.take_folder))
    folder = RemoteFolder(take_folder.parent.parent)
    record = folder.read()
    parent = is_take_of(record, int(take_folder.name)) if record and take_folder.name.isdecimal() else None
    if record is None or parent is None or record.service != options.backend_key:
        raise BadTake(
            f"{order.take_folder} is not a take of the service at {options.backend}.",
            "A follow-up is made where the take was made.",
            "Name the service that made it, or leave --backend out for a take of this machine.",
        )
    with folder.held():
        record = folder.read()
        source = _open(open_source, record.shot, folder)
        with contextlib.closing(open_link(options.backend, options.backend_key)) as link:
            asked = {"kind": "refine", "parent": list(parent), **_asked(order), **_mask(order)}
            batch = batch_for(record, asked, order.seed, order.takes)
            run = _Run(options, link, folder, record, batch, source, teller)
            plan = read_plan(order.plan) if order.plan else None
            spec = RefineSpec(**_shaping(order, batch, plan), job=parent[0], take=parent[1], mask=order.mask)
            return run.through(lambda: spec)


class _Run:
    """The job under way."""

    def __init__(
        self,
        options: argparse.Namespace,
        link: ServiceLink,
        folder: RemoteFolder,
        record: RemoteRecord,
        batch: RemoteBatch,
        source: Any,
        teller: Reporter,
    ) -> None:
        self._link, self._folder, self._record, self._batch, self._source = link, folder, record, batch, source
        self._progress = TransferProgress(teller)
        results = RemoteResults(link, folder, record, batch, source, self._progress)
        self._run = JobRun(link, teller, quiet=options.json, translate=results.translated)

    def through(self, spec: Callable[[], Spec]) -> int:
        """Submit, follow, fetch; the exit code."""
        job: Job | None = None
        try:
            job = self._known() or self._run.submit(spec(), self._batch.token)
            self._batch.job = job.id
            self._folder.write(self._record)
            if job.state in ("failed", "cancelled"):
                job = self._run.retry(job, small=False)
            return self._run.follow(job.id)
        except (KeyboardInterrupt, BrokenPipeError):
            return self._run.stopped(job.id if job else None)

    def upload(self) -> tuple[Upload, ...]:
        """Send the shot, what the service has already excepted."""
        files = self._source.info.files
        parcel = pack_shot(self._source.opened, self._source.shot, files.count if files else 0)
        with tempfile.TemporaryDirectory() as place:
            timeline = Path(place) / TIMELINE
            timeline.write_bytes(parcel.timeline)
            return tuple(self._send([(TIMELINE, timeline), *parcel.files]))

    def _send(self, files: list[tuple[str, Path]]) -> Iterator[Upload]:
        total = sum(path.stat().st_size for _, path in files)
        chunk = self._link.welcome.limits.chunk_bytes
        with self._progress.of("uploading", total) as moved:
            for name, path in files:
                client = self._link.client
                digest = transfer.upload(
                    client.call, path, chunk_bytes=chunk, progress=moved.file(), call_many=client.call_many
                )
                yield Upload(path=name, sha256=digest)

    def _known(self) -> Job | None:
        """The job of an earlier run of the same command, if the service still has it: nothing is sent again."""
        return self._link.find(self._batch.job) if self._batch.job else None


def _open(open_source: OpenSource, location: dict[str, Any], folder: RemoteFolder) -> Any:
    return open_source(
        location["source"],
        location["clip"],
        tuple(location["part"]) if location["part"] else None,
        unpacked=folder.media,
        media_folders=tuple(map(Path, location["media_folders"])),
        rate=Fraction(location["rate"]) if location["rate"] else None,
    )


def _record(folder: RemoteFolder, service: str, location: dict[str, Any]) -> RemoteRecord:
    record = folder.read()
    if record is None:
        return RemoteRecord(service=service, shot=location)
    differing = [name for name in location if record.shot.get(name) != location[name]]
    if record.service != service:
        differing.append("the service")
    if differing:
        raise BadUsage(
            f"The folder {folder.path} holds another job.",
            f"It differs in {', '.join(differing)}.",
            "Choose another folder with --output, or repeat the first command to go on with that job.",
        )
    return record


def _refuse_other(record: RemoteRecord, asked: dict[str, Any], folder: RemoteFolder) -> None:
    """A folder takes one order for new content, with plan only or whole, and any number of follow-ups."""
    first = next((batch.asked for batch in record.batches if batch.asked["kind"] == "add"), None)
    names = [name for name in asked | (first or {}) if first is not None and name != "plan_only"]
    differing = [name for name in names if first.get(name) != asked.get(name)]
    if differing:
        raise BadUsage(
            f"The folder {folder.path} holds another job.",
            f"It differs in {', '.join(differing)}.",
            "Choose another folder with --output, or repeat the first command to go on with that job.",
        )


def _asked(order: Any) -> dict[str, Any]:
    """What makes an order another one; the number of takes and the way to the plan do not."""
    names = ("instruction", "seed", "quality", "scope", "assistant", "layer", "segmenter", "plan_only")
    # Orders from before there were limits stay the same orders.
    limits = {name: list(getattr(order, name)) for name in ("region", "levels") if getattr(order, name) is not None}
    return {name: getattr(order, name) for name in names} | limits


def _mask(order: Any) -> dict[str, Any]:
    if order.mask is None:
        return {}
    return {"mask": {"frame": order.mask.frame, "sha256": hashlib.sha256(order.mask.png).hexdigest()}}


def _shaping(order: Any, batch: RemoteBatch, plan: Plan | None) -> dict[str, Any]:
    names = ("instruction", "quality", "scope", "assistant", "plan_only", "layer", "segmenter", "region", "levels")
    return {**{name: getattr(order, name) for name in names}, "seed": batch.seed, "takes": batch.count, "plan": plan}


def _plan(order: Any, folder: RemoteFolder, name: str) -> Plan | None:
    """The plan that a person gave, or edited in the folder."""
    if order.plan:
        return read_plan(order.plan)
    kept = folder.path / name
    return read_plan(kept) if kept.exists() else None
