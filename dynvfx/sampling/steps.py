"""Which timesteps a run passes and how many forwards it takes, as plain numbers: a program without torch can count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dynvfx.request import Request

CLEAN = -1
"""The timestep after the last one: no noise left."""

REFERENCE_STEPS = 250
"""Uniform steps of the reference recipe of inversion."""

USUAL_TOP = 899
"""The trajectory reaches this level even when a request starts below it, so that a follow-up finds the first take's."""

TRAIN_TIMESTEPS = 1000
"""Noise levels that the models of all known families were trained on."""


class Sampled(Protocol):
    """A model, as far as its timesteps go."""

    def timesteps(self, steps: int) -> Sequence[int]:
        """The sampling timesteps, descending, of a full run of `steps` steps."""


class Trailing:
    """The timesteps of a model with trailing spacing, as diffusers' schedulers give them out."""

    def timesteps(self, steps: int) -> list[int]:
        """999, 979, ... for 50 steps."""
        # Rounded half to even, as numpy does it there.
        return [round(TRAIN_TIMESTEPS - k * TRAIN_TIMESTEPS / steps) - 1 for k in range(steps)]


def steps_from(level: int, timesteps: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs (timestep, next timestep) from `level` down to the clean end; `timesteps` descend."""
    below = [t for t in timesteps if t <= level]
    return list(zip(below, (*below[1:], CLEAN), strict=True))


def anchor_timesteps(request: Request, model: Sampled) -> list[int]:
    """Sampling timesteps of the request at which anchors act and the trajectory is needed, ascending."""
    if request.anchor_mode == "none":
        return []
    grid = model.timesteps(request.steps)
    if not any(request.anchors_until <= t <= request.levels[0] for t in grid):
        return []
    top = max(request.levels[0], USUAL_TOP)
    return [t for t in reversed(grid) if request.anchors_until <= t <= top]


def inversion_forwards(request: Request, model: Sampled) -> int:
    """Forwards of the request's inversion; 0 when no anchor ever acts."""
    kept = anchor_timesteps(request, model)
    if not kept:
        return 0
    if request.inversion == "log_snr":
        return request.inversion_steps
    return sum(t <= kept[-1] for t in model.timesteps(REFERENCE_STEPS)) - 1
