"""The variance-preserving process with v-prediction, as CogVideoX uses it.

Timesteps are integers 0..T-1; -1 is the clean end, where alpha is 1 and sigma 0.
"""

from __future__ import annotations

import math

import torch
from diffusers import CogVideoXDDIMScheduler

from dynvfx.sampling.schedule import NoiseSchedule
from dynvfx.sampling.steps import CLEAN

COGVIDEOX_5B = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.0120,
    "snr_shift_scale": 1.0,
    "rescale_betas_zero_snr": True,
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
    "clip_sample": False,
    "set_alpha_to_one": True,
}
"""Scheduler settings of CogVideoX-5B; the 2B model shifts the SNR by 3."""


class VariancePreservingSchedule(NoiseSchedule):
    """alpha^2 + sigma^2 = 1, and models that predict v = alpha noise - sigma x_0.

    The alphas and the spacing of the timesteps come from diffusers' scheduler; the steps are written here because ours
    go in either direction and between timesteps of any distance.
    """

    clean = CLEAN

    def __init__(self, scheduler: CogVideoXDDIMScheduler | None = None) -> None:
        self._scheduler = scheduler or CogVideoXDDIMScheduler(**COGVIDEOX_5B)
        prediction = self._scheduler.config.prediction_type
        if prediction != "v_prediction":
            raise ValueError(f"prediction type {prediction!r}: this schedule is for v_prediction models only")
        self._alphas_cumprod: list[float] = self._scheduler.alphas_cumprod.double().tolist()

    @property
    def train_timesteps(self) -> int:
        """T, the number of noise levels that the model was trained on."""
        return len(self._alphas_cumprod)

    def timesteps(self, steps: int) -> list[int]:
        """999, 979, ... for 50 trailing steps."""
        if not 1 <= steps <= self.train_timesteps:
            raise ValueError(f"{steps} steps: choose 1 to {self.train_timesteps}")
        self._scheduler.set_timesteps(steps)
        return [int(t) for t in self._scheduler.timesteps]

    def alpha_sigma(self, timestep: float) -> tuple[float, float]:
        """sqrt(abar) and sqrt(1 - abar) at an integer timestep."""
        if timestep == CLEAN:
            return 1.0, 0.0
        if not 0 <= timestep < self.train_timesteps or timestep != int(timestep):
            raise ValueError(f"timestep {timestep} is outside the integers 0..{self.train_timesteps - 1}")
        abar = self._alphas_cumprod[int(timestep)]
        return math.sqrt(abar), math.sqrt(1.0 - abar)

    def log_snr(self, timestep: float) -> float:
        """As of every schedule, linearly interpolated between integer timesteps."""
        below = math.floor(timestep)
        share = timestep - below
        low = super().log_snr(below)
        return low if share == 0 else low + share * (super().log_snr(below + 1) - low)

    def to_clean(self, latents: torch.Tensor, timestep: float, prediction: torch.Tensor) -> torch.Tensor:
        """x_0 = alpha x_t - sigma v."""
        alpha, sigma = self.alpha_sigma(timestep)
        return alpha * latents - sigma * prediction

    def to_noise(self, latents: torch.Tensor, timestep: float, prediction: torch.Tensor) -> torch.Tensor:
        """noise = sigma x_t + alpha v."""
        alpha, sigma = self.alpha_sigma(timestep)
        return sigma * latents + alpha * prediction

    def even_in_log_snr(self, first: float, end: float, count: int) -> list[float]:
        """The nearest integers, kept distinct where the clean end has too few of them."""
        high, low = self.log_snr(first), self.log_snr(end)
        knots: list[float] = []
        for k in range(count):
            target = high + (low - high) * k / count
            # Room below for the knots before and above for those still to come keeps integers distinct.
            candidates = range(int(knots[-1]) + 1 if knots else int(first), int(end) - (count - 1 - k))
            knots.append(min(candidates, key=lambda t: abs(self.log_snr(t) - target)))
        return knots
