"""A mask that was painted on one frame, carried to the others by the motion of camera and objects."""

from __future__ import annotations

import cv2
import numpy as np

from dynvfx.segmentation.camera_motion import camera_motion, residual_motion
from dynvfx.segmentation.motion import WORKING_SIDE

_MOVES = 0.8
"""Working pixels against the camera from which a point moves by itself."""
_MOVING_SHARE = 0.2
"""Share of a piece's points that move by themselves, from which the whole piece does."""
_FEWEST = 24
"""Fewest moving points from which a piece's motion is estimated."""

_AGREEING = 0.5
"""Share of those points that one motion must explain."""
_BETTER = 0.8
"""Times the difference that the camera's motion leaves between the pictures: an object's own motion leaves less."""


def propagate_mask(mask: np.ndarray, place: int, frames: np.ndarray) -> np.ndarray:
    """Bool [F, H, W]: the mask bool [H, W] of frame `place` of `frames` uint8 [F, H, W, 3], on every frame.

    Each connected piece goes from frame to frame with the camera or, where enough of it moves against the camera, with
    the shift, turn and growth that most of its dense flow agrees on. What touches the border continues beyond it.
    Deterministic.
    """
    height, width = mask.shape
    scale = WORKING_SIDE / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    greys = [cv2.cvtColor(cv2.resize(frame, size, interpolation=shrink), cv2.COLOR_RGB2GRAY) for frame in frames]
    # From working pixels to the clip's, pixel centres at halves.
    zoom = np.diag([width / size[0], height / size[1], 1.0])
    zoom[:2, 2] = (zoom[0, 0] - 1) / 2, (zoom[1, 1] - 1) / 2
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    pieces = [(labels == label).astype(np.float32) for label in range(1, count)]
    result = np.zeros((len(frames), height, width), bool)
    result[place] = mask
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for step, others in ((1, range(place + 1, len(frames))), (-1, range(place - 1, -1, -1))):
        # Composed, so that each piece is resampled only once.
        ways = [np.eye(3) for _ in pieces]
        for index in others:
            before, now = greys[index - step], greys[index]
            camera = camera_motion(before, now).homography
            motion = residual_motion(before, now, flow)
            for number, piece in enumerate(pieces):
                inside = _warped(piece, np.linalg.inv(zoom) @ ways[number], size) >= 0.5
                ways[number] = zoom @ _motion(inside, before, now, motion, camera) @ np.linalg.inv(zoom) @ ways[number]
                result[index] |= _warped(piece, ways[number], (width, height)) >= 0.5
    return result


def _motion(
    inside: np.ndarray,
    before: np.ndarray,
    now: np.ndarray,
    motion: tuple[np.ndarray, np.ndarray],
    camera: np.ndarray,
) -> np.ndarray:
    """How the points `inside` bool [h, w] go to the next frame: a homography float64 [3, 3] in working pixels."""
    residual, dense = motion
    moving = inside & np.isfinite(residual) & (residual > _MOVES)
    if moving.sum() < max(_FEWEST, _MOVING_SHARE * inside.sum()):
        return camera
    rows, columns = np.nonzero(moving)
    start = np.stack([columns, rows], axis=1).astype(np.float32)
    cv2.setRNGSeed(7)
    found, agreeing = cv2.estimateAffinePartial2D(start, start + dense[rows, columns], ransacReprojThreshold=1.0)
    if found is None or agreeing.mean() < _AGREEING or not 0.5 < np.hypot(found[0, 0], found[1, 0]) < 2:
        return camera
    own = np.vstack([found, [0, 0, 1]])
    # Flicker, fire and grain have flow as well, but nothing that goes with it.
    return own if _error(before, now, inside, own) < _BETTER * _error(before, now, inside, camera) else camera


def _error(before: np.ndarray, now: np.ndarray, inside: np.ndarray, way: np.ndarray) -> float:
    """Mean difference in grey levels between `now` and `before` moved along, where `inside` has come to."""
    size = now.shape[::-1]
    there = _warped(inside.astype(np.float32), way, size) >= 0.5
    return float(cv2.absdiff(now, _warped(before, way, size))[there].mean()) if there.any() else np.inf


def _warped(piece: np.ndarray, way: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.warpPerspective(piece, way, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
