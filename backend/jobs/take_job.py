"""One job from order to timeline, in this process: shot, plan, takes, placement.

The same order in the same folder goes on where an earlier run stopped, however it stopped, and ends with the same
bytes; takes that are finished are not made again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import torch

from backend.delivery.conform import Conform
from backend.jobs.cache.stage_cache import StageCache, arithmetic_of
from backend.jobs.determinism import check_disk, enable_determinism, quiet_loading
from backend.jobs.failures import full_disk_as_problem
from backend.jobs.job_folder import Batch, JobFolder, Record
from backend.jobs.job_start import UNRESTRICTED, MediaAccess, OpenJob, open_add, open_refine
from backend.jobs.job_timeline import write_job_timeline
from backend.jobs.mask_previews import show_masks
from backend.jobs.order_limits import digest_of, levels_for
from backend.jobs.orders import AddOrder, RefineOrder
from backend.jobs.painted_mask import on_all_frames
from backend.jobs.planning import ResolvedPlan, key_frames_of, resolve_plan
from backend.jobs.take_files import finished_take, read_latents
from backend.jobs.take_making import TakeMaker, take_done
from backend.worker.open_models import OpenModels
from contract.errors import BadMedia, BadUsage
from contract.events import JobDone, JobEvent, JobNotice, JobStarted, ModelOpened, PlanReady
from contract.take import Take
from dynvfx.backbones.base import Backbone
from dynvfx.backbones.loading import open_backbone
from dynvfx.errors import ModelUnavailable
from dynvfx.geometry import Geometry
from dynvfx.masks.source_masks import SourceMasks
from dynvfx.presets import Preset
from dynvfx.request import PaintedMask, Request
from dynvfx.segmentation.loading import open_segmenter
from dynvfx.state.keys import clip_digest
from dynvfx.state.store import DirectoryStore, StateStore
from media.probe import probe


@dataclass(frozen=True)
class JobContext:
    """What a job works with beside its order: models that stay open between jobs, a cache that jobs share, and how it
    comes by its files. The defaults are those of a process that makes one job and ends."""

    models: OpenModels
    cache: StageCache | None = None
    reading: MediaAccess = UNRESTRICTED


def run(order: AddOrder | RefineOrder, means: JobContext | None = None) -> Iterator[JobEvent]:
    """Carry an order out; an event after every step that is safe on the disk. Raises a Problem that says what to do.

    Closing the generator, Ctrl-C and a killed process lose at most the step that was under way.
    """
    means = means or JobContext(OpenModels(open_backbone, open_segmenter))
    open_job = open_add if isinstance(order, AddOrder) else open_refine
    with full_disk_as_problem(), open_job(order, means.reading) as job:
        yield from _Run(job, means).events()


class _Run:
    """The job under way."""

    def __init__(self, job: OpenJob, means: JobContext) -> None:
        self.job, self.order, self.source, self.means = job, job.order, job.source, means
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
                yield take_done(self.job, number, finished[seed], made=False)
        else:
            yield from self._work(numbers)
            if self.order.plan_only:
                yield JobDone(output=str(self.folder.path), takes=[], timeline=None)
                return
        write_job_timeline(self.job)
        yield JobDone(output=str(self.folder.path), takes=list(numbers.values()), timeline=str(self.folder.timeline))

    def _finished_before(self) -> dict[int, Take] | None:
        """All takes of the order when earlier runs have made them, so that no model has to be opened."""
        if self.batch.request is None or self.order.plan is not None:
            return None
        base, approved = Request.from_dict(self.batch.request), self.order.approved
        if approved is not None and (
            msgspec.structs.replace(approved, instruction=self.order.instruction) != base.plan
        ):
            return None
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
        order, info, shot = self.order, self.source.info, self.source.shot
        enable_determinism(self.record.threads)
        quiet_loading()
        backbone = self.means.models.backbone(self.job.model, download=self.job.download, footprint=order.footprint)
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
        seen = frames if self.batch.parent is None else self._followed(geometry).model_frames()
        preset = backbone.family.presets[order.quality]
        if order.levels is not None:
            preset = replace(preset, levels=levels_for(order.levels, preset, backbone.schedule))
        settled = resolve_plan(order, self.folder.path / self.batch.plan, key_frames_of(seen), backbone)
        yield PlanReady(
            path=str(self.folder.path / self.batch.plan),
            origin=settled.origin,
            plan=settled.plan,
            remarks=list(settled.remarks),
        )
        with self._store(backbone) as store:
            if order.plan_only:
                yield from self._show_masks(settled, frames, conform, store)
            else:
                yield from self._make(numbers, settled, preset, backbone, conform, frames, store)

    @contextlib.contextmanager
    def _store(self, backbone: Backbone) -> Iterator[StateStore]:
        """Where the engine keeps its states: in the job's folder, and in the cache what other jobs can use."""
        own = DirectoryStore(self.folder.states)
        if self.means.cache is None:
            yield own
            return
        with self.means.cache.joined(own, arithmetic_of(backbone.device, self.record.threads)) as store:
            yield store

    def _show_masks(
        self, settled: ResolvedPlan, frames: np.ndarray, conform: Conform, store: StateStore
    ) -> Iterator[JobEvent]:
        """What the plan's phrases name in the clip; the takes find the masks again."""
        try:
            segmenter = self.means.models.segmenter(self._segmenter_name())
        except ModelUnavailable as error:
            # The plan is there and can be judged without; the takes will say the same and end.
            yield JobNotice(kind="segmenter", text=" ".join(filter(None, (error.what, error.why, error.remedy))))
            return
        for text in segmenter.remarks:
            yield JobNotice(kind="segmenter", text=text)
        clip = torch.from_numpy(frames)
        search = SourceMasks(settled.plan, clip, clip_digest(clip), segmenter, store)
        yield show_masks(search, conform, self.folder.masks(self.batch.plan))

    def _make(
        self,
        numbers: dict[int, int],
        settled: ResolvedPlan,
        preset: Preset,
        backbone: Backbone,
        conform: Conform,
        frames: np.ndarray,
        store: StateStore,
    ) -> Iterator[JobEvent]:
        """The takes that are missing."""
        mask = self.order.mask if isinstance(self.order, RefineOrder) else None
        request = preset.for_scope(settled.plan.scope).request(
            backbone.schedule,
            source=clip_digest(torch.from_numpy(frames)),
            plan=settled.plan,
            model=self.job.model,
            seed=self.order.seed,
            geometry=conform.geometry,
            segmenter=self.job.segmenter,
            parent=self.job.parent.digest() if self.job.parent else None,
            region=conform.model_box(self.order.region) if self.order.region is not None else None,
            mask=PaintedMask(mask.frame, digest_of(mask)) if mask is not None else None,
        )
        if mask is not None:
            # Whoever paints the mask has decided on shadows and reflections as well.
            request = replace(request, secondary=0.0)
        request = self._settle_request(request)
        check_disk(self.folder.path, self.source.info, self.source.shot.frame_count)
        parent = read_latents(self.folder.take(self.batch.parent)) if self.batch.parent else None
        painted = None
        if mask is not None:
            painted = on_all_frames(self.job.painted, mask.frame, self._followed(conform.geometry))
        segmenter = self.means.models.segmenter(request.segmenter)
        for text in segmenter.remarks:
            yield JobNotice(kind="segmenter", text=text)
        maker = TakeMaker(self.job, conform, frames, backbone, segmenter, store, preset.preview_every, parent, painted)
        for seed, number in numbers.items():
            take = finished_take(self.folder.take(number), request.with_seed(seed))
            if take is not None:
                yield take_done(self.job, number, take, made=False)
            else:
                yield from maker.make(request.with_seed(seed), number)

    def _segmenter_name(self) -> str:
        """The segmenter that the takes will use."""
        first = self.batch.request
        return self.job.segmenter if first is None else Request.from_dict(first).segmenter

    def _followed(self, geometry: Geometry) -> Conform:
        """The take that is followed, as the model sees it."""
        take = finished_take(self.folder.take(self.batch.parent), self.job.parent)
        if take is None:
            raise BadUsage(
                f"The take in {self.folder.take(self.batch.parent)} lacks files.",
                remedy="Make it again with its own command, then refine it.",
            )
        composite = probe(self.folder.take(self.batch.parent) / take.composite, self.source.info.rate)
        return Conform(composite, 0, composite.frame_count, geometry)

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
