"""A contact sheet: the shot, the take and the matte side by side, for a quick look and for notes."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_PAPER, _INK, _FAINT = (24, 25, 27), (222, 222, 218), (128, 130, 132)
_MARGIN, _GAP, _LABEL = 28, 8, 64


class ContactSheet:
    """Collects up to `times` frames of a delivery and draws them as three rows."""

    def __init__(self, count: int, aspect: float, first_number: int, times: int = 6) -> None:
        """`aspect` is the display width over height; `first_number` is the clip's frame number of frame 0."""
        times = min(times, count)
        self.frames = sorted({round(k * (count - 1) / max(times - 1, 1)) for k in range(times)})
        height = 180 if aspect >= 1 else 300
        self._size = (max(1, round(height * aspect)), height)
        self._first = first_number
        self._cells: dict[tuple[int, str], np.ndarray] = {}

    def add(self, frame: int, row: str, picture: np.ndarray) -> None:
        """`picture` uint8 [H, W, 3] upright; `row` is "shot", "take" or "matte"."""
        self._cells[frame, row] = cv2.resize(picture, self._size, interpolation=cv2.INTER_AREA)

    def save(self, path: Path, title: str, facts: str) -> None:
        """Draw and write a PNG."""
        width, height = self._size
        columns, rows = len(self.frames), ("shot", "take", "matte")
        full = (_MARGIN * 2 + _LABEL + columns * (width + _GAP) - _GAP, 0)
        full = (max(full[0], 720), _MARGIN * 2 + 62 + len(rows) * (height + _GAP) + 10)
        sheet = Image.new("RGB", full, _PAPER)
        draw = ImageDraw.Draw(sheet)
        large, small = ImageFont.load_default(20), ImageFont.load_default(13)
        draw.text((_MARGIN, _MARGIN - 6), title, _INK, large)
        draw.text((_MARGIN, _MARGIN + 20), facts, _FAINT, small)
        top = _MARGIN + 62
        for place, frame in enumerate(self.frames):
            left = _MARGIN + _LABEL + place * (width + _GAP)
            draw.text((left, top - 19), str(self._first + frame), _FAINT, small)
            for line, row in enumerate(rows):
                cell = self._cells.get((frame, row))
                if cell is not None:
                    sheet.paste(Image.fromarray(cell), (left, top + line * (height + _GAP)))
        for line, row in enumerate(rows):
            draw.text((_MARGIN, top + line * (height + _GAP) + height // 2 - 8), row, _FAINT, small)
        sheet.save(path, compress_level=6)
