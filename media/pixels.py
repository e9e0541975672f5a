"""Pixel formats that are worked on: their planes as arrays, without a single code value changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import av
import numpy as np

from media.errors import UnsupportedPixels

# Formats that differ from a working format only in the order of bytes or in a flag kept elsewhere.
_SAME_VALUES = {
    "yuvj420p": "yuv420p",
    "yuvj422p": "yuv422p",
    "yuvj444p": "yuv444p",
    "yuvj440p": "yuv440p",
    "yuvj411p": "yuv411p",
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "nv24": "yuv444p",
    "p010le": "yuv420p10le",
    "p210le": "yuv422p10le",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "yvyu422": "yuv422p",
    "y210le": "yuv422p10le",
    "pal8": "rgba",
    "bgr24": "rgb24",
    "rgb0": "rgb24",
    "bgr0": "rgb24",
    "0rgb": "rgb24",
    "0bgr": "rgb24",
    "gbrp": "rgb24",
    "bgra": "rgba",
    "argb": "rgba",
    "abgr": "rgba",
    "gbrap": "rgba",
    "rgb48be": "rgb48le",
    "bgr48le": "rgb48le",
    "rgba64be": "rgba64le",
    "bgra64le": "rgba64le",
    "gbrp16le": "rgb48le",
    "gbrap16le": "rgba64le",
    "ya8": "rgba",
    "ya16be": "rgba64le",
    "ya16le": "rgba64le",
    "monob": "gray",
    "monow": "gray",
    "gbrpf16le": "gbrpf32le",
    "gbrapf16le": "gbrapf32le",
    "grayf16le": "grayf32le",
}
_PACKED = {"rgb24": 3, "rgba": 4, "rgb48le": 3, "rgba64le": 4}


@dataclass(frozen=True)
class PixelLayout:
    """A working pixel format.

    `family` is "yuv", "gray" or "rgb"; `depth` bits per sample (32 means float); `sub_x`, `sub_y` are the chroma
    subsampling factors; `packed` RGB has one array [H, W, C], everything else one array [h, w] per plane.
    """

    name: str
    family: str
    depth: int
    sub_x: int
    sub_y: int
    alpha: bool
    packed: bool

    @cached_property
    def dtype(self) -> np.dtype:
        """Numpy type of a sample, little endian."""
        if self.depth == 32:
            return np.dtype("<f4")
        return np.dtype("u1") if self.depth <= 8 else np.dtype("<u2")

    @property
    def peak(self) -> int:
        """Greatest code value (1 for float)."""
        return 1 if self.depth == 32 else (1 << self.depth) - 1

    def plane_sizes(self, width: int, height: int) -> list[tuple[int, int]]:
        """(height, width) of every plane of a picture."""
        if self.packed or self.family == "gray":
            return [(height, width)]
        small = (-(-height // self.sub_y), -(-width // self.sub_x))
        middle = [small, small] if self.family == "yuv" else [(height, width)] * 2
        return [(height, width), *middle] + ([(height, width)] if self.alpha else [])


def _big_to_little(name: str) -> str:
    return name[:-2] + "le" if name.endswith("be") else name


def working_format(name: str) -> str:
    """The working format that holds the same code values as `name`. Raises UnsupportedPixels."""
    wanted = _SAME_VALUES.get(name) or _SAME_VALUES.get(_big_to_little(name)) or _big_to_little(name)
    layout(wanted)
    return wanted


@lru_cache(maxsize=64)
def layout(name: str) -> PixelLayout:
    """Describe a working format. Raises UnsupportedPixels for formats that are not carried through."""
    refused = UnsupportedPixels(
        f"The pixel format {name} is not supported.",
        "Its values could not be kept exactly.",
        "Convert the clip to ProRes, DNxHR, H.264 or an image sequence first.",
    )
    if "f16" in name or "msb" in name:  # half floats, and values in the upper bits, are no working formats
        raise refused
    try:
        video_format = av.VideoFormat(name, 64, 64)
    except ValueError as error:
        raise refused from error
    depth = max(part.bits for part in video_format.components)
    alpha = any(part.is_alpha for part in video_format.components)
    if name in _PACKED:
        return PixelLayout(name, "rgb", depth, 1, 1, alpha, True)
    if name.startswith("gray") and (depth <= 16 or name == "grayf32le") and not alpha:
        return PixelLayout(name, "gray", depth, 1, 1, False, False)
    if name.startswith(("gbrp", "gbrap")) and (depth == 32 or 8 < depth <= 16):
        return PixelLayout(name, "rgb", depth, 1, 1, alpha, False)
    if name.startswith(("yuv4", "yuva4")) and video_format.is_planar and depth <= 16:
        sub_x, sub_y = 64 // video_format.chroma_width(), 64 // video_format.chroma_height()
        return PixelLayout(name, "yuv", depth, sub_x, sub_y, alpha, False)
    raise refused


def planes_of(frame: av.VideoFrame, wanted: str) -> list[np.ndarray]:
    """The frame's code values in working format `wanted`, one tight array per plane (see `PixelLayout`)."""
    form = layout(wanted)
    if "f16" in frame.format.name:
        return _half_planes(frame, form)
    if frame.format.name != wanted and frame.format.name.replace("yuvj", "yuv") != wanted:
        full = 2 if form.family == "gray" else None
        frame = frame.reformat(format=wanted, src_color_range=full, dst_color_range=full)
    arrays = []
    for plane, (height, width) in zip(frame.planes, form.plane_sizes(frame.width, frame.height), strict=False):
        channels = _PACKED.get(wanted, 1)
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:height]
        tight = rows[:, : width * channels * form.dtype.itemsize].copy().view(form.dtype)
        arrays.append(tight.reshape(height, width, channels) if form.packed else tight)
    return arrays


def _half_planes(frame: av.VideoFrame, form: PixelLayout) -> list[np.ndarray]:
    """Half float planes as single float: exact, where swscale would go through 16-bit integers and clip."""
    halves = [np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size) for plane in frame.planes]
    tight = [rows[: frame.height, : frame.width * 2].copy().view("<f2") for rows in halves]
    return [plane.astype(form.dtype) for plane in tight]
