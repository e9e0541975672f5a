"""Decoded frames as pictures for the screen."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import Colorspace, VideoReformatter

from media.colour import HDR_TRANSFERS, assumed_matrix, is_full_range
from media.orientation import orientation_of
from plugin.review_media.tone import display_table

# H.273 matrix coefficients -> libswscale's matrix.
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
# libswscale's fastest filters that still average: the accurate ones take three times as long without a visible
# difference. Measurements use the stored code values (measure.py).
_BILINEAR, _AREA = 2, 0x20


@dataclass(frozen=True)
class Picture:
    """An upright picture.

    `pixels` are uint8 [h, w, 4] as blue, green, red, unused (one 32-bit word a pixel, as Qt paints it), or [h, w] for
    a matte; read-only. `width` x `height` is the full display size in square pixels, before halving. `hdr` names the
    transfer ("PQ", "HLG") of a picture that was tone-mapped (tone.py).
    """

    pixels: np.ndarray
    width: int
    height: int
    hdr: str = ""

    @property
    def bytes(self) -> int:
        """The size of the picture in memory."""
        return self.pixels.nbytes


class PictureMaker:
    """Turns decoded frames into pictures; keeps the converter between frames. One thread at a time."""

    def __init__(self) -> None:
        self._converter = VideoReformatter()

    def picture(
        self, frame: av.VideoFrame, level: int = 0, grey: bool = False, aspect: Fraction = Fraction(1)
    ) -> Picture:
        """An upright picture, halved `level` times. `aspect` is a stored pixel's width over its height."""
        width, height = max(1, frame.width >> level), max(1, frame.height >> level)
        orientation = orientation_of(frame)
        converted = self._converter.reformat(
            frame,
            width,
            height,
            "gray" if grey else "bgra",
            src_colorspace=Colorspace.DEFAULT if frame.format.is_rgb else _MATRICES[assumed_matrix(frame)],
            interpolation=_AREA if level else _BILINEAR,
            src_color_range="JPEG" if is_full_range(frame) else "MPEG",
            dst_color_range="JPEG",
            threads=1,
        )
        pixels: np.ndarray = converted.to_ndarray()
        transfer = 0 if grey else int(frame.color_trc)
        table = display_table(transfer)
        if table is not None:
            pixels = np.frombuffer(bytearray(pixels.tobytes().translate(table)), np.uint8).reshape(pixels.shape)
        pixels = np.ascontiguousarray(orientation.upright(pixels))
        pixels.setflags(write=False)
        width, height = max(1, round(frame.width * aspect)), frame.height
        if orientation.sideways:
            width, height = height, width
        return Picture(pixels, width, height, HDR_TRANSFERS.get(transfer, ""))
