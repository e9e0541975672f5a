"""Qt images over numpy arrays, and their pixels as arrays."""

from __future__ import annotations

from typing import cast

import numpy as np
from PyQt6 import sip
from PyQt6.QtGui import QImage


def image_over(pixels: np.ndarray, form: QImage.Format) -> QImage:
    """An image that borrows the memory of uint8 [h, w] or [h, w, 4]; the array must outlive it.

    The pixels of a row must be contiguous; the rows need not be.
    """
    height, width = pixels.shape[:2]
    memory = cast(bytes, sip.voidptr(pixels.ctypes.data))  # the stubs know only bytes, which would be copied
    return QImage(memory, width, height, pixels.strides[0], form)


def pixels_of(image: QImage) -> np.ndarray:
    """A copy of the pixels of an image of 8 or 32 bits, uint8 [h, w] or [h, w, 4]."""
    bits = image.constBits()
    if bits is None:
        raise ValueError("the image is empty")
    bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(cast(bytes, bits), np.uint8).reshape(image.height(), image.bytesPerLine())
    if image.depth() == 32:
        return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4).copy()
    return rows[:, : image.width()].copy()
