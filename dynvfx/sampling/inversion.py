"""Inversion: the source clip's latent at every timestep where anchors act (METHOD 1.4), for any noise schedule.

Both recipes start at the last of 250 sampling timesteps, where the clip is taken as x = alpha x_0, use the empty prompt
without guidance, and keep their state in float32. Only the latents at the anchor timesteps are kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from contract.errors import BadRequest
from dynvfx.backbones.base import Backbone
from dynvfx.request import Inversion, Request
from dynvfx.sampling.steps import REFERENCE_STEPS, anchor_timesteps


@dataclass(frozen=True)
class Recipe:
    """`knots` are the timesteps that the state passes, ascending; `kept` those whose latents are wanted."""

    kind: Inversion
    knots: tuple[float, ...]
    kept: tuple[float, ...]

    @property
    def forwards(self) -> int:
        """Transformer forwards of a whole inversion."""
        return len(self.knots) - 1


@dataclass(frozen=True)
class InversionState:
    """`latents` float32 [f, C, h, w] after `done` forwards, at knot `done`; `noise` is the last noise estimate."""

    done: int
    latents: torch.Tensor
    noise: torch.Tensor


def choose_recipe(request: Request, backbone: Backbone) -> Recipe | None:
    """The knots of the request's inversion; None when no anchor ever acts. BadRequest when the steps do not fit."""
    schedule = backbone.schedule
    kept = anchor_timesteps(request, schedule, backbone.family.trajectory_top)
    if not kept:
        return None
    uniform = schedule.timesteps(REFERENCE_STEPS)[::-1]
    first = uniform[0]
    if kept[0] <= first:
        raise BadRequest(
            f"Anchors down to timestep {kept[0]} leave no room for the inversion, which starts at {first}.",
            remedy=f"Let anchors end at {uniform[1]} or above.",
        )
    if request.inversion == "reference":
        if not set(kept) <= set(uniform):
            raise BadRequest(
                f"{request.steps} sampling steps do not fall on the reference inversion's {REFERENCE_STEPS} steps.",
                remedy="Use 50 steps, or the log_snr inversion.",
            )
        return Recipe("reference", tuple(t for t in uniform if t <= kept[-1]), tuple(kept))
    leading = request.inversion_steps + 1 - len(kept)
    room = math.floor(kept[0] - first)
    if not 1 <= leading <= room:
        raise BadRequest(
            f"{request.inversion_steps} inversion steps do not fit {len(kept)} anchor timesteps.",
            f"The solver ends with one step per anchor timestep and needs some before {kept[0]}.",
            f"Use {len(kept)} to {len(kept) + room - 1} inversion steps.",
        )
    return Recipe("log_snr", (*schedule.even_in_log_snr(first, kept[0], leading), *kept), tuple(kept))


def start(recipe: Recipe, backbone: Backbone, clean: torch.Tensor) -> InversionState:
    """The state before the first forward: the clip scaled to the first knot, without noise."""
    nothing = torch.zeros_like(clean)
    return InversionState(0, backbone.schedule.add_noise(clean, nothing, recipe.knots[0]), nothing)


def advance(recipe: Recipe, backbone: Backbone, state: InversionState, text: torch.Tensor) -> InversionState:
    """One forward further, to the next knot."""
    schedule = backbone.schedule
    here, there = recipe.knots[state.done : state.done + 2]
    if recipe.kind == "reference":
        prediction = backbone.predict(state.latents, there, text)
        latents = schedule.step(state.latents, here, there, prediction)
        return InversionState(state.done + 1, latents, state.noise)
    prediction = backbone.predict(state.latents, here, text)
    (alpha, sigma), (next_alpha, next_sigma) = schedule.alpha_sigma(here), schedule.alpha_sigma(there)
    noise = (state.latents - alpha * schedule.to_clean(state.latents, here, prediction)) / sigma
    ahead = noise
    if state.done and not math.isinf(schedule.log_snr(there)):
        # Two-step Adams extrapolation in log-SNR (DPM-Solver++ 2M, written for the noise: it does not amplify errors on
        # the way up, where sigma grows).
        before = recipe.knots[state.done - 1]
        span = schedule.log_snr(there) - schedule.log_snr(here)
        last_span = schedule.log_snr(here) - schedule.log_snr(before)
        ahead = noise + span / (2.0 * last_span) * (noise - state.noise)
    ratio = next_alpha / alpha
    latents = ratio * state.latents + (next_sigma - sigma * ratio) * ahead
    return InversionState(state.done + 1, latents, noise)
