"""The refinement loop over noise levels, its retries, and the finished take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from dynvfx.edits.preparation import Preparation
from dynvfx.edits.refinement import Attempt, attempt_at, changed_cells
from dynvfx.errors import ObjectAbsent
from dynvfx.masks.latent_masks import latent_mask, opening, pixels_of
from dynvfx.progress.events import Event, Notice, Outcome, Preview, Progress
from dynvfx.sampling.steps import steps_from
from dynvfx.state.keys import pack, unpack


@dataclass(frozen=True)
class Refined:
    """After an iteration: `latents` is x_comp, `cells` the latent mask of its residual, `mask` the object in pixels."""

    latents: torch.Tensor
    cells: torch.Tensor
    mask: torch.Tensor
    attempts: int


class Iterations:
    """The stages refining and finishing of one take; `preparation` must have run."""

    def __init__(self, preparation: Preparation, preview_every: int = 0) -> None:
        self._of = preparation
        self._request, self._backbone, self._store = preparation.request, preparation.backbone, preparation.store
        self._keys, self._pace, self._workload = preparation.keys, preparation.pace, preparation.workload
        self._preview_every = preview_every
        self._timesteps = self._backbone.timesteps(self._request.steps)
        self._rows = preparation.rows()
        self._parent_cells = torch.zeros(self._cell_shape, dtype=torch.bool)
        self._parent: torch.Tensor | None = None
        if preparation.parent is not None:
            self._parent = preparation.parent.to("cpu", torch.float32)
            self._parent_cells = changed_cells(self._parent, preparation.latents)
        self._refined = self._load_refined()

    @property
    def _cell_shape(self) -> tuple[int, int, int]:
        frames, _, height, width = self._of.latents.shape
        return frames, height, width

    def run(self) -> Iterator[Event]:
        """All iterations that are not in the store yet."""
        if self._of.finished:
            levels = len(self._request.levels)
            yield Notice(
                "resumed", f"{self._of.finished} of {levels} iterations were done before; going on from there."
            )
        for iteration in range(self._of.finished, len(self._request.levels)):
            yield from self._iterate(iteration)

    def finish(self) -> Iterator[Event]:
        """Decode x_comp and find the object in it once more, for a mask that follows the delivered pixels."""
        refined = self._refined
        with self._pace.work("finishing", "decode"):
            frames = self._backbone.decode(refined.latents).cpu().contiguous()
        with self._pace.work("finishing", "segment"):
            found = self._find_object(frames)
        # Outside the residual's cells the frames are the source: what is found there is not ours.
        mask = refined.mask | (found & pixels_of(refined.cells, self._backbone))
        yield Progress("finishing", 1, 1, seconds_left=0.0)
        yield Outcome(
            frames=frames,
            mask=mask.float(),
            source_mask=self._of.source_mask.float(),
            latents=refined.latents,
            forwards=dict(self._pace.forwards),
            seconds=dict(self._pace.seconds),
            attempts=refined.attempts,
        )

    def _iterate(self, iteration: int) -> Iterator[Event]:
        number, position, latents = self._load_running(iteration)
        if position:
            yield Notice("resumed", f"Going on after step {position} of iteration {iteration + 1}.")
        while True:
            attempt = attempt_at(self._request, self._timesteps, iteration, number)
            sampled = yield from self._sample(attempt, position, latents)
            with self._pace.work("refining", "decode"):
                frames = self._backbone.decode(sampled).cpu()
            with self._pace.work("refining", "segment"):
                mask = self._find_object(frames)
            cells = latent_mask(mask, self._backbone, self._request.coverage, self._request.mask_reach)
            if cells.any():
                break
            if iteration:
                yield Notice("object_lost", self._lost(iteration))
                break
            if number == self._request.retries:
                self._store.discard(self._keys.running)
                raise self._absent(number + 1)
            number, position, latents = number + 1, 0, None
            yield Notice("retry", self._retry(number))
        if cells.any():
            attempts = number + 1 if iteration == 0 else self._refined.attempts
            edit = self._of.limits.edit(self._of.latents, sampled, mask, cells, self._parent, self._parent_cells)
            mask = edit.mask
            self._refined = Refined(edit.latents, edit.cells, mask, attempts)
        self._keep_refined(iteration)
        yield Preview("mask", self._refined.mask.float(), iteration + 1)
        if cells.any():
            pixels = torch.where(mask[..., None], frames, self._of.source)
            yield Preview("composite", pixels, iteration + 1)

    def _sample(self, attempt: Attempt, position: int, latents: torch.Tensor | None) -> Iterator[Event]:
        """Denoise one attempt from step `position` on; returns x_hat."""
        steps = steps_from(attempt.level, self._timesteps)
        if latents is None:
            latents = self._backbone.add_noise(self._start(), self._rows.noise(attempt), attempt.level)
        for index in range(position, len(steps)):
            timestep, following = steps[index]
            with self._pace.work("refining", "forward", self._workload.step(timestep)):
                prediction = self._rows.predict(latents, timestep, attempt)
                estimate = latents, timestep, prediction
                latents = self._backbone.step(*estimate[:2], following, prediction)
                self._keep_running(attempt, index + 1, latents)
            forwards = sum(self._workload.step(t) for t, _ in steps[index + 1 :])
            work = self._workload.after(attempt.iteration + 1, forwards)
            work["decode"] += 1
            work["segment"] += 1
            yield Progress(
                "refining",
                index + 1,
                len(steps),
                attempt.iteration + 1,
                len(self._request.levels),
                self._pace.seconds_left(work),
            )
            if self._preview_every and (index + 1) % self._preview_every == 0:
                with self._pace.work("refining", "decode"):
                    picture = self._backbone.decode(self._backbone.to_clean(*estimate)).cpu()
                yield Preview("x0", picture, attempt.iteration + 1, index + 1)
        return latents

    def _start(self) -> torch.Tensor:
        """What the next iteration noises: x_comp so far, the parent take, or the source."""
        if self._refined is not None:
            return self._refined.latents
        return self._of.latents if self._parent is None else self._parent

    def _find_object(self, frames: torch.Tensor) -> torch.Tensor:
        """O_edit in `frames`, bool [F, H, W], without look-alikes of the source, specks, and all outside the limits.

        Full-frame content may well be named by something that the source already shows (more snow, thicker fog).
        """
        plan = self._request.plan
        mask = self._of.segmenter.segment(frames, (plan.target_object,))[0].cpu() >= 0.5
        if plan.scope == "object":
            mask &= ~self._of.look_alikes
        return opening(mask) & self._of.limits.pixels

    def _lost(self, iteration: int) -> str:
        target = self._request.plan.target_object
        return f"Iteration {iteration + 1} lost “{target}”; the result of the iteration before is kept."

    def _retry(self, number: int) -> str:
        target, level = self._request.plan.target_object, self._request.levels[0]
        raised = attempt_at(self._request, self._timesteps, 0, number).level
        how = "other noise" if raised == level else f"other noise and a higher level ({raised} instead of {level})"
        tries = self._request.retries + 1
        return f"“{target}” did not appear; trying again with {how} (attempt {number + 1} of {tries})."

    def _absent(self, attempts: int) -> ObjectAbsent:
        target = self._request.plan.target_object
        tries = "one attempt" if attempts == 1 else f"{attempts} attempts"
        limited = self._of.limits.box is not None
        where = " where the edit may be" if limited else ""
        return ObjectAbsent(
            f"“{target}” did not appear in the result after {tries}.",
            f"The model drew nothing{where} that the segmentation recognises under this name.",
            ("Give it a larger box or mask and name that place in the plan, or name " if limited else "Name ")
            + "the object more plainly in the plan, describe it earlier in the composite caption, "
            "keep fewer anchors, start from a higher noise level, or try another seed.",
        )

    def _load_running(self, iteration: int) -> tuple[int, int, torch.Tensor | None]:
        """Attempt, finished steps and latents of an interrupted iteration; (0, 0, None) to begin it."""
        state = self._store.load(self._keys.running)
        if state is None or int(state["iteration"]) != iteration:
            return 0, 0, None
        return int(state["attempt"]), int(state["position"]), state["latents"]

    def _keep_running(self, attempt: Attempt, position: int, latents: torch.Tensor) -> None:
        numbers = {"iteration": attempt.iteration, "attempt": attempt.number, "position": position}
        state = {name: torch.tensor(value) for name, value in numbers.items()}
        self._store.save(self._keys.running, {**state, "latents": latents})

    def _load_refined(self) -> Refined | None:
        if not self._of.finished:
            return None
        state = self._store.load(self._keys.iterations[self._of.finished - 1])
        cells = unpack(state["cells"], self._cell_shape)
        mask = unpack(state["mask"], self._of.source.shape[:3])
        return Refined(state["latents"], cells, mask, int(state["attempts"]))

    def _keep_refined(self, iteration: int) -> None:
        refined = self._refined
        state = {
            "latents": refined.latents,
            "cells": pack(refined.cells),
            "mask": pack(refined.mask),
            "attempts": torch.tensor(refined.attempts),
        }
        self._store.save(self._keys.iterations[iteration], state)
        self._store.discard(self._keys.running)
