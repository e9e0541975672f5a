"""New content over the plate in the plate's own code values: only where the matte is above zero."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np

from media.colour import ColourTags, matrix_from_rgb
from media.pixels import PixelLayout
from media.rgb import decode_srgb, downsample_chroma


@dataclass(frozen=True)
class Region:
    """A rectangle of the stored picture, aligned to whole chroma samples: rows top:bottom, columns left:right."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.bottom - self.top, self.right - self.left

    def cut(self, plane: np.ndarray, sub_x: int = 1, sub_y: int = 1) -> np.ndarray:
        """View of the region in a plane with the given subsampling."""
        return plane[self.top // sub_y : -(-self.bottom // sub_y), self.left // sub_x : -(-self.right // sub_x)]


def region_of(planes: list[np.ndarray], form: PixelLayout, region: Region) -> list[np.ndarray]:
    """The planes cut to the region (views)."""
    cut = []
    for place, plane in enumerate(planes):
        chroma = form.family == "yuv" and place in (1, 2)
        cut.append(region.cut(plane, form.sub_x, form.sub_y) if chroma else region.cut(plane))
    return cut


def smallest_per_sample(alpha: np.ndarray, form: PixelLayout) -> np.ndarray:
    """Least alpha among the pixels that share a chroma sample; a sample with 0 belongs to an untouched pixel."""
    pad_y, pad_x = -alpha.shape[0] % form.sub_y, -alpha.shape[1] % form.sub_x
    if pad_y or pad_x:
        alpha = np.pad(alpha, ((0, pad_y), (0, pad_x)), mode="edge")
    parts = [alpha[y :: form.sub_y, x :: form.sub_x] for y in range(form.sub_y) for x in range(form.sub_x)]
    return reduce(np.minimum, parts)


def compose(
    planes: list[np.ndarray],
    form: PixelLayout,
    tags: ColourTags,
    region: Region,
    content: np.ndarray,
    alpha: np.ndarray,
) -> list[np.ndarray]:
    """Blend and return fresh planes.

    `content` float32 [h, w, 3] display RGB in [0, 1] and `alpha` float32 [h, w], both of the region. Samples under
    alpha 0 keep their code value; a chroma sample changes only when all pixels that share it are inside the matte.
    """
    result = [plane.copy() for plane in planes]
    cut = region_of(result, form, region)
    if form.alpha:
        alpha = _over_transparent(cut, form, alpha)
    if form.packed:
        for channel in range(3):
            _blend(cut[0][..., channel], content[..., channel] * np.float32(form.peak), alpha, form)
    elif form.family == "gray":
        value = decode_srgb(content) if form.depth == 32 else content * np.float32(form.peak)
        _blend(cut[0], value @ np.array([0.2126, 0.7152, 0.0722], np.float32), alpha, form)
    elif form.family == "rgb":
        value = decode_srgb(content) if form.depth == 32 else content * np.float32(form.peak)
        for plane, channel in zip(cut[:3], (1, 2, 0), strict=True):
            _blend(plane, value[..., channel], alpha, form)
    else:
        converted = cv2.transform(content, matrix_from_rgb(tags, form.depth))
        _blend(cut[0], converted[..., 0], alpha, form)
        share = downsample_chroma(alpha, form, tags)
        gate = smallest_per_sample(alpha, form) > 0
        for plane, channel in ((cut[1], 1), (cut[2], 2)):
            weighted = downsample_chroma(converted[..., channel] * alpha, form, tags) / np.maximum(share, 1e-6)
            _blend(plane, weighted, np.where(gate, share, 0).astype(np.float32), form)
    return result


def _blend(plane: np.ndarray, content: np.ndarray, alpha: np.ndarray, form: PixelLayout) -> None:
    before = plane.astype(np.float32)
    mixed = before + alpha * (content - before)
    if form.depth == 32:
        plane[...] = np.where(alpha > 0, mixed, plane)
    else:
        plane[...] = np.clip(np.rint(mixed), 0, form.peak).astype(form.dtype)


def _over_transparent(cut: list[np.ndarray], form: PixelLayout, alpha: np.ndarray) -> np.ndarray:
    """Raise the plate's own alpha under new content; returns the weight of the content in straight colour."""
    plate = cut[0][..., -1] if form.packed else cut[-1]
    before = plate.astype(np.float32) / form.peak
    after = before + alpha * (1 - before)
    weight = alpha / np.maximum(after, 1e-6)
    changed = after * form.peak
    plate[...] = np.where(alpha > 0, changed if form.depth == 32 else np.rint(changed), plate).astype(form.dtype)
    return weight


def outside_difference(
    ours: list[np.ndarray], source: list[np.ndarray], form: PixelLayout, touched: np.ndarray
) -> float:
    """Greatest difference in code values among samples outside `touched` (bool [H, W], alpha > 0)."""
    worst = 0.0
    for place, (mine, original) in enumerate(zip(ours, source, strict=True)):
        chroma = form.family == "yuv" and place in (1, 2)
        inside = smallest_per_sample(touched.astype(np.uint8), form).astype(bool) if chroma else touched
        differs = mine != original
        differs = (differs.any(2) if differs.ndim == 3 else differs) & ~inside
        if differs.any():
            apart = np.abs(mine[differs].astype(np.float64) - original[differs].astype(np.float64))
            worst = max(worst, float(np.nanmax(apart)) or 1.0)
    return worst
