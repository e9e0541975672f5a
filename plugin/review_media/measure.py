"""Measures the change from the original to a take outside the matte, in code values."""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np

from media.orientation import orientation_of


@dataclass(frozen=True)
class Change:
    """The largest change of a sample, in code values: `outside` the matte and `anywhere`.

    `bits` is the depth of the samples; `exact` is False where the two files hold different kinds of samples and were
    compared as 8-bit RGB. `outside` is None without a matte.
    """

    outside: float | None
    anywhere: float
    bits: int
    exact: bool


def change_between(original: av.VideoFrame, take: av.VideoFrame, matte: av.VideoFrame | None) -> Change | None:
    """Compare two decoded frames sample by sample; None when they differ in size.

    `matte` is a frame whose alpha (or, without alpha, whose luma) is above 0 inside the matte. It is in the upright
    orientation, like every layer; the others in the stored one. A chroma sample is inside when all of the luma samples
    that it colours are: otherwise the composite does not change it.
    """
    if (original.width, original.height) != (take.width, take.height):
        return None
    exact = True
    if _kind(original) == _kind(take) and not take.format.name.startswith("pal"):
        if original.format.name != take.format.name:
            original = original.reformat(format=take.format.name)
    else:
        exact = False
        original, take = (each.reformat(format="rgb24", dst_color_range="JPEG") for each in (original, take))
    inside = _inside(matte, take) if matte is not None else None
    bits = max(part.bits for part in take.format.components)
    worst_outside, worst = 0.0, 0.0
    for ours, theirs in zip(code_planes(take), code_planes(original), strict=True):
        apart = np.abs(ours.astype(np.float32) - theirs.astype(np.float32)) if bits == 32 else _apart(ours, theirs)
        apart = apart.max(axis=2) if apart.ndim == 3 else apart
        worst = max(worst, float(apart.max()))
        if inside is not None and worst > 0:
            outside = apart[~_at_size(inside, *apart.shape)]
            worst_outside = max(worst_outside, float(outside.max(initial=0)))
    return Change(None if inside is None else worst_outside, worst, bits, exact)


def _apart(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return np.maximum(ours, theirs) - np.minimum(ours, theirs)


def _kind(frame: av.VideoFrame) -> tuple:
    """Family, depth and subsampling: formats that agree in them can hold the same code values."""
    form = frame.format
    depth = max(part.bits for part in form.components)
    family = "rgb" if form.is_rgb else "grey" if form.name.startswith("gray") else "yuv"
    return family, depth, form.chroma_width(64), form.chroma_height(64)


def _inside(matte: av.VideoFrame, picture: av.VideoFrame) -> np.ndarray | None:
    """bool [h, w] in the picture's stored orientation; None when the sizes do not fit."""
    planes, form = code_planes(matte), matte.format
    if len(form.components) in (2, 4):
        alpha = planes[-1] if form.is_planar else planes[0][..., _alpha_place(form)]
        touched = alpha > 0
    else:
        luma = planes[0] if planes[0].ndim == 2 else planes[0].max(axis=2)
        limited = not form.is_rgb and not form.name.startswith(("gray", "yuvj")) and int(matte.color_range) != 2
        touched = luma > (16 << (form.components[0].bits - 8) if limited else 0)
    touched = orientation_of(picture).stored(touched)
    return touched if touched.shape == (picture.height, picture.width) else None


def _alpha_place(form: av.VideoFormat) -> int:
    return next(place for place, part in enumerate(form.components) if part.is_alpha) if form.name[0] != "a" else 0


def _at_size(inside: np.ndarray, height: int, width: int) -> np.ndarray:
    """`inside` for a subsampled plane: a sample is inside when all of its luma samples are."""
    if inside.shape == (height, width):
        return inside
    down, across = -(-inside.shape[0] // height), -(-inside.shape[1] // width)
    padded = np.pad(inside, ((0, height * down - inside.shape[0]), (0, width * across - inside.shape[1])), mode="edge")
    return np.logical_and.reduce(padded.reshape(height, down, width, across), axis=(1, 3))


def code_planes(frame: av.VideoFrame) -> list[np.ndarray]:
    """The stored code values, an array [h, w] for each plane ([h, w, c] for packed formats)."""
    form = frame.format
    kind: np.dtype = np.dtype("<f4") if "f32" in form.name else np.dtype("u1")
    if kind.kind != "f" and max(part.bits for part in form.components) > 8:
        kind = np.dtype(">u2" if form.is_big_endian else "<u2")
    planes = []
    for place, plane in enumerate(frame.planes):
        channels = sum(part.plane == place for part in form.components)
        if not form.is_planar and len(form.components) > 1:
            channels = form.padded_bits_per_pixel // 8 // kind.itemsize
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height]
        tight = rows[:, : plane.width * channels * kind.itemsize].copy().view(kind)
        planes.append(tight if channels == 1 else tight.reshape(plane.height, plane.width, channels))
    return planes
