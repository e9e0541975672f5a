"""The variance-preserving schedule against diffusers' scheduler and against plain formulas."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers import CogVideoXDDIMScheduler

from dynvfx.sampling.steps import CLEAN, steps_from
from dynvfx.sampling.variance_preserving import COGVIDEOX_5B, VariancePreservingSchedule


def reference_alphas_cumprod():
    """Scaled-linear betas, then shifted and scaled so that the last signal is zero and the first is kept."""
    low, high = math.sqrt(0.00085), math.sqrt(0.0120)
    product, roots = 1.0, []
    for t in range(1000):
        product *= 1.0 - (low + (high - low) * t / 999) ** 2
        roots.append(math.sqrt(product))
    first, last = roots[0], roots[-1]
    return [((root - last) * first / (first - last)) ** 2 for root in roots]


def test_alphas_equal_the_definition():
    schedule, wanted = VariancePreservingSchedule(), reference_alphas_cumprod()
    for t in (0, 1, 3, 250, 619, 899, 998):
        alpha, sigma = schedule.alpha_sigma(t)
        assert alpha**2 == pytest.approx(wanted[t], rel=1e-9)
        assert alpha**2 + sigma**2 == pytest.approx(1.0, rel=1e-12)
    assert schedule.alpha_sigma(999) == (0.0, 1.0)
    assert schedule.alpha_sigma(CLEAN) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("level", "sigma"),
    [(899, 0.948), (779, 0.866), (679, 0.788), (619, 0.739), (579, 0.706), (479, 0.622), (379, 0.537)],
)
def test_levels_have_the_published_flow_sigma(level, sigma):
    alpha, own = VariancePreservingSchedule().alpha_sigma(level)
    assert own / (alpha + own) == pytest.approx(sigma, abs=6e-4)


def test_sampling_timesteps_of_the_paper():
    timesteps = VariancePreservingSchedule().timesteps(50)
    assert timesteps == [999 - 20 * k for k in range(50)]
    counts = [len(steps_from(level, timesteps)) for level in (899, 779, 679, 579, 479, 379)]
    assert counts == [45, 39, 34, 29, 24, 19]
    assert steps_from(379, timesteps)[0] == (379, 359)
    assert steps_from(379, timesteps)[-1] == (19, CLEAN)


def test_steps_equal_the_scheduler_of_diffusers():
    scheduler = CogVideoXDDIMScheduler(**COGVIDEOX_5B)
    scheduler.set_timesteps(50)
    schedule = VariancePreservingSchedule()
    random = torch.Generator().manual_seed(0)
    latents, prediction = (torch.randn(2, 3, 4, generator=random) for _ in range(2))
    for t, following in steps_from(899, schedule.timesteps(50)):
        wanted = scheduler.step(prediction, t, latents)
        torch.testing.assert_close(schedule.step(latents, t, following, prediction), wanted.prev_sample)
        torch.testing.assert_close(schedule.to_clean(latents, t, prediction), wanted.pred_original_sample)


@pytest.mark.parametrize(("here", "there"), [(3, 7), (619, 639), (899, 19), (379, 359)])
def test_step_equals_the_formula_of_the_inversion(here, there):
    schedule = VariancePreservingSchedule()
    random = torch.Generator().manual_seed(1)
    latents, v = (torch.randn(2, 3, 4, dtype=torch.float64, generator=random) for _ in range(2))
    (root_s, sigma_s), (root_t, sigma_t) = schedule.alpha_sigma(here), schedule.alpha_sigma(there)
    clean = root_s * latents - sigma_s * v
    ratio = sigma_t / sigma_s
    wanted = ratio * latents + (root_t - root_s * ratio) * clean
    torch.testing.assert_close(schedule.step(latents, here, there, v), wanted, rtol=1e-12, atol=1e-12)


def test_a_step_there_and_back_with_the_true_prediction_returns():
    schedule = VariancePreservingSchedule()
    random = torch.Generator().manual_seed(2)
    clean, noise = (torch.randn(2, 3, dtype=torch.float64, generator=random) for _ in range(2))
    (a, s), (b, r) = schedule.alpha_sigma(899), schedule.alpha_sigma(19)
    low = schedule.step(schedule.add_noise(clean, noise, 899), 899, 19, a * noise - s * clean)
    torch.testing.assert_close(low, schedule.add_noise(clean, noise, 19), rtol=1e-12, atol=1e-12)
    high = schedule.step(low, 19, 899, b * noise - r * clean)
    torch.testing.assert_close(high, schedule.add_noise(clean, noise, 899), rtol=1e-12, atol=1e-12)


def test_log_snr_falls_and_interpolates():
    schedule = VariancePreservingSchedule()
    values = [schedule.log_snr(t) for t in range(-1, 1000)]
    assert values[0] == math.inf
    assert values[-1] == -math.inf
    assert all(a > b for a, b in zip(values, values[1:], strict=False))
    halfway = (schedule.log_snr(500) + schedule.log_snr(501)) / 2
    assert schedule.log_snr(500.5) == pytest.approx(halfway)


def test_what_the_schedule_refuses():
    with pytest.raises(ValueError, match="epsilon"):
        VariancePreservingSchedule(CogVideoXDDIMScheduler(prediction_type="epsilon"))
    for timestep in (1000, 2.5, -2):
        with pytest.raises(ValueError, match="outside"):
            VariancePreservingSchedule().alpha_sigma(timestep)
    with pytest.raises(ValueError, match="steps"):
        VariancePreservingSchedule().timesteps(0)


def test_knots_are_distinct_and_even_in_log_snr():
    schedule = VariancePreservingSchedule()
    for count in (1, 5, 15, 100, 616):
        knots = schedule.even_in_log_snr(3, 619, count)
        assert len(knots) == count
        assert knots[0] == 3
        assert all(a < b for a, b in zip(knots, [*knots[1:], 619], strict=True))
    values = [schedule.log_snr(t) for t in (*schedule.even_in_log_snr(3, 619, 15), 619)]
    spans = [a - b for a, b in zip(values, values[1:], strict=False)]
    assert max(spans) < 2.0 * min(spans)


def test_scales_follow_from_the_log_snr():
    schedule = VariancePreservingSchedule()
    for t in (3, 300, 899):
        snr = math.exp(schedule.log_snr(t))
        assert schedule.alpha_sigma(t) == pytest.approx(
            (math.sqrt(snr / (1 + snr)), math.sqrt(1 / (1 + snr))), rel=1e-9
        )
