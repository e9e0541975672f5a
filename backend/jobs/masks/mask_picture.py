"""The picture of a mask that a person painted: read, and compared with the clip it is for."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from contract.errors import BadUsage

_MOST_PIXELS = 1 << 26
_SHAPE_SLACK = 0.02
"""Relative difference in shape that rounding to whole pixels explains."""


def read_mask(png: bytes) -> np.ndarray:
    """The painted picture uint8 [h, w]. Raises BadUsage for what is no grey PNG, too large, or all black."""
    remedy = "Paint the mask on a frame of the take and save it as a grey PNG, white where the edit is."
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise BadUsage(f"The mask has {image.width} x {image.height} pixels.", remedy="Save it smaller.")
            if image.mode not in ("1", "L", "I;16", "I"):
                raise BadUsage(f"The mask is in colour or has an alpha channel ({image.mode}).", remedy=remedy)
            pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadUsage("The mask is not a PNG file, or it is damaged.", str(error), remedy) from error
    grey = _eight_bit(pixels)
    if not (grey > 127).any():
        raise BadUsage("The mask is black all over.", "Nothing may change then.", "Paint white where the edit is.")
    return grey


def mask_for(png: bytes, frame: int, width: int, height: int, frames: int) -> np.ndarray:
    """The mask uint8 [h, w] when it fits frame `frame` of a clip of `frames` upright pictures of this size.

    Raises BadUsage.
    """
    if frame >= frames:
        raise BadUsage(
            f"The mask is for frame {frame}; the take has {frames} frames.",
            remedy=f"Frames count from 0, the take's first one, to {frames - 1}.",
        )
    pixels = read_mask(png)
    tall, wide = pixels.shape
    if abs(wide * height / (tall * width) - 1) > _SHAPE_SLACK + 1 / min(tall, wide):
        raise BadUsage(
            f"The mask is {wide} x {tall}, of another shape than the clip ({width} x {height}).",
            remedy="Paint it on the whole picture, upright, without borders.",
        )
    return pixels


def _eight_bit(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == bool:
        return pixels.astype(np.uint8) * 255
    return pixels if pixels.dtype == np.uint8 else (pixels >> 8).clip(0, 255).astype(np.uint8)
