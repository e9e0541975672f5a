"""The refinement loop over noise levels, its retries, and the finished take, for every kind of edit."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import torch

from dynvfx.engine.preparation import Preparation
from dynvfx.engine.refinement import Attempt, attempt_at, changed_cells
from dynvfx.masks.latent_masks import latent_mask, pixels_of
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
        self._prepared = preparation
        self._request, self._backbone, self._store = preparation.request, preparation.backbone, preparation.store
        self._keys, self._timings, self._workload = preparation.keys, preparation.timings, preparation.workload
        self._edit, self._preview_every = preparation.edit, preview_every
        self._timesteps = self._backbone.schedule.timesteps(self._request.steps)
        self._rows = preparation.rows()
        self._parent_cells = torch.zeros(self._cell_shape, dtype=torch.bool)
        self._parent: torch.Tensor | None = None
        if preparation.parent is not None:
            self._parent = preparation.parent.to("cpu", torch.float32)
            self._parent_cells = changed_cells(self._parent, preparation.latents)
        self._refined = self._load_refined()

    @property
    def _cell_shape(self) -> tuple[int, int, int]:
        frames, _, height, width = self._prepared.latents.shape
        return frames, height, width

    def run(self) -> Iterator[Event]:
        """All iterations that are not in the store yet."""
        if self._prepared.finished:
            levels = len(self._request.levels)
            yield Notice(
                "resumed", f"{self._prepared.finished} of {levels} iterations were done before; continuing from there."
            )
        for iteration in range(self._prepared.finished, len(self._request.levels)):
            yield from self._iterate(iteration)

    def finish(self) -> Iterator[Event]:
        """Decode x_comp and find the object in it once more, for a mask that follows the delivered pixels."""
        refined = self._last_refined()
        with self._timings.work("finishing", "decode"):
            frames = self._backbone.decode(refined.latents).cpu().contiguous()
        with self._timings.work("finishing", "segment"):
            found = self._edit.find(frames)
        # Outside the residual's cells the frames are the source: what is found there is not ours.
        mask = refined.mask | (found & pixels_of(refined.cells, self._backbone))
        yield Progress("finishing", 1, 1, seconds_left=0.0)
        yield Outcome(
            frames=frames,
            mask=mask.float(),
            source_mask=self._edit.source_mask.float(),
            latents=refined.latents,
            forwards=dict(self._timings.forwards),
            seconds=dict(self._timings.seconds),
            attempts=refined.attempts,
        )

    def _iterate(self, iteration: int) -> Iterator[Event]:
        number, position, latents = self._load_running(iteration)
        if position:
            yield Notice("resumed", f"Going on after step {position} of iteration {iteration + 1}.")
        while True:
            attempt = self._attempt(iteration, number)
            sampled = yield from self._sample(attempt, position, latents)
            with self._timings.work("refining", "decode"):
                frames = self._backbone.decode(sampled).cpu()
            with self._timings.work("refining", "segment"):
                mask = self._edit.find(frames)
            cells = latent_mask(mask, self._backbone, self._request.coverage, self._request.mask_reach)
            if cells.any():
                break
            if iteration:
                yield Notice("object_lost", self._edit.lost(iteration + 1))
                break
            if number == self._request.retries:
                self._store.discard(self._keys.running)
                raise self._edit.absent(number + 1)
            number, position, latents = number + 1, 0, None
            yield Notice("retry", self._edit.retry(number + 1, self._attempt(iteration, number).level))
        if cells.any():
            attempts = number + 1 if iteration == 0 else self._last_refined().attempts
            composite = self._edit.limits.compose(
                self._prepared.latents, sampled, mask, cells, self._parent, self._parent_cells
            )
            mask = composite.mask
            self._refined = Refined(composite.latents, composite.cells, mask, attempts)
        self._keep_refined(iteration)
        yield Preview("mask", self._last_refined().mask.float(), iteration + 1)
        if cells.any():
            pixels = torch.where(mask[..., None], frames, self._prepared.source)
            yield Preview("composite", pixels, iteration + 1)

    def _sample(
        self, attempt: Attempt, position: int, latents: torch.Tensor | None
    ) -> Generator[Event, None, torch.Tensor]:
        """Denoise one attempt from step `position` on; returns x_hat."""
        steps = steps_from(attempt.level, self._timesteps, self._backbone.schedule.clean)
        if latents is None:
            latents = self._backbone.schedule.add_noise(self._start(), self._rows.noise(attempt), attempt.level)
        for index in range(position, len(steps)):
            timestep, following = steps[index]
            with self._timings.work("refining", "forward", self._workload.step(timestep)):
                prediction = self._rows.predict(latents, timestep, attempt)
                estimate = latents, timestep, prediction
                latents = self._backbone.schedule.step(*estimate[:2], following, prediction)
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
                self._timings.seconds_left(work),
            )
            if self._preview_every and (index + 1) % self._preview_every == 0:
                with self._timings.work("refining", "decode"):
                    picture = self._backbone.decode(self._backbone.schedule.to_clean(*estimate)).cpu()
                yield Preview("x0", picture, attempt.iteration + 1, index + 1)
        return latents

    def _attempt(self, iteration: int, number: int) -> Attempt:
        return attempt_at(self._request, self._timesteps, iteration, number)

    def _start(self) -> torch.Tensor:
        """What the next iteration noises: x_comp so far, the parent take, or the source."""
        if self._refined is not None:
            return self._refined.latents
        return self._prepared.latents if self._parent is None else self._parent

    def _last_refined(self) -> Refined:
        if self._refined is None:
            raise AssertionError("no iteration has been run or found in the store")
        return self._refined

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
        if not self._prepared.finished:
            return None
        state = self._store.load(self._keys.iterations[self._prepared.finished - 1])
        if state is None:
            return None
        cells = unpack(state["cells"], self._cell_shape)
        mask = unpack(state["mask"], self._prepared.source.shape[:3])
        return Refined(state["latents"], cells, mask, int(state["attempts"]))

    def _keep_refined(self, iteration: int) -> None:
        refined = self._last_refined()
        state = {
            "latents": refined.latents,
            "cells": pack(refined.cells),
            "mask": pack(refined.mask),
            "attempts": torch.tensor(refined.attempts),
        }
        self._store.save(self._keys.iterations[iteration], state)
        self._store.discard(self._keys.running)
