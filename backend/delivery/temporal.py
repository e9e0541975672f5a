"""Native frames between model frames: motion-compensated, occlusion-aware, one layer at a time.

Motion is carried to the wanted time by softmax splatting (Niklaus and Liu, "Softmax Splatting for Video Frame
Interpolation", CVPR 2020) of dense inverse search flow, with photometric and forward-backward agreement as importance.
A layer is cut out of its background first: nothing outside of it pulls at its motion.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

_SURE = 1e-3
_FEW = 4.0
# OpenCV takes None for both, which its stubs do not know.
_NO_MAP: Any = None
_NO_FLOW: Any = None


Window = tuple[slice, slice]


class MotionInterpolation:
    """One layer at any time between model frames.

    `presence(k)` float32 [H, W] in [0, 1] says where the layer is in model frame k; `look(k, window)` uint8 [h, w]
    gives the texture to follow; `channels(k, window)` float32 [h, w, C] is what is moved. With `whole`, what only one
    of the two frames shows of the layer is taken from that one: the result is the layer without what stands before it.
    """

    def __init__(
        self,
        presence: Callable[[int], np.ndarray],
        look: Callable[[int, Window], np.ndarray],
        channels: Callable[[int, Window], np.ndarray],
        whole: bool = False,
    ) -> None:
        self._presence, self._look, self._channels = presence, look, channels
        self._whole = whole
        self._prepared: tuple[int, int, Window] | None = None
        self._forward: np.ndarray | None = None
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def at(self, before: int, after: int, time: float, window: Window) -> np.ndarray:
        """float32 [h, w, C] at `time` in [0, 1] between the two model frames, in `window`; exact at 0 and 1."""
        if before == after or time == 0:
            return self._channels(before, window)
        if time == 1:
            return self._channels(after, window)
        self._prepare(before, after, window)
        early, late = self._early, self._late
        if self._forward is None:
            return early + np.float32(time) * (late - early)
        motion = self._motion_at(self._forward, np.float32(time))
        first, first_fit = _fetch(early, self._forward, motion, np.float32(-time), 1)
        second, second_fit = _fetch(late, self._backward, motion, np.float32(1 - time), -1)
        first_fit *= 1 - time
        second_fit *= time
        if self._whole:
            # A layer's rim is mixed with what is next to it: well inside of the other frame's layer that one is taken.
            first_fit *= np.clip(_carry(_inside(self._here), motion, np.float32(-time)), _SURE, 1)
            second_fit *= np.clip(_carry(_inside(self._there), motion, np.float32(1 - time)), _SURE, 1)
        return first + (second - first) * (second_fit / (first_fit + second_fit))[..., None]

    def hidden(self, before: int, after: int, window: Window) -> tuple[np.ndarray, np.ndarray] | None:
        """Where something stands before the layer in either model frame: float32 [h, w] each; None if nowhere.

        That is where the other frame has the layer at the place it moves to.
        """
        self._prepare(before, after, window)
        if self._forward is None:
            return None
        one = np.float32(1)
        early = _without_slivers(_carry(self._there, self._forward, one) - self._here)
        late = _without_slivers(_carry(self._here, self._backward, one) - self._there)
        return (early, late) if max(float(early.sum()), float(late.sum())) > _FEW else None

    def _prepare(self, before: int, after: int, window: Window) -> None:
        if self._prepared == (before, after, window):
            return
        self._prepared = (before, after, window)
        self._early, self._late = self._channels(before, window), self._channels(after, window)
        self._forward = None
        here, there = self._presence(before)[window], self._presence(after)[window]
        one, two = self._look(before, window), self._look(after, window)
        if min(one.shape) < 16 or not (here.any() or there.any()):
            return
        if np.array_equal(one, two) and np.array_equal(here, there):
            return
        self._here, self._there = here, there
        ground = _contrasting(one, here, two, there)
        one, two = _cut_out(one, here, ground), _cut_out(two, there, ground)
        shift = _common_shift(one, two, here, there)
        forward, backward = self._estimate(one, two, shift), self._estimate(two, one, -shift)
        sure = (
            _agreement(one, two, forward, backward) * here,
            _agreement(two, one, backward, forward) * there,
        )
        # Where the two frames do not agree (an occluder, the layer's end) the motion of the sure surroundings holds.
        self._forward, self._backward = _settle(forward, sure[0]), _settle(backward, sure[1])
        self._sure = sure

    def _estimate(self, one: np.ndarray, two: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Flow float32 [h, w, 2] from `one` to `two`, started at a whole-pixel shift of the layer."""
        moved = two if not shift.any() else _translate(two, shift)
        return np.asarray(self._flow.calc(one, moved, _NO_FLOW)) + shift.astype(np.float32)

    def _motion_at(self, forward: np.ndarray, time: np.float32) -> np.ndarray:
        """Motion from the early to the late frame, of what stands at each pixel at `time`."""
        total = _splat(forward, self._sure[0], time * forward)
        total += _splat(-self._backward, self._sure[1], (1 - time) * self._backward)
        return _fill(total)


