"""From an order to a job that is ready to work: folder held, clip chosen, take numbers given out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backend.jobs.job_folder import Batch, JobFolder, Record, find_batch, plan_name, refuse_other_shot
from backend.jobs.mask_picture import mask_for
from backend.jobs.order_identity import asked_of, asked_of_add, location_of, model_name, output_of
from backend.jobs.order_limits import check_limits, digest_of, mask_identity
from backend.jobs.orders import AddOrder, RefineOrder, TakeOrder
from backend.jobs.sources import CheckMedia, Source, open_source
from bridge.wire.messages import EditedMask
from contract.atomic_file import write_atomically
from contract.errors import BadTake, BadUsage
from contract.take import read_take
from dynvfx.assistant.instruction import clean_instruction
from dynvfx.request import Request

MOST_TAKES = 64


@dataclass(frozen=True)
class MediaAccess:
    """How a job comes by its files: `check` sees every path before it is read and raises a Problem where that is not
    allowed; `patience` is how many seconds another process may take to leave the job's folder."""

    check: CheckMedia | None = None
    patience: float = 0.0


UNRESTRICTED = MediaAccess()


@dataclass(frozen=True)
class OpenJob:
    """What the work needs to know. `numbers` maps this order's seeds to take numbers; `parent` is the followed take;
    `painted` uint8 [h, w] is where a person painted the edit, white inside, on frame `order.mask.frame`."""

    order: TakeOrder
    folder: JobFolder
    source: Source
    record: Record
    batch: Batch
    numbers: dict[int, int]
    model: str
    segmenter: str
    download: bool = False
    parent: Request | None = None
    painted: np.ndarray | None = None


@contextmanager
def open_add(order: AddOrder, reading: MediaAccess = UNRESTRICTED) -> Iterator[OpenJob]:
    """Hold the folder of an order for new content. Raises BadUsage, BadRequest, BadMedia, BadTimeline, OutOfDisk."""
    order = replace(order, instruction=clean_instruction(order.instruction))
    _check_takes(order)
    check_limits(order.region, order.levels)
    asked, location = asked_of_add(order), location_of(order)
    folder = JobFolder(output_of(order))
    with folder.held(reading.patience):
        source = _open(location, folder, reading)
        record = _record(folder, source, location)
        batch = find_batch(record, asked, "add", folder) or _new_batch(record, asked, "plan.json")
        numbers = _give_out(folder, record, batch, order)
        folder.write(record)
        yield OpenJob(order, folder, source, record, batch, numbers, asked["model"], asked["segmenter"], order.download)


@contextmanager
def open_refine(order: RefineOrder, reading: MediaAccess = UNRESTRICTED) -> Iterator[OpenJob]:
    """Hold the folder of a finished take for a follow-up. Raises BadTake beside what `open_add` raises."""
    order = replace(order, instruction=clean_instruction(order.instruction))
    _check_takes(order)
    check_limits(order.region, order.levels, order.mask)
    take_folder = order.take_folder.absolute()
    take = read_take(take_folder)
    folder = JobFolder(take_folder.parent.parent)
    parent = Request.from_dict(take.request)
    number = int(take_folder.name) if take_folder.name.isdecimal() else 0
    record = folder.read()
    if record is None or number == 0 or folder.take(number) != take_folder:
        raise BadTake(
            f"{order.take_folder} is not in the folder of its job.",
            "A follow-up needs the job's record, which stands beside the folder of takes.",
            "Name the take where it was made, for example: dynvfx refine results/takes/01 ...",
        )
    with folder.held(reading.patience):
        record = folder.read()
        source = _open(record.location, folder, reading)
        refuse_other_shot(record, _identity(source), source.media_stamp(), folder)
        segmenter = model_name(order.segmenter or parent.segmenter)
        asked = {"kind": "refine", **asked_of(order), "parent": parent.digest(), "segmenter": segmenter}
        asked |= mask_identity(order.mask)
        painted = _keep_mask(order.mask, source, folder)
        batch = find_batch(record, asked, "refine", folder)
        if batch is None:
            batch = _new_batch(record, asked, plan_name([folder.free_number(record)]))
            batch.parent = number
        numbers = _give_out(folder, record, batch, order)
        folder.write(record)
        yield OpenJob(
            order, folder, source, record, batch, numbers, parent.model, segmenter, parent=parent, painted=painted
        )


def _check_takes(order: TakeOrder) -> None:
    if not 1 <= order.takes <= MOST_TAKES:
        raise BadUsage(f"{order.takes} takes were asked for.", remedy=f"Choose a number from 1 to {MOST_TAKES}.")


def _keep_mask(mask: EditedMask | None, source: Source, folder: JobFolder) -> np.ndarray | None:
    """The painted mask, its file kept in the job's folder. Raises BadUsage when it does not fit the clip."""
    if mask is None:
        return None
    pixels = mask_for(mask, source.info.width, source.info.height, source.shot.frame_count)
    write_atomically(folder.painted(digest_of(mask)), mask.png)
    return pixels


def _open(location: dict[str, Any], folder: JobFolder, reading: MediaAccess) -> Source:
    part = location["part"]
    return open_source(
        location["source"],
        location["clip"],
        (part[0], part[1]) if part else None,
        unpacked=folder.media,
        media_folders=tuple(map(Path, location["media_folders"])),
        rate=Fraction(location["rate"]) if location["rate"] else None,
        check=reading.check,
    )


def _identity(source: Source) -> dict[str, Any]:
    """Which pictures the job works on, wherever they stand in the timeline."""
    shot = source.shot
    return {
        "media": source.info.path,
        "first frame": shot.source_start,
        "frames": shot.frame_count,
        "rate": str(shot.frame_rate),
    }


def _record(folder: JobFolder, source: Source, location: dict[str, Any]) -> Record:
    record = folder.read()
    if record is None:
        threads = torch.get_num_threads()
        return Record(shot=_identity(source), media=source.media_stamp(), threads=threads, location=location)
    refuse_other_shot(record, _identity(source), source.media_stamp(), folder)
    return record


def _new_batch(record: Record, asked: dict[str, Any], plan: str) -> Batch:
    batch = Batch(order=asked, plan=plan)
    record.batches.append(batch)
    return batch


def _give_out(folder: JobFolder, record: Record, batch: Batch, order: TakeOrder) -> dict[int, int]:
    """Seed to take number, the numbers of earlier runs kept."""
    for seed in range(order.seed, order.seed + order.takes):
        if str(seed) not in batch.numbers:
            batch.numbers[str(seed)] = folder.free_number(record)
    return {seed: batch.numbers[str(seed)] for seed in range(order.seed, order.seed + order.takes)}
