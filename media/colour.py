"""Colour tags and how samples are read: matrix, range, chroma siting. ITU-T H.273 numbers throughout."""

from __future__ import annotations

from dataclasses import dataclass

import av
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
UNSPECIFIED = 2
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of HDR: SMPTE ST 2084 and ARIB STD-B67."""
_CENTRED_CHROMA = ("mjpeg", "jpegls", "mpeg1video", "webp")


@dataclass(frozen=True)
class ColourTags:
    """A clip's colour tags as H.273 numbers (2 = unspecified), and how its samples are read.

    `full_range` and `used_matrix` are what is assumed where the tags are silent. `left_chroma`: horizontally subsampled
    chroma is sited on the left pixel of a pair (MPEG-2 and later), not between the two (JPEG).
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
        return self.transfer in HDR_TRANSFERS

    @property
    def transfer_name(self) -> str:
        """The transfer function of an HDR clip as people call it: "PQ" or "HLG"; "" of any other."""
        return HDR_TRANSFERS.get(self.transfer, "")

    def options(self) -> dict[str, int]:
        """The tags as ffmpeg's options, absent ones left out: colorspace, color_primaries, color_trc, color_range.

        As numbers, because ffmpeg's parts have different names for the same value (gamma22 is bt470m to a filter).
        """
        numbers = {"colorspace": self.matrix, "color_primaries": self.primaries, "color_trc": self.transfer}
        found = {key: value for key, value in numbers.items() if value != UNSPECIFIED}
        return {**found, "color_range": 2 if self.full_range else 1} if self.range_tagged else found


def tags_of(frame: av.VideoFrame, codec: str, form: PixelLayout) -> ColourTags:
    """Read a decoded picture's tags. Raises UnsupportedPixels for matrices that are no plain luma/chroma split."""
    matrix, rgb = _meant(frame.colorspace, (3,)), form.family == "rgb"
    if form.family == "yuv" and matrix not in _LUMA_WEIGHTS and matrix not in (0, UNSPECIFIED):
        raise UnsupportedPixels(
            f"The clip's colour matrix ({matrix}) is not supported.",
            "Colours could not be carried over exactly.",
            "Convert the clip to ProRes or H.264 with a BT.709 or BT.2020 matrix.",
        )
    transfer = _meant(frame.color_trc, (0, 3))
    if form.depth == 32 and transfer == UNSPECIFIED:
        transfer = 8
    return ColourTags(
        primaries=_meant(frame.color_primaries, (0, 3)),
        transfer=transfer,
        matrix=matrix,
        full_range=is_full_range(frame),
        range_tagged=int(frame.color_range) != 0 or frame.format.name.startswith("yuvj") or rgb,
        used_matrix=assumed_matrix(frame),
        left_chroma=codec not in _CENTRED_CHROMA,
    )


def _meant(tag: int, reserved: tuple[int, ...]) -> int:
    """A tag's number; reserved numbers mean nothing."""
    return UNSPECIFIED if int(tag) in reserved else int(tag)


def assumed_matrix(frame: av.VideoFrame) -> int:
    """The tagged matrix; pictures without a usable tag are BT.709 when they are large, else SMPTE 170M."""
    tagged = int(frame.colorspace)
    large = max(frame.width, frame.height) > 1024 or frame.height > 576
    return tagged if tagged in _LUMA_WEIGHTS else (1 if large else 6)


def is_full_range(frame: av.VideoFrame) -> bool:
    """Whether code values use their full range: RGB and grey always, YCbCr when it is tagged so."""
    name = frame.format.name
    grey = name.startswith(("gray", "ya8", "ya16", "mono"))
    return frame.format.is_rgb or grey or name.startswith(("yuvj", "pal")) or int(frame.color_range) == 2


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
