"""Which timesteps a run passes and how many forwards it takes, as plain numbers: a program without torch can count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dynvfx.request import Request

CLEAN = -1
"""The timestep after the last one of a discrete schedule: no noise left."""

REFERENCE_STEPS = 250
"""Uniform steps of the reference recipe of inversion."""


class SamplingGrid(Protocol):
    """The timesteps that sampling passes; a timestep is a family's own number for a noise level."""

    @property
    def clean(self) -> float:
        """The timestep after the last one: no noise left."""

    def timesteps(self, steps: int) -> Sequence[float]:
        """The sampling timesteps, descending, of a full run of `steps` steps, without `clean`."""


@dataclass(frozen=True)
class TrailingGrid:
    """Integer timesteps with trailing spacing, as diffusers' DDIM schedulers give them out."""

    train_timesteps: int
    clean: float = CLEAN

    def timesteps(self, steps: int) -> list[int]:
        """999, 979, ... for 50 of 1000 steps."""
        # Rounded half to even, as numpy does it there.
        return [round(self.train_timesteps - k * self.train_timesteps / steps) - 1 for k in range(steps)]


@dataclass(frozen=True)
class FlowGrid:
    """Timesteps of a rectified flow: 1000 sigma, with sigmas in (0, 1] that a shift moves towards noise.

    sigma = shift s / (1 + (shift - 1) s) for s = 1, (n - 1) / n, .. 1 / n, as in Wan's own sampler.
    """

    shift: float
    clean: float = 0.0

    def timesteps(self, steps: int) -> list[float]:
        """1000, .. for any number of steps."""
        even = [1.0 - k / steps for k in range(steps)]
        return [1000.0 * (self.shift * s / (1.0 + (self.shift - 1.0) * s)) for s in even]


def nearest_timestep(level: float, timesteps: Sequence[float]) -> float:
    """The one of `timesteps` nearest to `level`, the lower of two."""
    return min(timesteps, key=lambda timestep: (abs(timestep - level), timestep))


def steps_from(level: float, timesteps: Sequence[float], clean: float = CLEAN) -> list[tuple[float, float]]:
    """Pairs (timestep, next timestep) from `level` down to `clean`; `timesteps` descend."""
    below = [t for t in timesteps if t <= level]
    return list(zip(below, (*below[1:], clean), strict=True))


def anchor_timesteps(request: Request, grid: SamplingGrid, trajectory_top: float) -> list[float]:
    """Sampling timesteps of the request at which anchors act and the trajectory is needed, ascending.

    `trajectory_top` is the family's: see `dynvfx.backbones.family.Family`.
    """
    if request.anchor_mode == "none":
        return []
    timesteps = grid.timesteps(request.steps)
    if not any(request.anchors_until <= t <= request.levels[0] for t in timesteps):
        return []
    top = max(request.levels[0], trajectory_top)
    return [t for t in reversed(timesteps) if request.anchors_until <= t <= top]


def inversion_forwards(request: Request, grid: SamplingGrid, trajectory_top: float) -> int:
    """Forwards of the request's inversion; 0 when no anchor ever acts."""
    kept = anchor_timesteps(request, grid, trajectory_top)
    if not kept:
        return 0
    if request.inversion == "log_snr":
        return request.inversion_steps
    return sum(t <= kept[-1] for t in grid.timesteps(REFERENCE_STEPS)) - 1
