"""Where an order wants the edit to be and which iterations it wants: checked before any long work.

Needs no torch, so that a service can refuse an order while a worker is at something else.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from bridge.errors import BadUsage
from bridge.messages import LARGEST_MASK, EditedMask

if TYPE_CHECKING:
    from backend.presets import Preset
    from dynvfx.steps import Sampled

Box = tuple[float, float, float, float]

PURE_NOISE = 999
"""The highest timestep of the models' schedules."""
_MOST_LEVELS = 50
_MOST_PIXELS = 1 << 26
_SHAPE_SLACK = 0.02
"""Relative difference in shape that rounding to whole pixels explains."""


def check_limits(region: Sequence[float] | None, levels: Sequence[int] | None, mask: EditedMask | None = None) -> None:
    """Raises BadUsage for values that mean nothing, whatever the clip and the model are."""
    if region is not None:
        _check_region(region)
    if levels is not None:
        _check_levels(levels)
    if mask is not None:
        if mask.frame < 0:
            raise BadUsage(f"The mask is for frame {mask.frame}.", remedy="Frames count from 0, the take's first one.")
        read_mask(mask.png)


def read_mask(png: bytes) -> np.ndarray:
    """The painted picture uint8 [h, w]. Raises BadUsage for what is no grey PNG, too large, or all black."""
    remedy = "Paint the mask on a frame of the take and save it as a grey PNG, white where the edit is."
    if len(png) > LARGEST_MASK:
        raise BadUsage(
            f"The mask has {len(png) / 1e6:.1f} MB.",
            f"At most {LARGEST_MASK / 1e6:.0f} MB are taken.",
            "Save it with fewer pixels: half the clip's size is more than enough.",
        )
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise BadUsage(f"The mask has {image.width} x {image.height} pixels.", remedy="Save it smaller.")
            if image.mode not in ("1", "L", "I;16", "I"):
                raise BadUsage(f"The mask is in colour or has an alpha channel ({image.mode}).", remedy=remedy)
            pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadUsage("The mask is no PNG, or a damaged one.", str(error), remedy) from error
    grey = _eight_bit(pixels)
    if not (grey > 127).any():
        raise BadUsage("The mask is black all over.", "Nothing may change then.", "Paint white where the edit is.")
    return grey


def mask_for(mask: EditedMask, width: int, height: int, frames: int) -> np.ndarray:
    """The mask uint8 [h, w] when it fits a clip of `frames` upright pictures of this size. Raises BadUsage."""
    if mask.frame >= frames:
        raise BadUsage(
            f"The mask is for frame {mask.frame}; the take has {frames} frames.",
            remedy=f"Frames count from 0, the take's first one, to {frames - 1}.",
        )
    pixels = read_mask(mask.png)
    tall, wide = pixels.shape
    if abs(wide * height / (tall * width) - 1) > _SHAPE_SLACK + 1 / min(tall, wide):
        raise BadUsage(
            f"The mask is {wide} x {tall}, of another shape than the clip ({width} x {height}).",
            remedy="Paint it on the whole picture, upright, without borders.",
        )
    return pixels


def mask_identity(mask: EditedMask | None) -> dict[str, Any]:
    """What a mask adds to what makes an order another one."""
    return {} if mask is None else {"mask": {"frame": mask.frame, "sha256": digest_of(mask)}}


def digest_of(mask: EditedMask) -> str:
    """SHA-256 of the mask's file."""
    return hashlib.sha256(mask.png).hexdigest()


def levels_for(levels: Sequence[int], preset: Preset, backbone: Sampled) -> tuple[int, ...]:
    """The model's timesteps nearest to wished start levels. Raises BadUsage above the preset's own first level."""
    highest = preset.snapped(backbone)[0]
    snapped = preset.snapped_levels(levels, backbone)
    if snapped[0] > highest:
        raise BadUsage(
            f"The level {levels[0]} is above {highest}, where this quality begins.",
            "Above it hardly anything of the shot is left to hold on to.",
            f"Begin at {highest} or below, for example --levels {','.join(map(str, preset.snapped(backbone)[1:]))}.",
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


def _eight_bit(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * 255
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).clip(0, 255).astype(np.uint8)
