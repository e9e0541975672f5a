"""What every noise schedule answers: noise levels, and deterministic steps between any two of them (METHOD 1.3, 1.4).

A schedule knows its process (how much signal and noise a timestep has) and what its models predict. Timesteps are a
family's own numbers: integers of a discrete schedule, 1000 sigma of a rectified flow. Latents may be on any device and
keep their dtype; coefficients are computed in float64.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch


class NoiseSchedule(ABC):
    """x_t = alpha x_0 + sigma noise, and the estimates of x_0 and of the noise in a prediction.

    Subclasses set `clean`, the timestep at which alpha is 1 and sigma is 0.
    """

    clean: float

    @abstractmethod
    def timesteps(self, steps: int) -> Sequence[float]:
        """The sampling timesteps, descending, of a full run of `steps` steps. ValueError when there are not so many."""

    @abstractmethod
    def alpha_sigma(self, timestep: float) -> tuple[float, float]:
        """Scale of the signal and of the noise at a timestep, both in [0, 1]. ValueError outside the schedule."""

    @abstractmethod
    def to_clean(self, latents: torch.Tensor, timestep: float, prediction: torch.Tensor) -> torch.Tensor:
        """The model's estimate of x_0."""

    @abstractmethod
    def to_noise(self, latents: torch.Tensor, timestep: float, prediction: torch.Tensor) -> torch.Tensor:
        """The model's estimate of the noise."""

    @abstractmethod
    def even_in_log_snr(self, first: float, end: float, count: int) -> list[float]:
        """`count` distinct ascending timesteps from `first` up to, not including, `end`, evenly spaced in log-SNR.

        There must be room for them: at most `end - first` for any schedule.
        """

    def log_snr(self, timestep: float) -> float:
        """log(alpha^2 / sigma^2), strictly decreasing; +inf at the clean end, -inf where no signal is left."""
        alpha, sigma = self.alpha_sigma(timestep)
        if sigma == 0.0:
            return math.inf
        return 2.0 * (math.log(alpha) - math.log(sigma)) if alpha > 0.0 else -math.inf

    def add_noise(self, latents: torch.Tensor, noise: torch.Tensor, timestep: float) -> torch.Tensor:
        """x_t from x_0."""
        alpha, sigma = self.alpha_sigma(timestep)
        return alpha * latents + sigma * noise

    def step(
        self, latents: torch.Tensor, timestep: float, next_timestep: float, prediction: torch.Tensor
    ) -> torch.Tensor:
        """Deterministic step to `next_timestep`, which may be less noisy (sampling) or noisier (inversion).

        alpha' x_0 + sigma' noise: DDIM for a variance-preserving process, Euler for a rectified flow.
        """
        alpha, sigma = self.alpha_sigma(next_timestep)
        clean = self.to_clean(latents, timestep, prediction)
        return alpha * clean + sigma * self.to_noise(latents, timestep, prediction)
