"""The rectified flow against closed forms and against diffusers' own scheduler."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from dynvfx.sampling.flow_matching import FlowMatchingSchedule
from dynvfx.sampling.inversion import InversionState, Recipe, advance, start
from dynvfx.sampling.rng import generator
from dynvfx.sampling.steps import FlowGrid, steps_from

SHIFT = 3.0
MEAN, SPREAD = 0.8, 0.35


@pytest.fixture
def schedule() -> FlowMatchingSchedule:
    return FlowMatchingSchedule(FlowGrid(SHIFT))


def velocity(latents: torch.Tensor, timestep: float) -> torch.Tensor:
    """The exact prediction for clips drawn from a normal distribution."""
    sigma = timestep / 1000
    variance = ((1 - sigma) * SPREAD) ** 2 + sigma**2
    centred = latents - (1 - sigma) * MEAN
    clean = MEAN + (1 - sigma) * SPREAD**2 / variance * centred
    noise = sigma / variance * centred
    return noise - clean


def exact(latents: torch.Tensor, here: float, there: float) -> torch.Tensor:
    """The flow moves every value along its quantile."""
    (a, s), (b, r) = ((1 - t / 1000, t / 1000) for t in (here, there))
    before, after = math.hypot(a * SPREAD, s), math.hypot(b * SPREAD, r)
    return b * MEAN + after / before * (latents - a * MEAN)


def test_sampling_equals_the_euler_scheduler_of_diffusers(schedule: FlowMatchingSchedule):
    scheduler = FlowMatchEulerDiscreteScheduler(shift=SHIFT)
    scheduler.set_timesteps(sigmas=[1 - k / 20 for k in range(20)])
    timesteps = schedule.timesteps(20)
    assert timesteps == pytest.approx(scheduler.timesteps.tolist(), rel=1e-6)
    ours = theirs = torch.randn(2, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pairs = steps_from(1000, timesteps, schedule.clean)
    assert len(pairs) == 20 and pairs[-1][1] == 0.0
    for (t, following), timestep in zip(pairs, scheduler.timesteps, strict=True):
        ours = schedule.step(ours, t, following, velocity(ours, t))
        theirs = scheduler.step(velocity(theirs, float(timestep)), timestep, theirs).prev_sample
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5, check_dtype=False)


def test_noise_and_estimates_are_the_straight_path(schedule: FlowMatchingSchedule):
    random = torch.Generator().manual_seed(1)
    clean, noise = (torch.randn(2, 3, dtype=torch.float64, generator=random) for _ in range(2))
    for t in (0.0, 250.0, 739.0, 948.5, 1000.0):
        sigma = t / 1000
        latents = schedule.add_noise(clean, noise, t)
        torch.testing.assert_close(latents, (1 - sigma) * clean + sigma * noise, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(schedule.to_clean(latents, t, noise - clean), clean, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(schedule.to_noise(latents, t, noise - clean), noise, rtol=1e-12, atol=1e-12)


def test_steps_go_both_ways(schedule: FlowMatchingSchedule):
    random = torch.Generator().manual_seed(2)
    clean, noise = (torch.randn(2, 3, dtype=torch.float64, generator=random) for _ in range(2))
    low = schedule.step(schedule.add_noise(clean, noise, 900.0), 900.0, 20.0, noise - clean)
    torch.testing.assert_close(low, schedule.add_noise(clean, noise, 20.0), rtol=1e-12, atol=1e-12)
    high = schedule.step(low, 20.0, 900.0, noise - clean)
    torch.testing.assert_close(high, schedule.add_noise(clean, noise, 900.0), rtol=1e-12, atol=1e-12)


def test_log_snr_falls_from_end_to_end(schedule: FlowMatchingSchedule):
    values = [schedule.log_snr(float(t)) for t in range(1001)]
    assert (values[0], values[-1]) == (math.inf, -math.inf)
    assert all(a > b for a, b in zip(values, values[1:], strict=False))
    assert schedule.log_snr(500.0) == pytest.approx(0.0, abs=1e-12)
    assert schedule.log_snr(948.0) == pytest.approx(2 * math.log(0.052 / 0.948))


def test_knots_are_even_in_log_snr(schedule: FlowMatchingSchedule):
    for count in (1, 5, 40):
        knots = schedule.even_in_log_snr(4.0, 739.0, count)
        assert len(knots) == count and knots[0] == 4.0
        values = [schedule.log_snr(t) for t in (*knots, 739.0)]
        spans = [a - b for a, b in zip(values, values[1:], strict=False)]
        assert spans == pytest.approx([spans[0]] * count)


class Flow:
    """As much of a backbone as inversion needs."""

    def __init__(self, schedule: FlowMatchingSchedule) -> None:
        self.schedule = schedule

    def predict(self, latents: torch.Tensor, timestep: float, text: torch.Tensor) -> torch.Tensor:
        return velocity(latents, timestep)


@pytest.mark.parametrize("kind", ["log_snr", "reference"])
def test_inversion_follows_the_exact_flow(schedule: FlowMatchingSchedule, kind: str):
    """Both recipes come close, the reference one by many steps."""
    backbone = Flow(schedule)
    count = 30 if kind == "log_snr" else 300
    recipe = Recipe(kind, (*schedule.even_in_log_snr(4.0, 739.0, count), 739.0, 866.0, 948.0), (739.0, 866.0, 948.0))
    clean = MEAN + SPREAD * torch.randn(3, 4, 4, 6, generator=torch.Generator().manual_seed(0))
    states: list[InversionState] = [start(recipe, backbone, clean)]
    while states[-1].done < recipe.forwards:
        states.append(advance(recipe, backbone, states[-1], torch.zeros(1)))
    reached = states[recipe.knots.index(739.0)].latents
    wanted = exact(states[0].latents, 4.0, 739.0)
    assert (reached - wanted).norm() <= 0.02 * wanted.norm()
    assert states[-1].latents.dtype == torch.float32


def test_draws_at_neighbouring_timesteps_differ():
    first, second = (generator("anchors", 7, 0, 0, timestep, 3).random() for timestep in (947.25, 947.5))
    assert first != second
    assert generator("anchors", 900.0).random() == generator("anchors", 900).random()


def test_what_the_schedule_refuses(schedule: FlowMatchingSchedule):
    for timestep in (-1.0, 1000.5):
        with pytest.raises(ValueError, match="outside"):
            schedule.alpha_sigma(timestep)
    with pytest.raises(ValueError, match="steps"):
        schedule.timesteps(0)
