"""One job from order to timeline, in this process: shot, plan, takes, placement.

The same order in the same folder goes on where an earlier run stopped, however it stopped, and ends with the same
bytes; takes that are finished are not made again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from backend.delivering import deliver
from backend.failures import as_problems
from backend.job_folder import Batch, JobFolder, Record
from backend.job_start import OpenJob, open_add, open_refine
from backend.machine import check_disk, peak_memory, quiet_loading, steady_arithmetic
from backend.media.conform import Conform
from backend.media.deliver import Delivery
from backend.media.probe import probe
from backend.orders import AddOrder, RefineOrder
from backend.planning import key_frames_of, settle_plan
from backend.presets import preset_for
from backend.take_files import finished_take, placed, read_latents, reviewed_take, write_record
from bridge.errors import BadMedia, BadUsage
from bridge.job_events import (
    JobDone,
    JobEvent,
    JobNotice,
    JobStarted,
    ModelOpened,
    PlanReady,
    PreviewWritten,
    StageProgress,
    TakeDone,
)
from bridge.placement import place_takes, write_timeline
from bridge.take import Take
from dynvfx.backbones.base import Backbone
from dynvfx.backbones.loading import open_backbone
from dynvfx.engine import generate
from dynvfx.events import Event, Notice, Outcome, Preview, Progress
from dynvfx.geometry import Geometry
from dynvfx.request import Request
from dynvfx.segmentation.base import Segmenter
from dynvfx.segmentation.loading import open_segmenter
from dynvfx.states import clip_digest
from dynvfx.store import DirectoryStore

log = logging.getLogger(__name__)


def run(order: AddOrder | RefineOrder) -> Iterator[JobEvent]:
    """Carry an order out; an event after every step that is safe on the disk. Raises a Problem that says what to do.

    Closing the generator, Ctrl-C and a killed process lose at most the step that was under way.
    """
    with as_problems():
        opened = open_add(order) if isinstance(order, AddOrder) else open_refine(order)
        with opened as job:
            yield from _Run(job).events()


class _Run:
    """The job under way."""

    def __init__(self, job: OpenJob) -> None:
        self.job, self.order, self.source = job, job.order, job.source
        self.folder: JobFolder = job.folder
        self.record: Record = job.record
        self.batch: Batch = job.batch

    def events(self) -> Iterator[JobEvent]:
        """Everything, in order."""
        shot, info = self.source.shot, self.source.info
        numbers = self.job.numbers
        yield JobStarted(
            output=str(self.folder.path),
            source=self.source.path,
            clip=shot.name,
            media=info.path,
            first=shot.part[0] if shot.part else 0,
            frames=shot.frame_count,
            rate=str(shot.frame_rate),
            width=info.width,
            height=info.height,
            takes=list(numbers.values()),
        )
        for text in info.notes:
            yield JobNotice(kind="media", text=text)
        finished = self._finished_before()
        if finished is not None and not self.order.plan_only:
            for seed, number in numbers.items():
                yield self._done(number, finished[seed], made=False)
        else:
            yield from self._work(numbers)
            if self.order.plan_only:
                yield JobDone(output=str(self.folder.path), takes=[], timeline=None)
                return
        self._write_timeline()
        yield JobDone(output=str(self.folder.path), takes=list(numbers.values()), timeline=str(self.folder.timeline))

    def _finished_before(self) -> dict[int, Take] | None:
        """All takes of the order when earlier runs have made them, so that no model has to be opened."""
        if self.batch.request is None or self.order.plan is not None:
            return None
        base = Request.from_dict(self.batch.request)
        plan = self.folder.path / self.batch.plan
        if not plan.exists() or plan.read_bytes() != base.plan.to_json().encode():
            return None
        takes = {
            seed: finished_take(self.folder.take(number), base.with_seed(seed))
            for seed, number in self.job.numbers.items()
        }
        return takes if all(takes.values()) else None

    def _work(self, numbers: dict[int, int]) -> Iterator[JobEvent]:
        """Open the model, settle the plan, make the takes that are missing."""
        order, source = self.order, self.source
        steady_arithmetic(self.record.threads)
        quiet_loading()
        backbone = open_backbone(self.job.model, download=self.job.download)
        info, shot = source.info, source.shot
        geometry = backbone.rules.choose(info.width, info.height, shot.frame_count, shot.frame_rate)
        yield ModelOpened(
            model=backbone.name,
            licence=backbone.licence,
            device=str(backbone.device),
            frames=geometry.frames,
            width=geometry.width,
            height=geometry.height,
            rate=str(geometry.rate),
        )
        conform = Conform(info, shot.source_start, shot.frame_count, geometry)
        frames = conform.model_frames()
        seen = frames if self.batch.parent is None else self._parent_frames(geometry)
        settled = settle_plan(order, self.folder.path / self.batch.plan, key_frames_of(seen), backbone)
        yield PlanReady(
            path=str(self.folder.path / self.batch.plan),
            origin=settled.origin,
            plan={name: getattr(settled.plan, name) for name in settled.plan.__dataclass_fields__},
            remarks=list(settled.remarks),
        )
        if order.plan_only:
            return
        preset = preset_for(backbone, order.quality)
        request = preset.for_effect(settled.plan.effect).request(
            backbone,
            source=clip_digest(torch.from_numpy(frames)),
            plan=settled.plan,
            model=self.job.model,
            seed=order.seed,
            geometry=geometry,
            segmenter=self.job.segmenter,
            parent=self.job.parent.digest() if self.job.parent else None,
        )
        request = self._settle_request(request)
        check_disk(self.folder.path, info, shot.frame_count)
        parent = read_latents(self.folder.take(self.batch.parent)) if self.batch.parent else None
        segmenter = open_segmenter(request.segmenter)
        for text in segmenter.remarks:
            yield JobNotice(kind="segmenter", text=text)
        for seed, number in numbers.items():
            take = finished_take(self.folder.take(number), request.with_seed(seed))
            if take is not None:
                yield self._done(number, take, made=False)
                continue
            yield from self._make(
                request.with_seed(seed), number, conform, frames, backbone, segmenter, preset.preview_every, parent
            )

    def _parent_frames(self, geometry: Geometry) -> np.ndarray:
        """What the take that is followed looks like to the model."""
        take = finished_take(self.folder.take(self.batch.parent), self.job.parent)
        if take is None:
            raise BadUsage(
                f"The take in {self.folder.take(self.batch.parent)} lacks files.",
                remedy="Make it again with its own command, then refine it.",
            )
        composite = probe(self.folder.take(self.batch.parent) / str(take.extra["composite"]), self.source.info.rate)
        return Conform(composite, 0, composite.frame_count, geometry).model_frames()

    def _settle_request(self, request: Request) -> Request:
        """The request of the first run, so that a newer version of the program finishes what an older one began."""
        if self.batch.request is not None:
            first = Request.from_dict(self.batch.request)
            if first.source != request.source:
                raise BadMedia(
                    "The clip's pictures have changed since this job began.",
                    remedy="Start again in another folder with --output.",
                )
            request = replace(first, plan=request.plan)
        for seed, number in self.job.numbers.items():
            finished_take(self.folder.take(number), request.with_seed(seed))  # raises when made from another plan
        self.batch.request = request.to_dict()
        self.folder.write(self.record)
        return request

    def _make(
        self,
        request: Request,
        number: int,
        conform: Conform,
        frames: np.ndarray,
        backbone: Backbone,
        segmenter: Segmenter,
        preview_every: int,
        parent: torch.Tensor | None,
    ) -> Iterator[JobEvent]:
        """One take from noise to take.json."""
        store = DirectoryStore(self.folder.states)
        outcome: Outcome | None = None
        iterations = len(request.levels)
        made = generate(
            request,
            torch.from_numpy(frames),
            backbone,
            segmenter,
            store,
            preview_every=preview_every,
            parent=parent,
        )
        for event in made:
            if isinstance(event, Outcome):
                outcome = event
            else:
                yield from self._translated(event, number, iterations, conform)
        began = time.monotonic()
        reviewed = reviewed_take(self.folder.take(number))
        delivery: Delivery | None = None
        for news in deliver(conform, outcome, frames, self.folder.take(number), self.order.layer, request):
            if isinstance(news, Delivery):
                delivery = news
            else:
                yield StageProgress(take=number, stage="delivering", step=news[0], steps=news[1])
        take = write_record(
            self.folder.take(number),
            request,
            self.source,
            backbone,
            outcome,
            delivery,
            number=number,
            seconds={**outcome.seconds, "delivering": time.monotonic() - began},
            peak_memory=peak_memory(backbone.device),
            reviewed=reviewed,
        )
        self.folder.preview(number).unlink(missing_ok=True)
        yield self._done(number, take, made=True)

    def _translated(self, event: Event, number: int, iterations: int, conform: Conform) -> Iterator[JobEvent]:
        if isinstance(event, Progress):
            yield StageProgress(
                take=number,
                stage=event.stage,
                step=event.step,
                steps=event.steps,
                iteration=event.iteration,
                iterations=event.iterations,
                seconds_left=event.seconds_left,
            )
        elif isinstance(event, Notice):
            yield JobNotice(kind=event.kind, text=event.text, take=number)
        elif isinstance(event, Preview) and event.kind in ("x0", "composite"):
            path = self.folder.preview(number)
            _write_picture(path, event.frames[len(event.frames) // 2].numpy(), conform)
            yield PreviewWritten(take=number, path=str(path), iteration=event.iteration, iterations=iterations)

    def _done(self, number: int, take: Take, *, made: bool) -> TakeDone:
        return TakeDone(
            take=number,
            folder=str(self.folder.take(number)),
            seed=take.seed,
            made=made,
            seconds=take.seconds,
            matte_coverage=take.matte_coverage,
            outside_change=take.outside_change,
        )

    def _write_timeline(self) -> None:
        """All finished takes of the folder in one stack; this order's first one is the active one."""
        stack: list[tuple[int, Take]] = []
        for batch in self.record.batches:
            if batch.request is None:
                continue
            base = Request.from_dict(batch.request)
            for seed, number in batch.numbers.items():
                take = finished_take(self.folder.take(number), base.with_seed(int(seed)))
                if take is not None:
                    stack.append((number, take))
        stack.sort(key=lambda pair: pair[0])
        takes = [placed(self.folder.take(number), take, self.source) for number, take in stack]
        first = next(iter(self.job.numbers.values()))
        active = [number for number, _ in stack].index(first)
        label = str(stack[active][1].plan["target_object"])
        timeline = place_takes(self.source.opened, self.source.shot, takes, active, label)
        opened = self.source.opened
        write_timeline(timeline, self.folder.timeline, older=opened.older, media_base=opened.media_base)


def _write_picture(path: Path, picture: np.ndarray, conform: Conform) -> None:
    """Replace a preview by `picture` uint8 [H, W, 3], without the padding."""
    box = conform.box
    beside = path.with_suffix(".part")
    inner = picture[box.top : box.top + box.height, box.left : box.left + box.width]
    Image.fromarray(np.ascontiguousarray(inner)).save(beside, format="PNG")
    beside.replace(path)
