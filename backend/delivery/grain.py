"""The plate's grain, measured and laid on new content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

_BINS = 8
_BLOCK = 16
_SPREAD = 2.0
_SIZES = (0.0, 0.35, 0.5, 0.65, 0.8, 1.0, 1.3)
_TO_YCC = np.array([[0.2126, 0.7152, 0.0722], [-0.1146, -0.3854, 0.5], [0.5, -0.4542, -0.0458]], np.float32)
_TO_RGB = np.linalg.inv(_TO_YCC.astype(np.float64)).astype(np.float32)


@dataclass(frozen=True)
class Grain:
    """Grain of luma and the two colour differences.

    `levels` float [3][8]: standard deviation in units of full scale (1.0 = white) for eight bands of brightness;
    `sizes` float [3]: radius of the grain as a Gaussian's sigma in native pixels.
    """

    levels: tuple[tuple[float, ...], ...]
    sizes: tuple[float, ...]

    @property
    def absent(self) -> bool:
        """True when the plate is clean: nothing is added."""
        return max(max(row) for row in self.levels) < 1e-3

    def at(self, picture: np.ndarray, seed: int, frame: int) -> np.ndarray:
        """Grain for `picture` (float32 [h, w, 3] RGB in [0, 1]): float32 offsets, fixed by seed and frame."""
        if self.absent:
            return np.zeros_like(picture)
        brightness = (np.clip(cv2.transform(picture, _TO_YCC[:1]), 0, 1) * 255).astype(np.uint8)
        centres = (np.arange(_BINS) + 0.5) / _BINS * 255
        # Nothing is brighter than white: towards the ends of the scale grain is clipped in the plate as well.
        fade = np.minimum(1, np.minimum(np.arange(256), 255 - np.arange(256)) / 6)
        noise = []
        for part in range(3):
            random = np.random.default_rng([seed & 0xFFFFFFFF, frame, part])
            white = random.standard_normal(picture.shape[:2], np.float32)
            curve = (np.interp(np.arange(256), centres, self.levels[part]) * fade).astype(np.float32)
            noise.append(_shape(white, self.sizes[part]) * curve[brightness])
        return cv2.transform(cv2.merge(noise), _TO_RGB)


def measure_grain(pictures: Iterable[np.ndarray]) -> Grain:
    """Measure grain on native pictures (float32 [H, W, 3] RGB in [0, 1]): the residual of their flattest blocks."""
    rows: list[np.ndarray] = []
    for picture in pictures:
        parts = cv2.split(cv2.transform(picture, _TO_YCC))
        smooth = cv2.GaussianBlur(parts[0], (0, 0), 2.0)
        if min(smooth.shape) < 2 * _BLOCK:
            continue
        columns = [_blocks(smooth).mean(2), _blocks(smooth).std(2)]
        for part in parts:
            residual = _residual(part)
            columns += [_blocks(residual**2).mean(2), _blocks(_neighbours(residual)).mean(2)]
        rows.append(np.stack(columns, -1).reshape(-1, 8))
    if not rows:
        return Grain(((0.0,) * _BINS,) * 3, (0.0,) * 3)
    table = np.concatenate(rows)
    table = table[(table[:, 0] > 0.02) & (table[:, 0] < 0.98)]
    if len(table) < 16:
        return Grain(((0.0,) * _BINS,) * 3, (0.0,) * 3)
    flat = _flattest(table)
    found = [_fit_part(flat, 2 + 2 * part) for part in range(3)]
    return Grain(tuple(levels for levels, _ in found), tuple(size for _, size in found))


def _flattest(table: np.ndarray) -> np.ndarray:
    """The flattest quarter of the blocks within each band of brightness."""
    band = np.minimum((table[:, 0] * _BINS).astype(int), _BINS - 1)
    kept = []
    for each in range(_BINS):
        rows = table[band == each]
        if len(rows) >= 8:
            kept.append(rows[np.argsort(rows[:, 1], kind="stable")[: max(4, len(rows) // 4)]])
    return np.concatenate(kept) if kept else table[np.argsort(table[:, 1], kind="stable")[: max(4, len(table) // 4)]]


def _fit_part(flat: np.ndarray, column: int) -> tuple[tuple[float, ...], float]:
    energy, shared = flat[:, column], flat[:, column + 1]
    likeness = float(np.median(shared / np.maximum(energy, 1e-12)))
    size, passed = min(_response(), key=lambda row: abs(row[1] - likeness))[::2]
    band = np.minimum((flat[:, 0] * _BINS).astype(int), _BINS - 1)
    levels = {}
    for each in range(_BINS):
        rows = energy[band == each]
        if len(rows) >= 4:
            levels[each] = float(np.sqrt(np.percentile(rows, 30))) / passed
    if not levels:
        return (float(np.sqrt(np.percentile(energy, 30))) / passed,) * _BINS, size
    # Bands of brightness that hold nothing flat show texture instead; grain itself changes far less from band to band.
    ceiling = _SPREAD * sorted(levels.values())[min(1, len(levels) - 1)]
    filled = np.interp(np.arange(_BINS), list(levels), [min(level, ceiling) for level in levels.values()])
    return tuple(float(value) for value in filled), size


def _residual(part: np.ndarray) -> np.ndarray:
    return part - cv2.GaussianBlur(part, (0, 0), 1.5)


def _neighbours(residual: np.ndarray) -> np.ndarray:
    """Product with the right and lower neighbour, averaged: the sample autocorrelation at one pixel."""
    product = np.zeros_like(residual)
    product[:-1, :-1] = residual[:-1, :-1] * (residual[:-1, 1:] + residual[1:, :-1]) / 2
    return product


def _blocks(image: np.ndarray) -> np.ndarray:
    rows, columns = image.shape[0] // _BLOCK, image.shape[1] // _BLOCK
    cut = image[: rows * _BLOCK, : columns * _BLOCK]
    return cut.reshape(rows, _BLOCK, columns, _BLOCK).swapaxes(1, 2).reshape(rows, columns, -1)


def _shape(white: np.ndarray, size: float) -> np.ndarray:
    """White noise blurred to `size` and brought back to unit deviation."""
    if not size:
        return white
    kernel = cv2.getGaussianKernel(7, size, cv2.CV_32F)
    return cv2.sepFilter2D(white, -1, kernel, kernel) / float((kernel**2).sum())


@lru_cache(maxsize=1)
def _response() -> tuple[tuple[float, float, float], ...]:
    """(size, autocorrelation of the residual, deviation of the residual) of unit grain, for each size."""
    white = np.random.default_rng(7).standard_normal((256, 256), np.float32)
    table = []
    for size in _SIZES:
        residual = _residual(_shape(white, size))
        energy = float((residual**2).mean())
        table.append((size, float(_neighbours(residual).mean()) / energy, energy**0.5))
    return tuple(table)
