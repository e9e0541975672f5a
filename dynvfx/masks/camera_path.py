"""Where points of a clip's scene go while the camera moves."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from dynvfx.segmentation.camera_motion import camera_motion


def camera_path(frames: torch.Tensor) -> np.ndarray:
    """Homographies float64 [F, 3, 3] from background pixels of the middle frame to each of `frames` uint8 [F, H, W, 3].

    Each is the product of the motions between neighbours; the identity where there is too little texture.
    """
    greys = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames.numpy()]
    middle = (len(greys) - 1) // 2
    path = np.tile(np.eye(3), (len(greys), 1, 1))
    for number in range(middle + 1, len(greys)):
        path[number] = camera_motion(greys[number - 1], greys[number]).homography @ path[number - 1]
    for number in range(middle - 1, -1, -1):
        path[number] = camera_motion(greys[number + 1], greys[number]).homography @ path[number + 1]
    return path / path[:, 2:, 2:]


def follow(path: np.ndarray, x: float, y: float) -> np.ndarray:
    """(x, y, scale) float64 [F, 3]: where the middle frame's pixel (x, y) is in each frame, and how much larger."""
    points = path @ [x, y, 1.0]
    places = points[:, :2] / points[:, 2:]
    # Area changes by the determinant of the projective map's derivative, det(H) / w^3.
    area = np.linalg.det(path) / points[:, 2] ** 3
    return np.column_stack([places, np.sqrt(np.clip(area, 0.25, 4.0))])
