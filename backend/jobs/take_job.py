"""One job from the clip to the timeline, in this process: shot, plan, takes, placement.

The same job in the same folder continues where an earlier run stopped, however it stopped, and ends with the same
bytes; takes that are finished are not made again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import torch

from backend.delivery.conform import Conform
from backend.jobs.cache.stage_cache import StageCache, arithmetic_of
from backend.jobs.determinism import enable_determinism, quiet_loading
from backend.jobs.failures import full_disk_as_problem
from backend.jobs.job_start import UNRESTRICTED, JobFileAccess, OpenJob, open_job
from backend.jobs.job_timeline import write_job_timeline
from backend.jobs.masks.mask_previews import show_masks
from backend.jobs.masks.painted_mask import on_all_frames
from backend.jobs.planning import ResolvedPlan, key_frames_of, resolve_plan
from backend.jobs.preflight import preflight
from backend.jobs.take_files import finished_take, read_latents
from backend.jobs.take_making import TakeMaker, take_done
from backend.worker.open_models import OpenModels
from bridge.local.job_folder import Batch, JobFolder, Record
from contract.errors import BadMedia, BadUsage
from contract.events import AnyJobEvent, JobDone, JobNotice, JobStarted, ModelOpened, PlanReady, ShotChecked
from contract.instruction import clean_instruction
from contract.job import JobSpec
from contract.preflight import Preflight
from contract.take import Take
from dynvfx.backbones.base import Backbone
from dynvfx.backbones.loading import open_backbone
from dynvfx.errors import ModelUnavailable
from dynvfx.geometry import Geometry
from dynvfx.masks.source_masks import SourceMasks
from dynvfx.presets import Preset
from dynvfx.request import MaskIdentity, Request
from dynvfx.segmentation.loading import open_segmenter
from dynvfx.state.keys import clip_digest
from dynvfx.state.store import DirectoryStore, StateStore
from media.probe import probe


@dataclass(frozen=True)
class JobContext:
    """What a process keeps between jobs: open models, and a cache that jobs share (None: they share nothing)."""

    models: OpenModels
    cache: StageCache | None = None


def run(
    spec: JobSpec, context: JobContext | None = None, files: JobFileAccess = UNRESTRICTED
) -> Generator[AnyJobEvent]:
    """Carry a job out; an event after every step that is safe on the disk. Raises a Problem that says what to do.

    `context` None is that of a process that makes one job and ends.

    It ends with JobDone; without takes where `spec.after_plan` is not "generate". Closing the generator, Ctrl-C and a
    killed process lose at most the step that was under way.
    """
    context = context or JobContext(OpenModels(open_backbone, open_segmenter))
    with full_disk_as_problem(), open_job(spec, files) as job:
        try:
            with contextlib.closing(_Run(job, context).events()) as events:
                for event in events:
                    job.folder.require_in_place()
                    yield event
        except Exception:  # whatever failed, it is raised again unless a folder that has moved explains it better
            job.folder.require_in_place()
            raise


class _Run:
    """The job under way."""

    def __init__(self, job: OpenJob, context: JobContext) -> None:
        self.job, self.spec, self.source, self.context = job, job.spec, job.source, context
        self.folder: JobFolder = job.folder
        self.record: Record = job.record
        self.batch: Batch = job.batch

    @property
    def _ends_after_plan(self) -> bool:
        return self.spec.after_plan != "generate"

    def events(self) -> Generator[AnyJobEvent]:
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
        finished = self._finished_before()
        if finished is not None and not self._ends_after_plan:
            for seed, number in numbers.items():
                yield take_done(self.job, number, finished[seed], made=False)
        else:
            report = yield from preflight(self.source, self.folder, self.spec.layer, len(numbers))
            yield ShotChecked(report=report)
            for text in report.notices:
                yield JobNotice(kind="media", text=text)
            yield from self._work(numbers, report)
            if self._ends_after_plan:
                yield JobDone(output=str(self.folder.path), takes=[], timeline=None)
                return
        self.folder.require_in_place()
        write_job_timeline(self.job)
        yield JobDone(output=str(self.folder.path), takes=list(numbers.values()), timeline=str(self.folder.timeline))

    def _finished_before(self) -> dict[int, Take] | None:
        """All takes of the job when earlier runs have made them, so that no model has to be opened."""
        if self.batch.request is None or self.spec.plan is not None:
            return None
        base, approved = Request.from_dict(self.batch.request), self.job.approved
        if approved is not None and (
            msgspec.structs.replace(approved, instruction=clean_instruction(self.spec.instruction)) != base.plan
        ):
            return None
        plan = self.folder.path / self.batch.plan
        if not plan.exists() or plan.read_bytes() != base.plan.to_json().encode():
            return None
        takes: dict[int, Take] = {}
        for seed, number in self.job.numbers.items():
            take = finished_take(self.folder.take(number), base.with_seed(seed))
            if take is None:
                return None
            takes[seed] = take
        return takes

    def _work(self, numbers: dict[int, int], report: Preflight) -> Generator[AnyJobEvent]:
        """Open the model, settle the plan, make the takes that are missing."""
        spec, info, shot = self.spec, self.source.info, self.source.shot
        enable_determinism(self.record.threads)
        quiet_loading()
        backbone = self.context.models.backbone(self.job.model, download=spec.download, footprint=spec.footprint)
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
        preset = backbone.family.presets[spec.quality]
        if spec.levels is not None:
            preset = preset.with_levels(spec.levels, backbone.schedule)
        file = self.folder.path / self.batch.plan
        resolved = resolve_plan(spec, self.job.approved, file, key_frames_of(seen), backbone)
        yield PlanReady(
            path=str(file),
            origin=resolved.origin,
            plan=resolved.plan,
            remarks=list(resolved.remarks),
        )
        with self._store(backbone) as store:
            if self._ends_after_plan:
                yield from self._show_masks(resolved, frames, conform, store)
            else:
                yield from self._make(numbers, report, resolved, preset, backbone, conform, frames, store)

    @contextlib.contextmanager
    def _store(self, backbone: Backbone) -> Iterator[StateStore]:
        """Where the engine keeps its states: in the job's folder, and in the cache what other jobs can use."""
        own = DirectoryStore(self.folder.states)
        if self.context.cache is None:
            yield own
            return
        with self.context.cache.joined(own, arithmetic_of(backbone.device, self.record.threads)) as store:
            yield store

    def _show_masks(
        self, resolved: ResolvedPlan, frames: np.ndarray, conform: Conform, store: StateStore
    ) -> Generator[AnyJobEvent]:
        """What the plan's phrases name in the clip; the takes find the masks again."""
        try:
            segmenter = self.context.models.segmenter(self._segmenter_name())
        except ModelUnavailable as error:
            # The plan is there and can be judged without; the takes will say the same and end.
            yield JobNotice(kind="segmenter", text=" ".join(filter(None, (error.what, error.why, error.remedy))))
            return
        for text in segmenter.remarks:
            yield JobNotice(kind="segmenter", text=text)
        clip = torch.from_numpy(frames)
        search = SourceMasks(resolved.plan, clip, clip_digest(clip), segmenter, store)
        yield show_masks(search, conform, self.folder.masks(self.batch.plan))

    def _make(
        self,
        numbers: dict[int, int],
        report: Preflight,
        resolved: ResolvedPlan,
        preset: Preset,
        backbone: Backbone,
        conform: Conform,
        frames: np.ndarray,
        store: StateStore,
    ) -> Generator[AnyJobEvent]:
        """The takes that are missing."""
        edit = self.spec.edit.cleaned()
        mask = edit.mask
        request = preset.for_scope(resolved.plan.scope).request(
            backbone.schedule,
            source=clip_digest(torch.from_numpy(frames)),
            plan=resolved.plan,
            model=self.job.model,
            seed=self.spec.seed,
            negative=edit.negative,
            geometry=conform.geometry,
            segmenter=self.job.segmenter,
            parent=self.job.parent.digest() if self.job.parent else None,
            region=conform.model_box(edit.region) if edit.region is not None else None,
            mask=MaskIdentity(mask.frame, self.spec.input_file(mask.input).sha256) if mask is not None else None,
        )
        if mask is not None:
            # Whoever paints the mask has decided on shadows and reflections as well.
            request = replace(request, secondary=0.0)
        request = self._settle_request(request)
        parent = read_latents(self.folder.take(self.batch.parent)) if self.batch.parent else None
        painted = None
        if mask is not None:
            assert self.job.painted is not None, "`open_job` reads the painted mask"
            painted = on_all_frames(self.job.painted, mask.frame, self._followed(conform.geometry))
        segmenter = self.context.models.segmenter(request.segmenter)
        for text in segmenter.remarks:
            yield JobNotice(kind="segmenter", text=text)
        maker = TakeMaker(
            self.job, report, conform, frames, backbone, segmenter, store, preset.preview_every, parent, painted
        )
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
        assert self.batch.parent is not None and self.job.parent is not None, "only follow-ups follow a take"
        folder = self.folder.take(self.batch.parent)
        take = finished_take(folder, self.job.parent)
        if take is None:
            raise BadUsage(
                f"The take in {folder} lacks files.", remedy="Make it again with its own command, then refine it."
            )
        composite = probe(folder / take.composite, self.source.info.rate)
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
