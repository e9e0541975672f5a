"""A clip on a model's grid and back: size without distortion, frames, orientation."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from dynvfx.geometry import Geometry
from media.probe import MediaInfo
from media.read import SourceFrame, check_range, read_frames


@dataclass(frozen=True)
class Box:
    """Where the picture stands inside the model's frame, in model pixels; the rest is padding."""

    left: int
    top: int
    width: int
    height: int


class Conform:
    """Frames start .. start + count - 1 of a clip, seen through a model's geometry.

    The upright, square-pixel picture is scaled to fit inside the model's frame and centred; the border repeats the
    picture mirrored at its edges. Raises BadRange.
    """

    def __init__(self, info: MediaInfo, start: int, count: int, geometry: Geometry) -> None:
        check_range(info, start, count)
        self.info, self.start, self.count, self.geometry = info, start, count, geometry
        self.positions = geometry.source_positions(count)
        scale = min(geometry.width / info.width, geometry.height / info.height)
        width = min(geometry.width, max(1, round(info.width * scale)))
        height = min(geometry.height, max(1, round(info.height * scale)))
        self.box = Box((geometry.width - width) // 2, (geometry.height - height) // 2, width, height)

    def model_frames(self) -> np.ndarray:
        """uint8 [F, H, W, 3], display RGB. Holds one decoded picture at a time."""
        frames = np.empty((self.geometry.frames, self.geometry.height, self.geometry.width, 3), np.uint8)
        places: dict[int, list[int]] = {}
        for place, position in enumerate(self.positions):
            places.setdefault(position, []).append(place)
        for frame in read_frames(self.info, self.start, max(places) + 1):
            for place in places.get(frame.index - self.start, ()):
                frames[place] = self._fit(frame)
        return frames

    def model_frame(self, position: int) -> np.ndarray:
        """Frame `position` of the range as the model would see it: uint8 [H, W, 3]."""
        return self._fit(next(read_frames(self.info, self.start + position, 1)))

    def model_box(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """A box (left, top, right, bottom) in parts of the picture, in parts of the model's frame."""
        left, top, right, bottom = box
        inner, whole = self.box, self.geometry
        return (
            (inner.left + left * inner.width) / whole.width,
            (inner.top + top * inner.height) / whole.height,
            (inner.left + right * inner.width) / whole.width,
            (inner.top + bottom * inner.height) / whole.height,
        )

    def _fit(self, frame: SourceFrame) -> np.ndarray:
        picture = frame.rgb()
        if picture.dtype == np.uint16:
            picture = ((picture.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        box = self.box
        if picture.shape[:2] != (box.height, box.width):
            # Pillow's bicubic widens with the reduction, so fine texture does not alias into the model's grid.
            small = Image.fromarray(picture).resize((box.width, box.height), Image.Resampling.BICUBIC)
            picture = np.asarray(small)
        bottom = self.geometry.height - box.height - box.top
        right = self.geometry.width - box.width - box.left
        return cv2.copyMakeBorder(picture, box.top, bottom, box.left, right, cv2.BORDER_REFLECT)

    def crop(self, frames: np.ndarray) -> np.ndarray:
        """The picture without padding, turned to the clip's stored orientation: [F, H, W, ...] to [F, h, w, ...]."""
        box = self.box
        inner = frames[:, box.top : box.top + box.height, box.left : box.left + box.width]
        return np.ascontiguousarray(self.info.orientation.stored(inner, 1))

    def nearest_places(self) -> list[tuple[int, int, float]]:
        """For each of the `count` frames: model frames (before, after) and the time between them in [0, 1).

        A frame that a model frame shows gives (k, k, 0.0); where several show it, the one nearest in time.
        """
        return frame_places(self.positions, self.count)


def frame_places(positions: list[int], count: int) -> list[tuple[int, int, float]]:
    """See `Conform.nearest_places`; `positions` is ascending."""
    result = []
    span = max(count - 1, 1)
    for frame in range(count):
        shown = [place for place, position in enumerate(positions) if position == frame]
        if shown:
            ideal = frame * (len(positions) - 1) / span
            best = min(shown, key=lambda place: abs(place - ideal))
            result.append((best, best, 0.0))
            continue
        before = max(place for place, position in enumerate(positions) if position < frame)
        if before + 1 >= len(positions):
            result.append((before, before, 0.0))
            continue
        low, high = positions[before], positions[before + 1]
        result.append((before, before + 1, (frame - low) / (high - low)))
    return result
