"""Iterative refinement (METHOD 1.1 step 4, 1.3): the rows of a step, and the residual that an iteration leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from dynvfx.attention.anchors import AnchorPass, AnchorRule
from dynvfx.backbones.base import Backbone
from dynvfx.progress.workload import Workload
from dynvfx.request import Request
from dynvfx.sampling.rng import normal


@dataclass(frozen=True)
class Attempt:
    """One try at one iteration: `iteration` and `number` count from 0; `level` is the start timestep."""

    iteration: int
    number: int
    level: float


def attempt_at(request: Request, timesteps: Sequence[float], iteration: int, number: int) -> Attempt:
    """The `number`-th try at an iteration: every try has its own noise, every second one also starts two steps higher.

    A raised level stays below the first timestep, where nothing of the clip is left.
    """
    level = request.levels[iteration]
    place = timesteps.index(level)
    raised = max(min(place, 1), place - 2 * (number // 2))
    return Attempt(iteration, number, timesteps[raised])


@dataclass(frozen=True)
class Rows:
    """What the rows of a step share through a whole take.

    `source` is x_orig, `trajectory` the inverted clip per timestep, the texts are embeddings [L, D].
    """

    request: Request
    backbone: Backbone
    source: torch.Tensor
    trajectory: Mapping[float, torch.Tensor]
    source_text: torch.Tensor
    composite_text: torch.Tensor
    unconditional_text: torch.Tensor
    rule: AnchorRule
    workload: Workload

    def noise(self, attempt: Attempt) -> torch.Tensor:
        """The attempt's noise, float32 like the latents."""
        return normal(self.source.shape, "noise", self.request.seed, attempt.iteration, attempt.number)

    def predict(self, latents: torch.Tensor, timestep: float, attempt: Attempt) -> torch.Tensor:
        """Guided prediction: uncond + g (cond - uncond); anchors extend the conditional row only."""
        anchors = None
        if self.workload.anchored(timestep):
            counters = (self.request.seed, attempt.iteration, attempt.number, timestep)
            record = AnchorPass(self.rule, counters)
            self.backbone.predict(self._source_at(timestep, attempt), timestep, self.source_text, record)
            anchors = record.replay()
        conditional = self.backbone.predict(latents, timestep, self.composite_text, anchors)
        if not self.workload.guided:
            return conditional
        unconditional = self.backbone.predict(latents, timestep, self.unconditional_text)
        return unconditional + self.request.guidance * (conditional - unconditional)

    def _source_at(self, timestep: float, attempt: Attempt) -> torch.Tensor:
        if timestep in self.trajectory:
            return self.trajectory[timestep]
        # A retry may start above the trajectory: there the source is noised like the sample (METHOD 1.4, drafts).
        return self.backbone.schedule.add_noise(self.source, self.noise(attempt), timestep)


def changed_cells(latents: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
    """Where a parent take differs from the source, bool [f, h, w]; rounding differences do not count."""
    return (latents - source).abs().amax(dim=1) > 0.05 * source.std()
