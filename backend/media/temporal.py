"""Native frames between model frames: motion-compensated, occlusion-aware.

Motion is carried to the wanted time by softmax splatting (Niklaus and Liu, "Softmax Splatting for Video Frame
Interpolation", CVPR 2020) of dense inverse search flow, with photometric and forward-backward agreement as importance.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

_SURE = 1e-3


class MotionInterpolation:
    """Pictures at any time between model frames.

    `pictures` uint8 [F, h, w, 3] give the motion; `channels(k)` gives what is moved, float32 [h, w, C].
    """

    def __init__(self, pictures: np.ndarray, channels: Callable[[int], np.ndarray]) -> None:
        self._pictures, self._channels = pictures, channels
        self._pair: tuple[int, int] | None = None
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def at(self, before: int, after: int, time: float) -> np.ndarray:
        """float32 [h, w, C] at `time` in [0, 1] between the two model frames; exact at 0 and 1."""
        if before == after or time == 0:
            return self._channels(before)
        if time == 1:
            return self._channels(after)
        if self._pair != (before, after):
            self._prepare(before, after)
        motion = self._motion_at(np.float32(time))
        early, early_fit = self._fetch(self._early, self._forward, motion, np.float32(-time), 1)
        late, late_fit = self._fetch(self._late, self._backward, motion, np.float32(1 - time), -1)
        first, second = (1 - time) * early_fit, time * late_fit
        weight = (second / (first + second))[..., None].astype(np.float32)
        return early + (late - early) * weight

    def _prepare(self, before: int, after: int) -> None:
        one, two = (cv2.cvtColor(self._pictures[k], cv2.COLOR_RGB2GRAY) for k in (before, after))
        self._forward = self._estimate(one, two)
        self._backward = self._estimate(two, one)
        self._early, self._late = self._channels(before), self._channels(after)
        self._early_sure = _agreement(one, two, self._forward, self._backward)
        self._late_sure = _agreement(two, one, self._backward, self._forward)
        self._pair = (before, after)

    def _estimate(self, one: np.ndarray, two: np.ndarray) -> np.ndarray:
        if min(one.shape) < 16 or (one == two).all():
            return np.zeros((*one.shape, 2), np.float32)
        return self._flow.calc(one, two, None)

    def _motion_at(self, time: np.float32) -> np.ndarray:
        """Motion from the early to the late frame, of what stands at each pixel at `time`."""
        total = _splat(self._forward, self._early_sure, time * self._forward)
        total += _splat(-self._backward, self._late_sure, (1 - time) * self._backward)
        return _fill(total)

    @staticmethod
    def _fetch(
        content: np.ndarray, flow: np.ndarray, motion: np.ndarray, share: np.float32, sign: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Content moved along `motion`, and how well the surface found there moves the same way."""
        where = _grid(motion.shape[:2]) + share * motion
        own = sign * cv2.remap(flow, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        apart = np.linalg.norm(own - motion, axis=2)
        parts = [
            cv2.remap(content[..., k : k + 4], where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
            for k in range(0, content.shape[2], 4)
        ]
        moved = np.dstack(parts)
        return moved, np.exp(-apart / 1.5) + _SURE


def _grid(shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.indices(shape, np.float32)
    return np.dstack([columns, rows])


def _agreement(one: np.ndarray, two: np.ndarray, flow: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Importance in (0, 1]: falls with the colour error (code values) and the forward-backward error (pixels)."""
    where = _grid(one.shape) + flow
    seen = cv2.remap(two.astype(np.float32), where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    returned = cv2.remap(back, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    colour = cv2.blur(np.abs(seen - one), (3, 3))
    apart = np.linalg.norm(flow + returned, axis=2)
    return np.exp(-np.minimum(colour / 8 + apart, 12)).astype(np.float32)


def _splat(motion: np.ndarray, weight: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """float64 [3, h, w]: sums of weight * motion (x, y) and of weight, spread bilinearly over the shifted places."""
    height, width = weight.shape
    place = _grid(weight.shape) + shift
    corner = np.floor(place).astype(np.int32)
    part = place - corner
    total = np.zeros((3, height * width))
    for dy in (0, 1):
        for dx in (0, 1):
            column, row = corner[..., 0] + dx, corner[..., 1] + dy
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            share = weight * np.abs(1 - dx - part[..., 0]) * np.abs(1 - dy - part[..., 1])
            target, share = (row * width + column)[inside], share[inside]
            for axis in (0, 1):
                total[axis] += np.bincount(target, share * motion[..., axis][inside], height * width)
            total[2] += np.bincount(target, share, height * width)
    return total.reshape(3, height, width)


def _fill(total: np.ndarray) -> np.ndarray:
    """Normalised motion float32 [h, w, 2]; places that nothing moved to take their surroundings' motion."""
    sums = np.ascontiguousarray(np.moveaxis(total, 0, 2)).astype(np.float32)
    for sigma in (2, 8, 32):
        empty = sums[..., 2] < _SURE
        if not empty.any():
            break
        wide = cv2.GaussianBlur(sums, (0, 0), sigma)
        sums[empty] = wide[empty]
    return sums[..., :2] / np.maximum(sums[..., 2:], 1e-9)