def _contrasting(one: np.ndarray, here: np.ndarray, two: np.ndarray, there: np.ndarray) -> int:
    """Grey that sets the layer's silhouette off best: black or white."""
    mean = float((one * here).sum() + (two * there).sum()) / max(float(here.sum() + there.sum()), 1e-6)
    return 0 if mean > 127 else 255


def _cut_out(look: np.ndarray, presence: np.ndarray, ground: int) -> np.ndarray:
    """The layer over plain ground; narrow gaps in it are closed with its own colours, their edges are not its own."""
    reach = 2 * max(3, round(0.02 * float(np.hypot(*look.shape)))) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    room = cv2.copyMakeBorder(presence, reach, reach, reach, reach, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(room, cv2.MORPH_CLOSE, kernel)[reach:-reach, reach:-reach]
    spread = cv2.GaussianBlur(cv2.merge([look * presence, presence]), (0, 0), reach / 4)
    filled = presence * look + (1 - presence) * spread[..., 0] / np.maximum(spread[..., 1], 1e-3)
    return np.rint(np.clip(ground + (filled - np.float32(ground)) * closed, 0, 255)).astype(np.uint8)


def _settle(flow: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Flow as it is where it is sure, its neighbourhood's where it is not."""
    weighted = cv2.merge([*cv2.split(flow * sure[..., None]), sure])
    smooth = _fill(np.moveaxis(cv2.GaussianBlur(weighted, (0, 0), 6), 2, 0))
    trust = np.sqrt(sure)[..., None]
    return np.ascontiguousarray(smooth + (flow - smooth) * trust)


def _inside(presence: np.ndarray) -> np.ndarray:
    return cv2.erode(presence, np.ones((5, 5), np.uint8))


def _without_slivers(evidence: np.ndarray) -> np.ndarray:
    """What is above one half and more than a pixel wide, with its soft rim: a pixel is the error of the motion."""
    solid = cv2.morphologyEx((evidence > 0.5).astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    return np.clip(evidence, 0, 1) * cv2.dilate(solid, np.ones((3, 3), np.uint8))


def _carry(presence: np.ndarray, motion: np.ndarray, share: np.float32) -> np.ndarray:
    where = _grid(presence.shape) + share * motion
    return cv2.remap(presence, where, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _translate(picture: np.ndarray, shift: np.ndarray) -> np.ndarray:
    place = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, place, picture.shape[::-1], None, flags, cv2.BORDER_REPLICATE)


def _common_shift(one: np.ndarray, two: np.ndarray, here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Whole-pixel shift of the centre of the layer where that explains the change better than standing still."""
    shift = np.rint(_centre(there) - _centre(here))
    still = float(np.abs(one.astype(np.float32) - two).mean())
    shifted = float(np.abs(one.astype(np.float32) - _translate(two, shift)).mean())
    return shift if shifted < still else np.zeros(2)


def _centre(presence: np.ndarray) -> np.ndarray:
    total = max(float(presence.sum()), 1e-6)
    rows, columns = presence.sum(1), presence.sum(0)
    return np.array([np.arange(len(columns)) @ columns, np.arange(len(rows)) @ rows]) / total


def _grid(shape: tuple[int, int]) -> np.ndarray:
    rows, columns = np.indices(shape, np.float32)
    return cv2.merge([columns, rows])


def _length(vectors: np.ndarray) -> np.ndarray:
    return cv2.magnitude(np.ascontiguousarray(vectors[..., 0]), np.ascontiguousarray(vectors[..., 1]))


def _look_up(image: np.ndarray, where: np.ndarray, interpolation: int) -> np.ndarray:
    parts = []
    for first in range(0, image.shape[2], 4):
        chunk = np.ascontiguousarray(image[..., first : first + 4])
        moved = cv2.remap(chunk, where, _NO_MAP, interpolation, borderMode=cv2.BORDER_REPLICATE)
        parts.append(moved.reshape(*where.shape[:2], -1))
    return parts[0] if len(parts) == 1 else np.concatenate(parts, 2)


def _fetch(
    content: np.ndarray, flow: np.ndarray, motion: np.ndarray, share: np.float32, sign: int
) -> tuple[np.ndarray, np.ndarray]:
    """Content moved along `motion`, and how well the surface found there moves the same way."""
    where = _grid(motion.shape[:2]) + share * motion
    apart = _length(sign * _look_up(flow, where, cv2.INTER_LINEAR) - motion)
    return _look_up(content, where, cv2.INTER_CUBIC), cv2.exp(apart / -1.5) + np.float32(_SURE)


def _agreement(one: np.ndarray, two: np.ndarray, flow: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Importance in (0, 1]: falls with the colour error (code values) and the forward-backward error (pixels)."""
    where = _grid(one.shape) + flow
    seen = cv2.remap(two.astype(np.float32), where, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    colour = cv2.blur(np.abs(seen - one), (3, 3))
    apart = _length(flow + _look_up(back, where, cv2.INTER_LINEAR))
    return cv2.exp(-np.minimum(colour / 8 + apart, 12))


def _splat(motion: np.ndarray, weight: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """float64 [3, h, w]: sums of weight * motion (x, y) and of weight, spread bilinearly over the shifted places."""
    height, width = weight.shape
    used = weight > 1e-6
    place = (_grid(weight.shape) + shift)[used]
    motion, weight = motion[used], weight[used]
    corner = np.floor(place).astype(np.int32)
    part = place - corner
    total = np.zeros((3, height * width))
    for dy in (0, 1):
        for dx in (0, 1):
            column, row = corner[:, 0] + dx, corner[:, 1] + dy
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            share = weight * np.abs(1 - dx - part[:, 0]) * np.abs(1 - dy - part[:, 1])
            target, share = (row * width + column)[inside], share[inside]
            for axis in (0, 1):
                total[axis] += np.bincount(target, share * motion[inside, axis], height * width)
            total[2] += np.bincount(target, share, height * width)
    return total.reshape(3, height, width)


def _fill(total: np.ndarray) -> np.ndarray:
    """Normalised motion float32 [h, w, 2]; places that nothing moved to take their surroundings' motion."""
    sums = cv2.merge([np.ascontiguousarray(part, np.float32) for part in total])
    for sigma in (2, 8, 32):
        empty = sums[..., 2] < _SURE
        if not empty.any():
            break
        wide = cv2.GaussianBlur(sums, (0, 0), sigma)
        sums[empty] = wide[empty]
    return sums[..., :2] / np.maximum(sums[..., 2:], 1e-9)
