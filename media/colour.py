"""Between a clip's own code values and RGB: matrix, range, chroma siting. ITU-T H.273 numbers throughout."""

from __future__ import annotations

from dataclasses import dataclass

import av
import cv2
import numpy as np

from media.errors import UnsupportedPixels
from media.pixels import PixelLayout

# matrix_coefficients -> (Kr, Kb), H.273 table 4.
_LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
_NAMES = {
    "matrix": {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc",
               10: "bt2020c"},
    "primaries": {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020",
                  10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "jedec-p22"},
    "transfer": {1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 9: "log100",
                 10: "log316", 11: "iec61966-2-4", 13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12",
                 16: "smpte2084", 17: "smpte428", 18: "arib-std-b67"},
}  # fmt: skip
_CENTRED_CHROMA = ("mjpeg", "jpegls", "mpeg1video", "webp")


@dataclass(frozen=True)
class ColourTags:
    """A clip's colour tags as H.273 numbers (2 = unspecified), and how its samples are read.

    `full_range` and `used_matrix` are what is assumed where the tags are silent. `left_chroma` tells whether
    horizontally subsampled chroma stands on the left pixel of a pair (MPEG-2 and later) or between the two (JPEG).
    """

    primaries: int
    transfer: int
    matrix: int
    full_range: bool
    range_tagged: bool
    used_matrix: int
    left_chroma: bool

    @property
    def hdr(self) -> bool:
        """PQ (SMPTE ST 2084) or HLG (ARIB STD-B67)."""
        return self.transfer in (16, 18)

    @property
    def transfer_name(self) -> str:
        """The transfer function as people say it."""
        return {16: "PQ", 18: "HLG"}.get(self.transfer, _NAMES["transfer"].get(self.transfer, "unspecified"))

    def ffmpeg_names(self) -> dict[str, str]:
        """The tags in ffmpeg's words, absent ones left out: colorspace, color_primaries, color_trc, color_range."""
        names = {
            "colorspace": _NAMES["matrix"].get(self.matrix),
            "color_primaries": _NAMES["primaries"].get(self.primaries),
            "color_trc": _NAMES["transfer"].get(self.transfer),
            "color_range": ("pc" if self.full_range else "tv") if self.range_tagged else None,
        }
        return {key: value for key, value in names.items() if value}


def tags_of(frame: av.VideoFrame, codec: str, form: PixelLayout) -> ColourTags:
    """Read a decoded picture's tags. Raises UnsupportedPixels for matrices that are no plain luma/chroma split."""
    matrix, rgb = int(frame.colorspace), form.family == "rgb"
    if form.family == "yuv" and matrix not in _LUMA_WEIGHTS and matrix not in (2, 3):
        raise UnsupportedPixels(
            f"The clip's colour matrix ({matrix}) is not supported.",
            "Colours could not be carried over exactly.",
            "Convert the clip to ProRes or H.264 with a BT.709 or BT.2020 matrix.",
        )
    used = (
        matrix if matrix in _LUMA_WEIGHTS else (1 if max(frame.width, frame.height) > 1024 or frame.height > 576 else 6)
    )
    full = rgb or form.family == "gray" or int(frame.color_range) == 2 or frame.format.name.startswith("yuvj")
    transfer = int(frame.color_trc)
    if form.depth == 32 and transfer == 2:
        transfer = 8
    return ColourTags(
        primaries=int(frame.color_primaries),
        transfer=transfer,
        matrix=matrix,
        full_range=full,
        range_tagged=int(frame.color_range) != 0 or frame.format.name.startswith("yuvj") or rgb,
        used_matrix=used,
        left_chroma=codec not in _CENTRED_CHROMA,
    )


def _scales(tags: ColourTags, depth: int) -> tuple[float, float, float, float]:
    """Luma offset and span, chroma zero and span, in code values."""
    zero = float(1 << (depth - 1))
    if tags.full_range:
        return 0.0, float((1 << depth) - 1), zero, float((1 << depth) - 1)
    step = float(1 << (depth - 8))
    return 16 * step, 219 * step, zero, 224 * step


def matrix_to_rgb(tags: ColourTags, depth: int) -> np.ndarray:
    """float32 [3, 4]: (Y, Cb, Cr, 1) in code values to RGB in [0, 1]."""
    inverse = np.vstack([matrix_from_rgb(tags, depth).astype(np.float64), [0, 0, 0, 1]])
    return np.linalg.inv(inverse)[:3].astype(np.float32)


def matrix_from_rgb(tags: ColourTags, depth: int) -> np.ndarray:
    """float32 [3, 4]: (R, G, B, 1) in [0, 1] to YCbCr code values."""
    red, blue = _LUMA_WEIGHTS[tags.used_matrix]
    luma = np.array([red, 1 - red - blue, blue])
    low, span, zero, chroma_span = _scales(tags, depth)
    rows = [
        np.append(luma * span, low),
        np.append((np.array([0, 0, 1.0]) - luma) / (2 * (1 - blue)) * chroma_span, zero),
        np.append((np.array([1.0, 0, 0]) - luma) / (2 * (1 - red)) * chroma_span, zero),
    ]
    return np.array(rows, np.float32)


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
        plane = sum(plane[k :: form.sub_y] for k in range(form.sub_y)) / np.float32(form.sub_y)
    if form.sub_x == 1:
        return plane
    if not tags.left_chroma or form.sub_x != 2:
        return sum(plane[:, k :: form.sub_x] for k in range(form.sub_x)) / np.float32(form.sub_x)
    before = np.concatenate([plane[:, :1], plane[:, 1:-1:2]], 1)
    return np.float32(0.5) * plane[:, ::2] + np.float32(0.25) * (before + plane[:, 1::2])


_SRGB_BREAK = 0.0031308


def encode_srgb(linear: np.ndarray) -> np.ndarray:
    """Scene-linear to sRGB's curve, IEC 61966-2-1; values outside [0, 1] are clipped."""
    value = np.clip(linear, 0, 1)
    return np.where(value <= _SRGB_BREAK, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055).astype(np.float32)


def decode_srgb(encoded: np.ndarray) -> np.ndarray:
    """Inverse of `encode_srgb`."""
    return np.where(encoded <= 12.92 * _SRGB_BREAK, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )


def rgb_of(planes: list[np.ndarray], form: PixelLayout, tags: ColourTags) -> np.ndarray:
    """float32 [H, W, 3] display RGB, mostly in [0, 1] (not clipped), from planes in the stored orientation."""
    if form.packed:
        return planes[0][..., :3].astype(np.float32) / form.peak
    if form.family == "gray":
        return np.repeat((planes[0].astype(np.float32) / form.peak)[..., None], 3, 2)
    if form.family == "rgb":
        green, blue, red = (plane.astype(np.float32) for plane in planes[:3])
        rgb = np.dstack([red, green, blue])
        return encode_srgb(rgb) if form.depth == 32 else rgb / np.float32(form.peak)
    height, width = planes[0].shape
    chroma = [upsample_chroma(plane, form, tags, height, width) for plane in planes[1:3]]
    return cv2.transform(cv2.merge([planes[0].astype(np.float32), *chroma]), matrix_to_rgb(tags, form.depth))
