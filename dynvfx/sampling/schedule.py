"""The diffusion schedule: noise levels, and deterministic (DDIM) steps between any two of them (METHOD 1.3, 1.4).

Timesteps are integers 0..T-1; -1 stands for the clean end, where alpha is 1 and sigma 0. Latents may be on any device
and keep their dtype; the coefficients are computed in float64.
"""

from __future__ import annotations

import math

import torch
from diffusers import CogVideoXDDIMScheduler

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


class Schedule:
    """Cumulative alphas of a v-prediction model and the steps between them.

    The alphas and the spacing of the timesteps come from diffusers' scheduler; the steps are written here because ours
    go in either direction and between timesteps of any distance.
    """

    def __init__(self, scheduler: CogVideoXDDIMScheduler | None = None) -> None:
        self._scheduler = scheduler or CogVideoXDDIMScheduler(**COGVIDEOX_5B)
        prediction = self._scheduler.config.prediction_type
        if prediction != "v_prediction":
            raise ValueError(f"prediction type {prediction!r}: only v_prediction models are supported")
        self._alphas_cumprod: list[float] = self._scheduler.alphas_cumprod.double().tolist()

    @property
    def train_timesteps(self) -> int:
        """T, the number of noise levels that the model was trained on."""
        return len(self._alphas_cumprod)

    def timesteps(self, steps: int) -> list[int]:
        """Sampling timesteps of a full run of `steps` steps, descending: 999, 979, ... for 50 trailing steps."""
        if not 1 <= steps <= self.train_timesteps:
            raise ValueError(f"{steps} steps: choose 1 to {self.train_timesteps}")
        self._scheduler.set_timesteps(steps)
        return [int(t) for t in self._scheduler.timesteps]

    def alpha_sigma(self, timestep: int) -> tuple[float, float]:
        """sqrt(abar) and sqrt(1 - abar) at a timestep; (1, 0) at the clean end."""
        if timestep == CLEAN:
            return 1.0, 0.0
        if not 0 <= timestep < self.train_timesteps:
            raise ValueError(f"timestep {timestep} is outside 0..{self.train_timesteps - 1}")
        abar = self._alphas_cumprod[timestep]
        return math.sqrt(abar), math.sqrt(1.0 - abar)

    def log_snr(self, timestep: float) -> float:
        """log(alpha^2 / sigma^2), linearly interpolated between timesteps.

        Strictly decreasing; +inf at the clean end and, with zero terminal SNR, -inf at the last timestep.
        """
        below = math.floor(timestep)
        share = timestep - below
        low = self._log_snr(below)
        return low if share == 0 else low + share * (self._log_snr(below + 1) - low)

    def _log_snr(self, timestep: int) -> float:
        alpha, sigma = self.alpha_sigma(timestep)
        if sigma == 0.0:
            return math.inf
        return 2.0 * (math.log(alpha) - math.log(sigma)) if alpha > 0.0 else -math.inf

    def add_noise(self, latents: torch.Tensor, noise: torch.Tensor, timestep: int) -> torch.Tensor:
        """x_t = alpha x_0 + sigma noise."""
        alpha, sigma = self.alpha_sigma(timestep)
        return alpha * latents + sigma * noise

    def to_clean(self, latents: torch.Tensor, timestep: int, prediction: torch.Tensor) -> torch.Tensor:
        """x_0 = alpha x_t - sigma v."""
        alpha, sigma = self.alpha_sigma(timestep)
        return alpha * latents - sigma * prediction

    def to_noise(self, latents: torch.Tensor, timestep: int, prediction: torch.Tensor) -> torch.Tensor:
        """The model's estimate of the noise: sigma x_t + alpha v."""
        alpha, sigma = self.alpha_sigma(timestep)
        return sigma * latents + alpha * prediction

    def step(self, latents: torch.Tensor, timestep: int, next_timestep: int, prediction: torch.Tensor) -> torch.Tensor:
        """Deterministic step to `next_timestep`, which may be less noisy (sampling) or noisier (inversion).

        Equal to `A x + (alpha' - alpha A) x_0` with `A = sigma' / sigma` (METHOD 1.4), written as `alpha' x_0 +
        sigma' eps` so that it also holds at the clean end, where sigma is 0.
        """
        alpha, sigma = self.alpha_sigma(next_timestep)
        clean = self.to_clean(latents, timestep, prediction)
        return alpha * clean + sigma * self.to_noise(latents, timestep, prediction)
