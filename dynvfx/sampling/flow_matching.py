"""Rectified flow: x_t = (1 - sigma) x_0 + sigma noise, and models that predict the velocity noise - x_0."""

from __future__ import annotations

import math

import torch

from dynvfx.sampling.schedule import NoiseSchedule
from dynvfx.sampling.steps import FlowGrid

TIMESTEPS_PER_SIGMA = 1000.0
"""Timesteps are sigma times this, the number that the models were trained to read."""


class FlowMatchingSchedule(NoiseSchedule):
    """The straight path between clip and noise, sampled on a family's `grid`."""

    def __init__(self, grid: FlowGrid) -> None:
        self._grid = grid
        self.clean = grid.clean

    def timesteps(self, steps: int) -> list[float]:
        """1000 and the grid's other timesteps."""
        if steps < 1:
            raise ValueError(f"{steps} steps: choose 1 or more")
        return self._grid.timesteps(steps)

    def alpha_sigma(self, timestep: float) -> tuple[float, float]:
        """(1 - sigma, sigma)."""
        if not 0.0 <= timestep <= TIMESTEPS_PER_SIGMA:
            raise ValueError(f"timestep {timestep} is outside 0..{TIMESTEPS_PER_SIGMA:g}")
        sigma = timestep / TIMESTEPS_PER_SIGMA
        return 1.0 - sigma, sigma

    def to_clean(self, latents: torch.Tensor, timestep: float, prediction: torch.Tensor) -> torch.Tensor:
        """x_0 = x_t - sigma v."""
        return latents - self.alpha_sigma(timestep)[1] * prediction

    def to_noise(self, latents: torch.Tensor, timestep: float, prediction: torch.Tensor) -> torch.Tensor:
        """noise = x_t + (1 - sigma) v."""
        return latents + self.alpha_sigma(timestep)[0] * prediction

    def even_in_log_snr(self, first: float, end: float, count: int) -> list[float]:
        """In closed form: sigma = 1 / (1 + exp(log-SNR / 2))."""
        high, low = self.log_snr(first), self.log_snr(end)
        between = (high + (low - high) * k / count for k in range(1, count))
        return [first, *(TIMESTEPS_PER_SIGMA / (1.0 + math.exp(target / 2.0)) for target in between)][:count]
