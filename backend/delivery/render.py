"""The layer's picture at native resolution, one frame at a time, only where the matte stands."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from backend.delivery import matte
from backend.delivery.compose import Region, region_of
from backend.delivery.conform import Conform
from backend.delivery.grain import Grain
from backend.delivery.temporal import MotionInterpolation, Window
from media.read import SourceFrame
from media.rgb import rgb_of

_SOLID = 0.9
"""Mask value from which the object hides what is behind it."""

_ROOM = 24


@dataclass(frozen=True)
class LayerPicture:
    """Straight-alpha content of one frame, stored orientation.

    `content` float32 [h, w, 3] display RGB and `alpha` float32 [h, w], both in steps of 1 / peak within `region`;
    outside of it alpha is 0.
    """

    region: Region
    content: np.ndarray
    alpha: np.ndarray


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
        within: matte.Box | None = None,
    ) -> None:
        """`generated`, `source_model` uint8 [F, H, W, 3]; `mask` float [F, H, W]; `peak` the layer's greatest code;
        `within` the box that the matte stays inside, in parts of the upright picture."""
        grown = matte.grow_secondary(generated, source_model, mask, secondary)
        self._new, self._old = conform.crop(generated), conform.crop(source_model)
        drawn, self._grown = conform.crop(mask.astype(np.float32)), conform.crop(grown)
        # Brought to the edges of the picture first: between model frames only the mask's own edge is known.
        self._mask = np.stack([matte.fit_to_picture(*pair) for pair in zip(self._new, drawn, strict=True)])
        self._object = MotionInterpolation(self._mask.__getitem__, self._object_look, self._object_channels, whole=True)
        everywhere = np.ones(self._mask.shape[1:], np.float32)
        self._plate = MotionInterpolation(lambda place: everywhere, self._plate_look, self._plate_channels)
        self._effect = MotionInterpolation(self._grown.__getitem__, self._effect_look, self._effect_channels)
        self._boxes = [_box_of(np.maximum(*pair)) for pair in zip(self._mask, self._grown, strict=True)]
        self._places = conform.nearest_places()
        self._size = (conform.info.coded_height, conform.info.coded_width)
        self._grain, self._seed, self._peak = grain, seed, peak
        self._inside: np.ndarray | None = None
        if within is not None:
            orientation = conform.info.orientation
            upright = self._size[::-1] if orientation.sideways else self._size
            ramp = 1.5 * max(upright) / max(conform.box.width, conform.box.height)
            self._inside = orientation.stored(matte.inside_box(within, *upright, ramp))

    def _object_look(self, place: int, window: Window) -> np.ndarray:
        return cv2.cvtColor(self._new[place][window], cv2.COLOR_RGB2GRAY)

    def _object_channels(self, place: int, window: Window) -> np.ndarray:
        """float32 [h, w, 4]: the new picture and its mask."""
        return np.dstack([self._new[place][window].astype(np.float32) / 255, self._mask[place][window]])

    def _plate_look(self, place: int, window: Window) -> np.ndarray:
        return cv2.cvtColor(self._old[place][window], cv2.COLOR_RGB2GRAY)

    def _plate_channels(self, place: int, window: Window) -> np.ndarray:
        """float32 [h, w, 2]: what of the plate stands before the object, and what is behind it."""
        return np.dstack([self._before_object[place], self._mask[place][window]])

    def _object_at(self, before: int, after: int, time: float, window: Window) -> np.ndarray:
        """The object's channels; between model frames what stands before it moves with the plate, not with it."""
        shown = self._object.at(before, after, time, window)
        hidden = self._object.hidden(before, after, window) if 0 < time < 1 else None
        if hidden is not None:
            self._before_object = dict(zip((before, after), hidden, strict=True))
            front, behind = cv2.split(self._plate.at(before, after, time, window))
            shown[..., 3] *= 1 - np.clip(front / np.maximum(front + behind, 0.05), 0, 1)
        return shown

    def _effect_look(self, place: int, window: Window) -> np.ndarray:
        change = self._object_look(place, window).astype(np.float32) - self._plate_look(place, window)
        return np.clip(128 + 2 * change, 0, 255).astype(np.uint8)

    def _effect_channels(self, place: int, window: Window) -> np.ndarray:
        """float32 [h, w, 4]: change from the source around the mask (carried on below it), and the grown matte."""
        change = (self._new[place][window].astype(np.float32) - self._old[place][window]) / 255
        open_air = (self._mask[place][window] < _SOLID).astype(np.float32)
        spread = cv2.GaussianBlur(cv2.merge([*cv2.split(change * open_air[..., None]), open_air]), (0, 0), 4)
        below = spread[..., :3] / np.maximum(spread[..., 3:], 1e-3)
        return np.dstack([np.where(open_air[..., None] > 0, change, below), self._grown[place][window]])

    def _window(self, before: int, after: int) -> Window | None:
        """What of the model's grid a frame between two model frames needs: both boxes and room for the filters."""
        boxes = [box for box in (self._boxes[before], self._boxes[after]) if box is not None]
        if not boxes:
            return None
        top, bottom, left, right = (pick(box[k] for box in boxes) for k, pick in enumerate((min, max, min, max)))
        return slice(max(0, top - _ROOM), bottom + _ROOM), slice(max(0, left - _ROOM), right + _ROOM)

    def render(self, frame: SourceFrame, number: int) -> LayerPicture | None:
        """Picture `number` (from 0) of the range, over its source frame; None where the frame has no matte at all."""
        before, after, time = self._places[number]
        window = self._window(before, after)
        if window is None:
            return None
        shown = self._object_at(before, after, time, window)
        around = self._effect.at(before, after, time, window)
        mask = np.ascontiguousarray(np.clip(shown[..., 3], 0, 1))
        rim = matte.soften(mask, np.clip(around[..., 3], 0, 1))
        region = self._support(np.maximum(mask, rim), window, frame)
        if region is None:
            return None
        plate = rgb_of(region_of(frame.planes, frame.form, region), frame.form, frame.tags)
        seen = small_picture(frame, *self._mask.shape[1:])[window]
        base = seen + around[..., :3]
        coarse = base + (shown[..., :3] - base) * np.minimum(mask / _SOLID, 1)[..., None]
        through = _detail_through(coarse, seen)
        alike = cv2.exp(-((matte.widest(np.abs(coarse - seen)) * np.float32(25.5)) ** 2))
        lifted = self._lift(np.dstack([coarse, seen]), window, region, cv2.INTER_CUBIC)
        low = self._lift(
            np.dstack([matte.guided_coefficients(coarse, mask), matte.bounds(mask), rim, through, alike]),
            window,
            region,
            cv2.INTER_LINEAR,
        )
        guide = lifted[..., :3] + (plate - lifted[..., :3]) * low[..., 8:9]
        solid = matte.object_alpha(guide, low[..., :4], low[..., 4], low[..., 5])
        alpha = np.maximum(solid, low[..., 6])
        if self._inside is not None:
            alpha = alpha * region.cut(self._inside)
        alpha = matte.settle(alpha, self._peak)
        content = lifted[..., :3] + low[..., 7:8] * (plate - lifted[..., 3:6])
        if not self._grain.absent:
            share = np.sqrt(np.clip(1 - low[..., 7:8] ** 2, 0, 1))
            content += share * self._grain.at(content, self._seed, frame.index)
        stepped = np.rint(np.clip(content, 0, 1) * np.float32(self._peak)) / np.float32(self._peak)
        stepped *= alpha[..., None] > 0
        return LayerPicture(region, stepped, alpha)

    def _support(self, alpha: np.ndarray, window: Window, frame: SourceFrame) -> Region | None:
        """The native rectangle around everything above zero, on whole chroma samples and with room for the filters."""
        box = _box_of(alpha, matte.SMALLEST / 2)
        if box is None:
            return None
        edges = []
        for axis, step in ((0, frame.form.sub_y), (1, frame.form.sub_x)):
            small, large, offset = self._mask.shape[1 + axis], self._size[axis], window[axis].start
            first, last = box[2 * axis] + offset, box[2 * axis + 1] + offset
            edges.append(max(0, (first - 3) * large // small) // step * step)
            edges.append(min(large, -(-((last + 3) * large // small + 1) // step) * step))
        return Region(*edges)

    def _lift(self, image: np.ndarray, window: Window, region: Region, interpolation: int) -> np.ndarray:
        """Part of a model-grid picture at native resolution: float32 [h, w, C]."""
        step_y, step_x = self._mask.shape[1] / self._size[0], self._mask.shape[2] / self._size[1]
        left = (region.left + 0.5) * step_x - 0.5 - window[1].start
        top = (region.top + 0.5) * step_y - 0.5 - window[0].start
        place = np.array([[step_x, 0, left], [0, step_y, top]])
        if max(step_x, step_y) > 1.01:
            image = cv2.GaussianBlur(image, (0, 0), max(0.4 * step_x, 0.05), sigmaY=max(0.4 * step_y, 0.05))
        flags = interpolation | cv2.WARP_INVERSE_MAP
        parts = []
        for first in range(0, image.shape[2], 4):
            chunk = np.ascontiguousarray(image[..., first : first + 4])
            moved = cv2.warpAffine(chunk, place, region.size[::-1], None, flags, cv2.BORDER_REPLICATE)
            parts.append(moved.reshape(*region.size, -1))
        return np.concatenate(parts, 2)


def _box_of(alpha: np.ndarray, least: float = 1e-3) -> tuple[int, int, int, int] | None:
    """(top, bottom, left, right) around everything above `least`; None without any."""
    rows, columns = (np.flatnonzero(alpha.max(axis) > least) for axis in (1, 0))
    return (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1) if len(rows) else None


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
    new, old = cv2.transform(coarse, weights[None]), cv2.transform(seen, weights[None])

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, (7, 7), borderType=cv2.BORDER_REPLICATE)

    new_mean, old_mean = mean(new), mean(old)
    joint = mean(new * old) - new_mean * old_mean
    old_power = np.maximum(mean(old * old) - old_mean**2, 0)
    new_power = np.maximum(mean(new * new) - new_mean**2, 0)
    floor = np.float32((1.5 / 255) ** 2)
    likeness = np.exp(-((cv2.blur(matte.widest(np.abs(coarse - seen)), (5, 5)) / (8 / 255)) ** 2))
    gain = np.clip((joint + floor * likeness) / (old_power + floor), 0, 1)
    together = (joint * np.abs(joint) + floor**2 * likeness) / (old_power * new_power + floor**2)
    trust = np.clip((together - 0.3) / 0.4, 0, 1)
    return np.maximum(gain * trust * trust * (3 - 2 * trust), likeness * likeness)
