"""Between a clip's own code values and RGB: chroma resampling and the transfer of scene-linear pictures."""

from __future__ import annotations

from functools import reduce

import cv2
import numpy as np

from media.colour import ColourTags, matrix_to_rgb
from media.pixels import PixelLayout


def rgb_of(planes: list[np.ndarray], form: PixelLayout, tags: ColourTags) -> np.ndarray:
    """float32 [H, W, 3] display RGB, mostly in [0, 1] (not clipped), from planes in the stored orientation."""
    if form.packed:
        return planes[0][..., :3].astype(np.float32) / form.peak
    if form.family == "gray":
        grey = planes[0].astype(np.float32)
        return np.repeat((encode_srgb(grey) if form.depth == 32 else grey / form.peak)[..., None], 3, 2)
    if form.family == "rgb":
        green, blue, red = (plane.astype(np.float32) for plane in planes[:3])
        rgb = np.dstack([red, green, blue])
        return encode_srgb(rgb) if form.depth == 32 else rgb / np.float32(form.peak)
    height, width = planes[0].shape
    chroma = [upsample_chroma(plane, form, tags, height, width) for plane in planes[1:3]]
    return cv2.transform(cv2.merge([planes[0].astype(np.float32), *chroma]), matrix_to_rgb(tags, form.depth))


def upsample_chroma(plane: np.ndarray, form: PixelLayout, tags: ColourTags, height: int, width: int) -> np.ndarray:
    """float32 [height, width] from a subsampled plane, bilinear, honouring its siting."""
    if (form.sub_x, form.sub_y) == (1, 1):
        return plane.astype(np.float32)
    shift_x = 0.0 if tags.left_chroma else 0.5 / form.sub_x - 0.5
    shift_y = 0.5 / form.sub_y - 0.5
    place = np.array([[1 / form.sub_x, 0, shift_x], [0, 1 / form.sub_y, shift_y]])
    return cv2.warpAffine(
        plane.astype(np.float32),
        place,
        (width, height),
        None,
        cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        cv2.BORDER_REPLICATE,
    )


def downsample_chroma(plane: np.ndarray, form: PixelLayout, tags: ColourTags) -> np.ndarray:
    """float32 [ceil(h / sub_y), ceil(w / sub_x)] from full resolution; the inverse siting of `upsample_chroma`."""
    height, width = plane.shape
    pad_y, pad_x = -height % form.sub_y, -width % form.sub_x
    if pad_y or pad_x:
        plane = cv2.copyMakeBorder(plane, 0, pad_y, 0, pad_x, cv2.BORDER_REPLICATE)
    if form.sub_y > 1:
        plane = _mean([plane[k :: form.sub_y] for k in range(form.sub_y)])
    if form.sub_x == 1:
        return plane
    if not tags.left_chroma or form.sub_x != 2:
        return _mean([plane[:, k :: form.sub_x] for k in range(form.sub_x)])
    before = np.concatenate([plane[:, :1], plane[:, 1:-1:2]], 1)
    mean: np.ndarray = np.float32(0.5) * plane[:, ::2] + np.float32(0.25) * (before + plane[:, 1::2])
    return mean


def _mean(parts: list[np.ndarray]) -> np.ndarray:
    mean: np.ndarray = reduce(np.add, parts) / np.float32(len(parts))
    return mean


_SRGB_BREAK = 0.0031308


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Scene-linear to sRGB's curve, IEC 61966-2-1; values outside [0, 1] are clipped."""
    value = np.clip(linear, 0, 1)
    curve: np.ndarray = np.where(value <= _SRGB_BREAK, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    return curve.astype(np.float32)


def decode_srgb(encoded: np.ndarray) -> np.ndarray:
    """Inverse of `encode_srgb`."""
    return np.where(encoded <= 12.92 * _SRGB_BREAK, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )
