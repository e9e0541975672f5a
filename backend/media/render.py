"""The layer's picture at native resolution, one frame at a time, only where the matte stands."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.media import matte
from backend.media.colour import rgb_of
from backend.media.compose import Region, region_of
from backend.media.conform import Conform
from backend.media.grain import Grain
from backend.media.read import SourceFrame
from backend.media.temporal import MotionInterpolation


@dataclass(frozen=True)
class LayerPicture:
    """Straight-alpha content of one frame, stored orientation.

    `content` float32 [h, w, 3] display RGB and `alpha` float32 [h, w], both in steps of 1 / peak within `region`;
    outside of it alpha is 0. `region` is None when the frame has no matte at all.
    """

    region: Region | None
    content: np.ndarray | None
    alpha: np.ndarray | None


class LayerRenderer:
    """Brings generated frames to the clip's own size and rate.

    The plate's fine detail is kept where the new picture lets it through (shadow, smoke, the feathered rim): the local
    regression of the new picture on the plate, at model resolution, says how much of the detail survives. Where it
    does not, the plate's grain is laid on instead.
    """

    def __init__(
        self,
        conform: Conform,
        generated: np.ndarray,
        mask: np.ndarray,
        source_model: np.ndarray,
        *,
        grain: Grain,
        seed: int,
        secondary: float,
        peak: int,
    ) -> None:
        """`generated`, `source_model` uint8 [F, H, W, 3]; `mask` float [F, H, W]; `peak` the layer's greatest code."""
        grown = matte.grow_secondary(generated, source_model, mask, secondary)
        self._new, self._old = conform.crop(generated), conform.crop(source_model)
        self._mask, self._grown = conform.crop(mask.astype(np.float32)), conform.crop(grown)
        self._between = MotionInterpolation(self._new, self._channels)
        self._places = conform.nearest_places()
        self._size = (conform.info.coded_height, conform.info.coded_width)
        self._grain, self._seed, self._peak = grain, seed, peak

    def _channels(self, place: int) -> np.ndarray:
        """float32 [h, w, 8]: new picture, its change from the source, mask, feathered surroundings."""
        new = self._new[place].astype(np.float32) / 255
        change = new - self._old[place].astype(np.float32) / 255
        rim = matte.soften(self._mask[place], self._grown[place])
        return np.dstack([new, change, self._mask[place], rim])

    def render(self, frame: SourceFrame, number: int) -> LayerPicture:
        """Picture `number` (from 0) of the range, over its source frame."""
        moved = self._between.at(*self._places[number])
        new, change = np.ascontiguousarray(moved[..., :3]), moved[..., 3:6]
        mask, rim = (np.ascontiguousarray(np.clip(moved[..., k], 0, 1)) for k in (6, 7))
        region = self._support(np.maximum(mask, rim), frame)
        if region is None:
            return LayerPicture(None, None, None)
        plate = rgb_of(region_of(frame.planes, frame.form, region), frame.form, frame.tags)
        seen = small_picture(frame, *mask.shape)
        base = seen + change
        coarse = base + (new - base) * mask[..., None]
        through = _detail_through(coarse, seen)
        alike = np.exp(-((np.abs(coarse - seen).max(2) / (10 / 255)) ** 2))
        lifted = self._lift(np.dstack([coarse, seen]), region, cv2.INTER_CUBIC)
        low = self._lift(
            np.dstack([matte.guided_coefficients(new, mask), matte.bounds(mask), rim, through, alike]),
            region,
            cv2.INTER_LINEAR,
        )
        guide = lifted[..., :3] + (plate - lifted[..., :3]) * low[..., 8:9]
        solid = matte.object_alpha(guide, low[..., :4], low[..., 4], low[..., 5])
        alpha = matte.settle(np.maximum(solid, low[..., 6]), self._peak)
        content = lifted[..., :3] + low[..., 7:8] * (plate - lifted[..., 3:6])
        if not self._grain.absent:
            share = np.sqrt(np.clip(1 - low[..., 7:8] ** 2, 0, 1))
            content += share * self._grain.at(content, self._seed, frame.index)
        stepped = np.rint(np.clip(content, 0, 1) * self._peak) / np.float32(self._peak)
        stepped *= alpha[..., None] > 0
        return LayerPicture(region, stepped, alpha)

    def _support(self, alpha: np.ndarray, frame: SourceFrame) -> Region | None:
        """The native rectangle around everything above zero, on whole chroma samples and with room for the filters."""
        rows, columns = (np.flatnonzero((alpha > matte.SMALLEST / 2).any(axis)) for axis in (1, 0))
        if not len(rows):
            return None
        edges = []
        for found, small, large, step in (
            (rows, alpha.shape[0], self._size[0], frame.form.sub_y),
            (columns, alpha.shape[1], self._size[1], frame.form.sub_x),
        ):
            first = max(0, int((found[0] - 3) * large / small)) // step * step
            last = min(large, -(-int((found[-1] + 4) * large / small + 1) // step) * step)
            edges += [first, last]
        return Region(*edges)

    def _lift(self, image: np.ndarray, region: Region, interpolation: int) -> np.ndarray:
        """Part of a model-grid picture at native resolution: float32 [h, w, C]."""
        height, width = image.shape[:2]
        step_y, step_x = height / self._size[0], width / self._size[1]
        place = np.array(
            [[step_x, 0, (region.left + 0.5) * step_x - 0.5], [0, step_y, (region.top + 0.5) * step_y - 0.5]]
        )
        if max(step_x, step_y) > 1.01:
            image = cv2.GaussianBlur(image, (0, 0), max(0.4 * step_x, 0.05), sigmaY=max(0.4 * step_y, 0.05))
        flags = interpolation | cv2.WARP_INVERSE_MAP
        parts = []
        for first in range(0, image.shape[2], 4):
            chunk = np.ascontiguousarray(image[..., first : first + 4])
            moved = cv2.warpAffine(chunk, place, region.size[::-1], None, flags, cv2.BORDER_REPLICATE)
            parts.append(moved.reshape(*region.size, -1))
        return np.concatenate(parts, 2)


def small_picture(frame: SourceFrame, height: int, width: int) -> np.ndarray:
    """float32 [height, width, 3] display RGB of a whole source frame, averaged down in its own planes."""

    def shrink(plane: np.ndarray) -> np.ndarray:
        return cv2.resize(plane.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)

    form = frame.form
    if form.family == "yuv":
        plain = type(form)(form.name, form.family, form.depth, 1, 1, form.alpha, form.packed)
        return rgb_of([shrink(plane) for plane in frame.planes[:3]], plain, frame.tags)
    return rgb_of([shrink(plane[..., :3] if form.packed else plane) for plane in frame.planes], form, frame.tags)


def _detail_through(coarse: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """float32 [h, w] in [0, 1]: share of the plate's fine detail that shows in the new picture.

    Local regression of new on old brightness over 7 x 7 pixels, trusted as far as the two go together; where the plate
    is flat, the plain likeness of the two decides.
    """
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    new, old = coarse @ weights, seen @ weights

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, (7, 7), borderType=cv2.BORDER_REPLICATE)

    new_mean, old_mean = mean(new), mean(old)
    joint = mean(new * old) - new_mean * old_mean
    old_power = np.maximum(mean(old * old) - old_mean**2, 0)
    new_power = np.maximum(mean(new * new) - new_mean**2, 0)
    floor = np.float32((1.5 / 255) ** 2)
    likeness = np.exp(-((cv2.blur(np.abs(coarse - seen).max(2), (5, 5)) / (8 / 255)) ** 2))
    gain = np.clip((joint + floor * likeness) / (old_power + floor), 0, 1)
    together = (joint * np.abs(joint) + floor**2 * likeness) / (old_power * new_power + floor**2)
    trust = np.clip((together - 0.3) / 0.4, 0, 1)
    return np.maximum(gain * trust * trust * (3 - 2 * trust), likeness * likeness)
