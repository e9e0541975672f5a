"""One take from noise to take.json, as a stream of events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from backend.delivery.background_delivery import deliver
from backend.delivery.conform import Conform
from backend.delivery.deliver import Delivery
from backend.jobs.determinism import peak_memory
from backend.jobs.job_start import OpenJob
from backend.jobs.take_files import reviewed_take, write_record
from contract.events import AnyJobEvent, JobNotice, PreviewWritten, StageProgress, TakeDone
from contract.preflight import Preflight
from contract.take import Take
from dynvfx.backbones.base import Backbone
from dynvfx.edits.add import generate
from dynvfx.progress.events import Event, Notice, Outcome, Preview, Progress
from dynvfx.request import Request
from dynvfx.segmentation.base import Segmenter
from dynvfx.state.store import StateStore


@dataclass(frozen=True)
class TakeMaker:
    """What all takes of a job are made from: `frames` uint8 [F, H, W, 3] as the model sees them, `parent`'s latents,
    `painted` bool [F, H, W] where a person painted the edit."""

    job: OpenJob
    preflight: Preflight
    conform: Conform
    frames: np.ndarray
    backbone: Backbone
    segmenter: Segmenter
    store: StateStore
    preview_every: int = 0
    parent: torch.Tensor | None = None
    painted: torch.Tensor | None = None

    def make(self, request: Request, number: int) -> Iterator[AnyJobEvent]:
        """Take `number`; the last event is its TakeDone. Raises what `generate` and delivery raise."""
        folder = self.job.folder.take(number)
        outcome: Outcome | None = None
        made = generate(
            request,
            torch.from_numpy(self.frames),
            self.backbone,
            self.segmenter,
            self.store,
            preview_every=self.preview_every,
            parent=self.parent,
            painted=self.painted,
        )
        for event in made:
            if isinstance(event, Outcome):
                outcome = event
            else:
                yield from self._translated(event, number, len(request.levels))
        assert outcome is not None, "the last event of `generate` is its outcome"
        self.job.folder.require_in_place()  # or delivery would make the old folder anew
        began = time.monotonic()
        reviewed = reviewed_take(folder)
        delivery: Delivery | None = None
        spec = self.job.spec
        # What the followed take has outside of the box stays there.
        within = spec.edit.region if self.parent is None else None
        for news in deliver(self.conform, outcome, self.frames, folder, spec.layer, request, within):
            if isinstance(news, Delivery):
                delivery = news
            else:
                yield StageProgress(take=number, stage="delivering", step=news[0], steps=news[1])
        assert delivery is not None, "a delivery's last event is what it delivered"
        take = write_record(
            folder,
            request,
            self.job.source,
            self.backbone,
            outcome,
            delivery,
            number=number,
            seconds={**outcome.seconds, "delivering": time.monotonic() - began},
            peak_memory=peak_memory(self.backbone.device),
            footprint=spec.footprint,
            reviewed=reviewed,
            preflight=self.preflight,
        )
        self.job.folder.preview(number).unlink(missing_ok=True)
        yield take_done(self.job, number, take, made=True)

    def _translated(self, event: Event, number: int, iterations: int) -> Iterator[AnyJobEvent]:
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
            path = self.job.folder.preview(number)
            write_picture(path, event.frames[len(event.frames) // 2].numpy(), self.conform)
            yield PreviewWritten(take=number, path=str(path), iteration=event.iteration, iterations=iterations)


def take_done(job: OpenJob, number: int, take: Take, *, made: bool) -> TakeDone:
    """The event for a finished take; `made` is False when an earlier run had finished it."""
    return TakeDone(
        take=number,
        folder=str(job.folder.take(number)),
        seed=take.seed,
        made=made,
        seconds=take.seconds,
        matte_coverage=take.matte_coverage,
        outside_change=take.outside_change,
    )


def write_picture(path: Path, picture: np.ndarray, conform: Conform) -> None:
    """Replace the PNG `path` by `picture` uint8 [H, W, 3], without the padding."""
    box = conform.box
    beside = path.with_suffix(".part")
    inner = picture[box.top : box.top + box.height, box.left : box.left + box.width]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(inner)).save(beside, format="PNG")
    beside.replace(path)
