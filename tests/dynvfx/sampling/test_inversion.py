"""Inversion: counts, knots, the reference recipe against its formula, the solver against an exact solution."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from contract.errors import BadRequest
from dynvfx.sampling.inversion import (
    Recipe,
    advance,
    choose_recipe,
    start,
)
from dynvfx.sampling.steps import anchor_timesteps
from tests.dynvfx.doubles import SmallBackbone, clip, request

PAPER = {"levels": (899, 779, 679, 579, 479, 379), "steps": 50, "anchors_until": 619, "inversion_steps": 29}
ANCHORS = list(range(619, 900, 20))


class GaussianBackbone(SmallBackbone):
    """The exact prediction for clips drawn from a normal distribution, whose inversion has a closed form."""

    mean, spread = 0.8, 0.35

    def predict(self, latents, timestep, text, anchors=None):
        self.calls.append((timestep, "plain"))
        alpha, sigma = self.schedule.alpha_sigma(timestep)
        variance = alpha**2 * self.spread**2 + sigma**2
        clean = self.mean + alpha * self.spread**2 / variance * (latents - alpha * self.mean)
        return (alpha * latents - clean) / sigma

    def exact(self, latents, here, there):
        """The probability flow moves every value along its quantile."""
        (a, s), (b, r) = self.schedule.alpha_sigma(here), self.schedule.alpha_sigma(there)
        before, after = (math.hypot(x * self.spread, y) for x, y in ((a, s), (b, r)))
        return b * self.mean + after / before * (latents - a * self.mean)


def invert(backbone, recipe, clean):
    """All states of an inversion, the first included."""
    states = [start(recipe, backbone, clean)]
    while states[-1].done < recipe.forwards:
        states.append(advance(recipe, backbone, states[-1], torch.zeros(1)))
    return states


def paper_request(**changes):
    return request(clip(), **{**PAPER, **changes})


def test_default_is_29_forwards_that_end_on_the_15_anchor_timesteps():
    backbone = GaussianBackbone()
    recipe = choose_recipe(paper_request(), backbone)
    assert recipe.forwards == 29
    assert list(recipe.kept) == ANCHORS
    assert list(recipe.knots[15:]) == ANCHORS
    assert recipe.knots[0] == 3
    invert(backbone, recipe, torch.randn(3, 4, 4, 6))
    assert len(backbone.calls) == 29


def test_reference_leaves_out_26_of_250_forwards():
    backbone = GaussianBackbone()
    recipe = choose_recipe(paper_request(inversion="reference"), backbone)
    assert recipe.forwards == 224
    assert list(recipe.kept) == ANCHORS
    assert set(ANCHORS) <= set(recipe.knots)
    invert(backbone, recipe, torch.randn(3, 4, 4, 6))
    assert [t for t, _ in backbone.calls] == list(range(7, 900, 4))


def test_reference_equals_the_formula_in_float64():
    backbone = SmallBackbone()
    recipe = Recipe("reference", (3, 7, 11, 639), (639,))
    random = torch.Generator().manual_seed(0)
    clean = torch.randn(3, 4, 4, 6, generator=random)
    text = backbone.encode_text([""])[0]
    state = start(recipe, backbone, clean)
    while state.done < recipe.forwards:
        state = advance(recipe, backbone, state, text)

    def abar(t):
        return backbone.schedule.alpha_sigma(t)[0] ** 2

    x = math.sqrt(abar(3)) * clean.double()
    for s, t in ((3, 7), (7, 11), (11, 639)):
        v = backbone.predict(x.float(), t, text).double()
        x0 = math.sqrt(abar(s)) * x - math.sqrt(1 - abar(s)) * v
        ratio = math.sqrt((1 - abar(t)) / (1 - abar(s)))
        x = ratio * x + (math.sqrt(abar(t)) - math.sqrt(abar(s)) * ratio) * x0
    assert state.latents.dtype == torch.float32
    assert (state.latents - x).norm() <= 1e-5 * x.norm()


def test_log_snr_equals_a_two_step_formula_in_float64():
    backbone = SmallBackbone()
    recipe = Recipe("log_snr", (3, 40, 300, 639), (639,))
    random = torch.Generator().manual_seed(0)
    clean = torch.randn(3, 4, 4, 6, generator=random)
    text = backbone.encode_text([""])[0]
    state = start(recipe, backbone, clean)
    while state.done < recipe.forwards:
        state = advance(recipe, backbone, state, text)

    x, last = backbone.schedule.alpha_sigma(3)[0] * clean.double(), None
    for s, t in ((3, 40), (40, 300), (300, 639)):
        (a, sigma), (b, next_sigma) = backbone.schedule.alpha_sigma(s), backbone.schedule.alpha_sigma(t)
        noise = sigma * x + a * backbone.predict(x.float(), s, text).double()
        now, then = math.log(a / sigma), math.log(b / next_sigma)
        use = noise
        if last is not None:
            before, old = last
            use = noise + (noise - old) * (then - now) / (2 * (now - before))
        last = now, noise
        x = b * x / a - next_sigma * (math.exp(then - now) - 1) * use
    assert (state.latents - x).norm() <= 1e-5 * x.norm()


def relative_error(backbone, recipe, clean):
    states = invert(backbone, recipe, clean)
    first = states[0].latents
    pairs = [
        (state.latents, backbone.exact(first, recipe.knots[0], t))
        for state, t in zip(states, recipe.knots, strict=True)
        if t in recipe.kept
    ]
    off = sum((a - b).square().sum() for a, b in pairs) / sum(b.square().sum() for _, b in pairs)
    return float(off.sqrt())


def test_the_solver_is_of_second_order_and_beats_the_reference():
    backbone = GaussianBackbone()
    clean = backbone.mean + backbone.spread * torch.randn(3, 4, 4, 6, generator=torch.Generator().manual_seed(0))
    few = relative_error(backbone, choose_recipe(paper_request(), backbone), clean)
    many = relative_error(backbone, choose_recipe(paper_request(inversion_steps=59), backbone), clean)
    reference = relative_error(backbone, choose_recipe(paper_request(inversion="reference"), backbone), clean)
    assert few < reference
    assert many < few / 3.0


def test_no_inversion_without_anchors():
    backbone = GaussianBackbone()
    assert choose_recipe(paper_request(anchor_mode="none"), backbone) is None
    assert choose_recipe(paper_request(levels=(579, 479)), backbone) is None


def test_a_later_start_shares_the_trajectory_of_the_usual_one():
    backbone = GaussianBackbone()
    usual, later = (choose_recipe(paper_request(levels=levels), backbone) for levels in ((899, 779), (779, 679)))
    assert usual == later
    assert anchor_timesteps(paper_request(levels=(939,)), backbone.schedule, 899)[-1] == 939


@pytest.mark.parametrize(
    "changes",
    [
        {"inversion_steps": 14},
        {"inversion_steps": 800},
        {"inversion": "reference", "steps": 30},
        {"anchors_until": 0, "steps": 1000},
    ],
)
def test_recipes_that_do_not_fit_are_refused_with_a_remedy(changes):
    with pytest.raises(BadRequest) as caught:
        choose_recipe(replace(paper_request(), **{"levels": (899,), **changes}), GaussianBackbone())
    assert caught.value.remedy
