"""What a quality decides of a request; each family of models has its own values (table in docs/command-line.md)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from contract.errors import BadUsage
from contract.plan import Scope
from dynvfx.request import Inversion, Request
from dynvfx.sampling.steps import SamplingGrid, nearest_timestep

FULL_FRAME_KEEP_FOREGROUND = 0.10
"""Keep probability on source objects for full-frame content (METHOD 1.5)."""


@dataclass(frozen=True)
class Preset:
    """The part of a request that quality decides. `levels` are taken to the nearest sampling timesteps of the model.

    `preview_every` decodes the unfinished clip every so many steps; it costs time and never changes the result.
    """

    levels: tuple[float, ...]
    steps: int
    guidance: float
    inversion: Inversion
    inversion_steps: int
    anchors_until: float
    keep_foreground: float
    keep_background: float
    mask_reach: int
    coverage: float
    secondary: float
    preview_every: int

    def snapped(self, grid: SamplingGrid) -> tuple[float, ...]:
        """`levels` as sampling timesteps of the model, falling, each once."""
        return self.snapped_levels(self.levels, grid)

    def snapped_levels(self, levels: Sequence[float], grid: SamplingGrid) -> tuple[float, ...]:
        """As `snapped`, for other levels than the preset's."""
        timesteps = grid.timesteps(self.steps)
        return tuple(sorted({nearest_timestep(level, timesteps) for level in levels}, reverse=True))

    def with_levels(self, levels: Sequence[float], grid: SamplingGrid) -> Preset:
        """This preset with the sampling timesteps nearest to `levels`. Raises BadUsage above its own first level."""
        own, snapped = self.snapped(grid), self.snapped_levels(levels, grid)
        if snapped[0] > own[0]:
            raise BadUsage(
                f"The level {levels[0]:g} is above {own[0]:g}, where this quality begins.",
                "Above it hardly anything of the shot is left to hold on to.",
                f"Begin at {own[0]:g} or below, for example --levels {','.join(f'{each:g}' for each in own[1:])}.",
            )
        return replace(self, levels=snapped)

    def request(self, grid: SamplingGrid, **shot: Any) -> Request:
        """The request of this quality; `shot` holds the fields of Request that quality does not decide."""
        return Request(
            levels=self.snapped(grid),
            steps=self.steps,
            guidance=self.guidance,
            anchors_until=self.anchors_until,
            keep_foreground=self.keep_foreground,
            keep_background=self.keep_background,
            inversion=self.inversion,
            inversion_steps=self.inversion_steps,
            mask_reach=self.mask_reach,
            coverage=self.coverage,
            secondary=self.secondary,
            **shot,
        )

    def for_scope(self, scope: Scope) -> Preset:
        """The preset for full-frame content keeps less of what stands in front."""
        if scope == "object":
            return self
        return replace(self, keep_foreground=min(self.keep_foreground, FULL_FRAME_KEEP_FOREGROUND))
