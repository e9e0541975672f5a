"""From a job as it was asked for to one that is ready to work: folder locked, clip chosen, take numbers given out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from backend.jobs.job_defaults import model_name, output_of, with_models
from backend.jobs.masks.mask_picture import mask_for
from backend.jobs.sources import CheckMedia, Source, open_source
from bridge.local.job_folder import Batch, JobFolder, Record
from contract.atomic_file import write_atomically
from contract.errors import BadTake, BadUsage
from contract.job import ClipSource, JobSpec, TakeSource
from contract.plan import Plan
from contract.take import read_take
from dynvfx.request import Request


@dataclass(frozen=True)
class JobFileAccess:
    """How a job comes by its files.

    check: sees every path before it is read and raises a Problem where that is not allowed.
    patience: seconds that another process may take to leave the job's folder.
    inputs: where the job's inputs are, by their paths in the job.
    approved: a plan that takes the place of the one in the job's folder.
    """

    check: CheckMedia | None = None
    patience: float = 0.0
    inputs: Mapping[str, Path] = field(default_factory=dict)
    approved: Plan | None = None


UNRESTRICTED = JobFileAccess()


@dataclass(frozen=True)
class OpenJob:
    """What the work needs to know.

    numbers: this job's seeds to take numbers.
    parent: the followed take.
    painted: uint8 [h, w], where a person painted the edit, white inside, on frame `spec.edit.mask.frame`.
    """

    spec: JobSpec
    folder: JobFolder
    source: Source
    record: Record
    batch: Batch
    numbers: dict[int, int]
    model: str
    segmenter: str
    approved: Plan | None = None
    parent: Request | None = None
    painted: np.ndarray | None = None


@contextmanager
def open_job(spec: JobSpec, files: JobFileAccess = UNRESTRICTED) -> Iterator[OpenJob]:
    """Lock the job's folder and make it ready.

    Raises BadUsage, BadRequest, BadPlan, BadMedia, BadTimeline, BadTake, OutOfDisk.
    """
    spec.validate()
    opened = _of_take(spec, files) if isinstance(spec.start, TakeSource) else _of_clip(spec, files)
    with opened as job:
        yield job


@contextmanager
def _of_clip(spec: JobSpec, files: JobFileAccess) -> Iterator[OpenJob]:
    location = _found_again(spec.start)
    spec = with_models(msgspec.structs.replace(spec, start=location))
    folder = JobFolder(output_of(spec))
    with folder.locked(files.patience):
        source = _open(location, folder, files)
        record = _record(folder, source, location)
        # The pictures decide whether it is the same shot, and `record` has compared them.
        wanted = msgspec.structs.replace(spec.identity(), start=record.location)
        batch = record.find_batch(wanted, None, folder) or _new_batch(record, wanted)
        numbers = _give_out(folder, record, batch, spec)
        folder.write(record)
        yield OpenJob(
            spec, folder, source, record, batch, numbers, spec.model or "", spec.segmenter or "", files.approved
        )


@contextmanager
def _of_take(spec: JobSpec, files: JobFileAccess) -> Iterator[OpenJob]:
    take_folder = _take_folder(spec.start)
    take = read_take(take_folder)
    folder = JobFolder(take_folder.parent.parent)
    parent = Request.from_dict(take.request)
    number = int(take_folder.name) if take_folder.name.isdecimal() else 0
    record = folder.read()
    if record is None or record.service or number == 0 or folder.take(number) != take_folder:
        raise BadTake(
            f"{take_folder} is not in the folder of its job.",
            "A follow-up needs the job's record, which is beside the folder of takes.",
            "Name the take where it was made, for example: dynvfx refine results/takes/01 ...",
        )
    with folder.locked(files.patience):
        record = folder.read()
        assert record is not None, "it was there before"
        source = _open(record.location, folder, files)
        record.refuse_other_shot(_identity(source), source.media_stamp(), folder)
        segmenter = model_name(spec.segmenter or parent.segmenter)
        start = TakeSource(folder=f"takes/{take_folder.name}")
        wanted = msgspec.structs.replace(spec.identity(), start=start, segmenter=segmenter)
        painted = _keep_mask(spec, source, folder, files)
        batch = record.find_batch(wanted, number, folder)
        if batch is None:
            batch = _new_batch(record, wanted, f"plan-{folder.free_number(record):02d}.json", number)
        numbers = _give_out(folder, record, batch, spec)
        folder.write(record)
        model = parent.model
        yield OpenJob(spec, folder, source, record, batch, numbers, model, segmenter, files.approved, parent, painted)


def _take_folder(start: ClipSource | TakeSource) -> Path:
    if not isinstance(start, TakeSource) or start.folder is None:
        raise BadUsage("The folder of the take to follow is not known.", remedy="Name its folder.")
    return Path(start.folder).absolute()


def _found_again(start: ClipSource | TakeSource) -> ClipSource:
    """The clip named so that it is found from any folder."""
    assert isinstance(start, ClipSource)
    folders = tuple(str(Path(each).absolute()) for each in start.media_folders)
    source = str(Path(start.source).absolute())
    return msgspec.structs.replace(start, source=source, media_folders=folders, uploads=())


def _keep_mask(spec: JobSpec, source: Source, folder: JobFolder, files: JobFileAccess) -> np.ndarray | None:
    """The painted mask, its file kept in the job's folder. Raises BadUsage when it does not fit the clip."""
    mask = spec.edit.mask
    if mask is None:
        return None
    kept = folder.input(spec.input_file(mask.input).sha256)
    given = files.inputs.get(mask.input)
    try:
        png = (kept if given is None else given).read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        raise BadUsage("The painted mask cannot be read.", why, "Give the same mask again.") from error
    pixels = mask_for(png, mask.frame, source.info.width, source.info.height, source.shot.frame_count)
    write_atomically(kept, png)
    return pixels


def _open(location: ClipSource, folder: JobFolder, files: JobFileAccess) -> Source:
    return open_source(
        location.source,
        location.clip,
        location.part,
        unpacked=folder.media,
        media_folders=tuple(map(Path, location.media_folders)),
        rate=location.frame_rate,
        timeline=location.timeline,
        check=files.check,
    )


def _identity(source: Source) -> dict[str, Any]:
    """Which pictures the job works on, wherever they are in the timeline."""
    shot = source.shot
    return {
        "media": source.info.path,
        "first frame": shot.source_start,
        "frames": shot.frame_count,
        "rate": str(shot.frame_rate),
    }


def _record(folder: JobFolder, source: Source, location: ClipSource) -> Record:
    record = folder.read()
    if record is None:
        threads = torch.get_num_threads()
        return Record(location=location, shot=_identity(source), media=source.media_stamp(), threads=threads)
    record.refuse_other_service("", folder)
    record.refuse_other_shot(_identity(source), source.media_stamp(), folder)
    return record


def _new_batch(record: Record, job: JobSpec, plan: str = "plan.json", parent: int | None = None) -> Batch:
    batch = Batch(job=job, plan=plan, parent=parent)
    record.batches.append(batch)
    return batch


def _give_out(folder: JobFolder, record: Record, batch: Batch, spec: JobSpec) -> dict[int, int]:
    """Seed to take number, the numbers of earlier runs kept."""
    for seed in spec.seeds:
        if str(seed) not in batch.numbers:
            batch.numbers[str(seed)] = folder.free_number(record)
    return {seed: batch.numbers[str(seed)] for seed in spec.seeds}
