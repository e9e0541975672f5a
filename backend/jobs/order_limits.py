"""Where an order wants the edit to be and which iterations it wants: checked before any long work.

Needs no torch, so that a service can refuse an order while a worker is at something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bridge.wire.messages import EditedMask
from contract.errors import BadUsage

if TYPE_CHECKING:
    from dynvfx.presets import Preset
    from dynvfx.sampling.steps import SamplingGrid

Box = tuple[float, float, float, float]

PURE_NOISE = 999
"""The highest timestep of the models' schedules."""
_MOST_LEVELS = 50


def check_limits(region: Sequence[float] | None, levels: Sequence[int] | None, mask: EditedMask | None = None) -> None:
    """Raises BadUsage for values that mean nothing, whatever the clip and the model are."""
    if region is not None:
        _check_region(region)
    if levels is not None:
        _check_levels(levels)
    if mask is not None:
        if mask.frame < 0:
            raise BadUsage(f"The mask is for frame {mask.frame}.", remedy="Frames count from 0, the take's first one.")
        # Only here: most orders have no mask, and a service starts in half the time without numpy and Pillow.
        from backend.jobs.mask_picture import read_mask

        read_mask(mask.png)


def mask_identity(mask: EditedMask | None) -> dict[str, Any]:
    """What a mask adds to what makes an order another one."""
    return {} if mask is None else {"mask": {"frame": mask.frame, "sha256": digest_of(mask)}}


def digest_of(mask: EditedMask) -> str:
    """SHA-256 of the mask's file."""
    return hashlib.sha256(mask.png).hexdigest()


def levels_for(levels: Sequence[int], preset: Preset, grid: SamplingGrid) -> tuple[int, ...]:
    """The model's timesteps nearest to wished start levels. Raises BadUsage above the preset's own first level."""
    highest = preset.snapped(grid)[0]
    snapped = preset.snapped_levels(levels, grid)
    if snapped[0] > highest:
        raise BadUsage(
            f"The level {levels[0]} is above {highest}, where this quality begins.",
            "Above it hardly anything of the shot is left to hold on to.",
            f"Begin at {highest} or below, for example --levels {','.join(map(str, preset.snapped(grid)[1:]))}.",
        )
    return snapped


def _check_region(region: Sequence[float]) -> None:
    left, top, right, bottom = region
    if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):
        inside = all(0.0 <= side <= 1.0 for side in region)
        raise BadUsage(
            f"The box {', '.join(f'{side:g}' for side in region)} {'is empty' if inside else 'leaves the picture'}.",
            "Its sides are left, top, right and bottom in parts of the picture, from 0 to 1.",
            "Give left below right and top below bottom, for example 0.5,0,1,1 for the right half.",
        )


def _check_levels(levels: Sequence[int]) -> None:
    remedy = "Give start levels that fall, such as 679,439: high ones change the whole, low ones details."
    if not 1 <= len(levels) <= _MOST_LEVELS:
        raise BadUsage(f"{len(levels)} levels were given.", remedy=remedy)
    if any(not 0 < level <= PURE_NOISE for level in levels):
        raise BadUsage(f"The levels {_listed(levels)} are not all between 1 and {PURE_NOISE}.", remedy=remedy)
    if any(first <= second for first, second in pairwise(levels)):
        raise BadUsage(f"The levels {_listed(levels)} do not fall.", remedy=remedy)


def _listed(levels: Sequence[int]) -> str:
    return ", ".join(map(str, levels))
