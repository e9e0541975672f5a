"""The matte: where the new content stands, softly, at the clip's own resolution.

Edges follow the picture by a colour guided filter whose coefficients are found on the model's grid and applied to the
native guide (He and Sun, "Fast Guided Filter", arXiv 1505.00996).
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in parts of the picture."""

SMALLEST = 1 / 96
"""Alpha below this is set to exactly 0, so that a faint tail does not touch the plate."""


def grow_secondary(generated: np.ndarray, source: np.ndarray, mask: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Shadows, reflections, splashes: significant change that hangs together with the mask.

    `generated`, `source` uint8 [F, H, W, 3]; `mask` float [F, H, W]; `strength` 0 finds nothing, 1 is usual, more
    takes fainter change. Returns float32 [F, H, W] in [0, 1]. The change is smoothed with its sign, so a decoder's
    error on fine texture cancels while a shadow adds up; the threshold lies above what the untouched picture shows.
    """
    count, height, width = mask.shape
    if strength <= 0 or not (mask > 0.5).any():
        return np.zeros(mask.shape, np.float32)
    sigma = max(1.0, 0.006 * float(np.hypot(height, width)))
    reach = 2 * int(2 * sigma) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    change = np.empty(mask.shape, np.float32)
    near = np.empty(mask.shape, bool)
    for k in range(count):
        solid = (mask[k] > 0.25).astype(np.uint8)
        near[k] = cv2.dilate(solid, kernel) > 0
        # The object's own change must not spread into its surroundings: it is left out of the average.
        free = 1 - cv2.dilate(solid, rim).astype(np.float32)
        signed = (generated[k].astype(np.float32) - source[k]) * free[..., None]
        signed = (
            cv2.GaussianBlur(signed, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(free, (0, 0), sigma), 0.05)[..., None]
        )
        change[k] = widest(np.abs(signed))
    outside = change[~near][:: max(1, change.size // 400_000)]
    usual = float(np.median(outside)) if outside.size else 0.0
    spread = 1.4826 * float(np.median(np.abs(outside - usual))) if outside.size else 0.0
    threshold = max(6.0, usual + 4 * spread) / strength
    labels, found = ndimage.label((change > threshold) | near)
    touched = np.zeros(found + 1, bool)
    touched[np.unique(labels[near])] = True
    touched[0] = False
    weight = np.clip(change / threshold - 1, 0, 1) * touched[labels]
    weight *= weight * (3 - 2 * weight)
    if count > 2:
        # A one-frame spark of the threshold would flicker; true change lasts.
        weight[1:-1] = np.minimum(weight[1:-1], np.maximum(weight[:-2], weight[2:]))
    return weight.astype(np.float32)


def widest(image: np.ndarray) -> np.ndarray:
    """Greatest of three channels per pixel, [h, w] of [h, w, 3]."""
    return np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2])


def soften(mask: np.ndarray, secondary: np.ndarray) -> np.ndarray:
    """The surroundings of the mask on the model's grid: grown by a pixel, joined with `secondary`, feathered.

    float32 [h, w] each, in [0, 1].
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    return cv2.GaussianBlur(
        np.maximum(cv2.dilate(mask, kernel), secondary), (0, 0), 1.2, borderType=cv2.BORDER_REPLICATE
    )


def guided_coefficients(guide: np.ndarray, mask: np.ndarray, radius: int = 3, epsilon: float = 1e-3) -> np.ndarray:
    """float32 [h, w, 4]: per pixel (a_r, a_g, a_b, b) with mask ~ a . guide + b; guide float32 [h, w, 3] in [0, 1]."""
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, size, borderType=cv2.BORDER_REPLICATE)

    average, level = mean(guide), mean(mask)
    joint = mean(guide * mask[..., None]) - average * level[..., None]
    red, green, blue = (average[..., k] for k in range(3))
    products = cv2.merge([guide[..., i] * guide[..., j] for i, j in ((0, 0), (0, 1), (0, 2), (1, 1))])
    more = cv2.merge([guide[..., 1] * guide[..., 2], guide[..., 2] * guide[..., 2]])
    products, more = mean(products), mean(more)
    rr, rg, rb = products[..., 0] - red * red + epsilon, products[..., 1] - red * green, products[..., 2] - red * blue
    gg, gb, bb = (
        products[..., 3] - green * green + epsilon,
        more[..., 0] - green * blue,
        more[..., 1] - blue**2 + epsilon,
    )
    # Inverse of the symmetric 3 x 3 covariance by cofactors: far cheaper than a batched solver.
    c00, c01, c02 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c11, c12, c22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = rr * c00 + rg * c01 + rb * c02
    x, y, z = (joint[..., k] for k in range(3))
    slope = cv2.merge([c00 * x + c01 * y + c02 * z, c01 * x + c11 * y + c12 * z, c02 * x + c12 * y + c22 * z])
    slope /= determinant[..., None]
    offset = level - sum(slope[..., k] * average[..., k] for k in range(3))
    return mean(cv2.merge([*cv2.split(slope), offset]))


def fit_to_picture(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mask float32 [h, w] moved to the edges of `picture` (uint8 [h, w, 3]), by two pixels at most."""
    if mask.min() == mask.max():
        return mask
    guide = picture.astype(np.float32) / 255
    fitted = _apply(guide, guided_coefficients(guide, mask))
    low, high = cv2.split(bounds(mask))
    return np.clip(fitted, low, high)


def _apply(guide: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    return coefficients[..., 3] + sum(guide[..., k] * coefficients[..., k] for k in range(3))


def object_alpha(guide: np.ndarray, coefficients: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Edge-aware alpha float32 [h, w] from coefficients brought to the guide's size, kept between `low` and `high`."""
    alpha = np.clip((_apply(guide, coefficients) - 0.08) / 0.84, 0, 1)
    return np.clip(alpha, low, high)


def bounds(mask: np.ndarray, reach: int = 2) -> np.ndarray:
    """float32 [h, w, 2]: what the edge-aware matte may not fall below or rise above."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.merge([cv2.erode(mask, kernel), cv2.dilate(mask, kernel)])


def inside_box(box: Box, height: int, width: int, ramp: float) -> np.ndarray:
    """float32 [height, width]: 0 on every pixel that is not whole inside the box, rising to 1 within `ramp` pixels of
    its sides; sides on the picture's own border stay hard."""
    left, top, right, bottom = box

    def along(first: float, last: float, size: int) -> np.ndarray:
        place = np.arange(size, dtype=np.float64)
        before, after = place - first * size, last * size - (place + 1)
        inside = (before > -1e-6) & (after > -1e-6)
        rise = np.full(size, np.inf) if first <= 0 else (before + 0.5) / ramp
        fall = np.full(size, np.inf) if last >= 1 else (after + 0.5) / ramp
        return np.where(inside, np.clip(np.minimum(rise, fall), 0, 1), 0).astype(np.float32)

    return np.outer(along(top, bottom, height), along(left, right, width))


def settle(alpha: np.ndarray, peak: int) -> np.ndarray:
    """Quantise alpha to steps of 1 / peak; faint values become exactly 0 and near-solid ones exactly 1. float32."""
    stepped = np.rint(np.clip(alpha, 0, 1) * peak) / np.float32(peak)
    stepped[alpha < SMALLEST] = 0
    stepped[alpha > 1 - SMALLEST] = 1
    return stepped.astype(np.float32)
