"""A mask that was painted on one frame, carried to the others by the motion of camera and objects."""

from __future__ import annotations

import cv2
import numpy as np

from dynvfx.segmentation.camera_motion import camera_motion, residual_motion
from dynvfx.segmentation.motion import WORKING_SIDE

_MOVES = 0.8
"""Working pixels against the camera from which a point is carried by its own motion instead of the camera's."""


def carried(mask: np.ndarray, place: int, frames: np.ndarray) -> np.ndarray:
    """Bool [F, H, W]: the mask bool [H, W] of frame `place` of `frames` uint8 [F, H, W, 3], on every frame.

    From frame to frame each point goes where it was before: with the camera's homography, or with the dense flow where
    that deviates from the camera. What touches the border goes on beyond it. Deterministic.
    """
    height, width = mask.shape
    scale = WORKING_SIDE / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    greys = [cv2.cvtColor(cv2.resize(frame, size, interpolation=shrink), cv2.COLOR_RGB2GRAY) for frame in frames]
    soft = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    rows, columns = np.mgrid[: size[1], : size[0]].astype(np.float32)
    here = np.dstack([columns, rows])
    result = np.empty((len(frames), height, width), bool)
    result[place] = mask
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for step, others in ((1, range(place + 1, len(frames))), (-1, range(place - 1, -1, -1))):
        # Where each point of the frame was in frame `place`: composed, so that the mask is sampled only once.
        origin = here
        for index in others:
            origin = _fetched(origin, here + _way_back(greys[index], greys[index - step], flow, here))
            moved = cv2.resize(_fetched(soft, origin), (width, height), interpolation=cv2.INTER_LINEAR)
            result[index] = moved >= 0.5
    return result


def _way_back(grey: np.ndarray, before: np.ndarray, flow: cv2.DISOpticalFlow, here: np.ndarray) -> np.ndarray:
    """Working pixels float32 [h, w, 2] from each point of `grey` to where it is in the frame `before`."""
    residual, dense = residual_motion(grey, before, flow)
    homography = camera_motion(grey, before).homography
    still = cv2.perspectiveTransform(here.reshape(1, -1, 2), homography).reshape(here.shape)
    # Infinite where the camera has lost the point: there its own motion is all that is known.
    own = (residual > _MOVES) & np.isfinite(residual)
    return np.where(own[..., None], dense, still - here).astype(np.float32)


def _fetched(picture: np.ndarray, places: np.ndarray) -> np.ndarray:
    return cv2.remap(picture, places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
