"""How far each pixel moves against the camera's own motion, from pairs of frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np

_MOST_FEATURES = 600
_FEWEST_FEATURES = 12
_FEWEST_CELLS = 3
_PARALLAX_CELLS = 5
_STILL = 0.3
"""Pixels; tracking error of a corner that does not move."""
_MARGIN = 4
"""Pixels at the border where patches of the flow reach beyond the picture."""
_NOISE = 9.0
"""Grey levels; less than this is what compression and grain change anyway."""


@dataclass(frozen=True)
class CameraMotion:
    """`homography` float64 [3, 3] takes background pixels of one frame to the other; `fundamental` float64 [3, 3] is
    set where the scene is too deep for one plane, and then separates near and far background from objects."""

    homography: np.ndarray
    fundamental: np.ndarray | None = None


def camera_motion(first: np.ndarray, second: np.ndarray) -> CameraMotion:
    """The camera's motion between two grey frames uint8 [H, W], from tracked corners and RANSAC.

    Where two motions compete, the background is the one that reaches further around the border of the picture, because
    what passes in front seldom surrounds the frame. The identity when there is too little texture, and when a
    still camera explains the border about as well: one plane can be laid through still ground and a car.
    """
    start, end = _tracks(first, second)
    best: np.ndarray = np.eye(3)
    best_score, rest = -1.0, np.ones(len(start), bool)
    still = np.linalg.norm(end - start, axis=1) < _STILL
    still_score = _border_cells(start[still], first.shape)
    left = rest.copy()
    for _ in range(2):
        if left.sum() < _FEWEST_FEATURES:
            break
        # Without a fixed seed the same clip could give another mask.
        cv2.setRNGSeed(7)
        candidate, inliers = cv2.findHomography(
            start[left], end[left], cv2.RANSAC, 1.0, maxIters=2000, confidence=0.999
        )
        if candidate is None or not _plausible(candidate, first.shape):
            break
        inside = np.zeros(len(start), bool)
        inside[np.flatnonzero(left)[inliers.ravel() == 1]] = True
        score = _border_cells(start[inside], first.shape) + inside.sum() / _MOST_FEATURES
        if score > best_score:
            best, best_score, rest = candidate, score, ~inside
        left &= ~inside
    if best_score < max(_FEWEST_CELLS, still_score + 1):
        best, rest = np.eye(3), ~still
    return CameraMotion(best, _parallax(start, end, rest, first.shape))


def residual_motion(first: np.ndarray, second: np.ndarray, flow: cv2.DISOpticalFlow) -> tuple[np.ndarray, np.ndarray]:
    """(residual, dense): pixels float32 [H, W] that each point of `first` moves against the camera, and its whole
    motion float32 [H, W, 2] to `second`. The residual is infinite where the camera has lost the point from view."""
    camera = camera_motion(first, second)
    dense = cast(Any, flow).calc(first, second, None)
    rows, columns = np.mgrid[: first.shape[0], : first.shape[1]].astype(np.float32)
    points = np.stack([columns, rows], axis=-1)
    still = cv2.perspectiveTransform(points.reshape(1, -1, 2), camera.homography).reshape(points.shape)
    residual = np.linalg.norm(points + dense - still, axis=2)
    if camera.fundamental is not None:
        residual = np.minimum(residual, _epipolar_distance(points, points + dense, camera.fundamental))
    # Flow spills over edges into flat background; there the camera's motion alone explains the picture just as well.
    explained = cv2.remap(second, still[..., 0], still[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    difference = cv2.GaussianBlur(cv2.absdiff(first, explained).astype(np.float32), (0, 0), 1.5)
    residual *= np.clip(difference / _NOISE, 0, 1)
    height, width = first.shape
    lost = (still < _MARGIN).any(axis=2) | (still[..., 0] > width - _MARGIN) | (still[..., 1] > height - _MARGIN)
    # A still camera loses nothing, whatever the margin.
    residual[lost & (np.linalg.norm(still - points, axis=2) > 0.5)] = np.inf
    return residual.astype(np.float32), dense


def _tracks(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Corners of `first` float32 [N, 2] and where they went, kept if tracking back returns to them."""
    none = np.zeros((0, 2), np.float32)
    corners = cv2.goodFeaturesToTrack(first, _MOST_FEATURES, 0.005, max(4, first.shape[1] // 64))
    if corners is None:
        return none, none
    # OpenCV's types leave out that the guess may be None.
    track: Any = cv2.calcOpticalFlowPyrLK
    moved, found, _ = track(first, second, corners, None, winSize=(15, 15), maxLevel=3)
    returned, found_back, _ = track(second, first, moved, None, winSize=(15, 15), maxLevel=3)
    steady = np.linalg.norm(returned - corners, axis=2).ravel() < 0.7
    kept = (found.ravel() == 1) & (found_back.ravel() == 1) & steady
    return corners[kept].reshape(-1, 2), moved[kept].reshape(-1, 2)


def _parallax(start: np.ndarray, end: np.ndarray, rest: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """The fundamental matrix if what the homography leaves over is background at other depths, else None.

    An object that crosses before a still camera fits a fundamental matrix too, but it does not line the border.
    """
    if rest.sum() < _FEWEST_FEATURES or _border_cells(start[rest], shape) < _PARALLAX_CELLS:
        return None
    cv2.setRNGSeed(7)
    matrix, inliers = cv2.findFundamentalMat(start, end, cv2.FM_RANSAC, 0.7, 0.999, 2000)
    if matrix is None or matrix.shape != (3, 3):
        return None
    explained = rest & (inliers.ravel() == 1)
    enough = explained.sum() > 0.6 * rest.sum() and _border_cells(start[explained], shape) >= _PARALLAX_CELLS
    return matrix if enough else None


def _epipolar_distance(points: np.ndarray, moved: np.ndarray, fundamental: np.ndarray) -> np.ndarray:
    """Sampson distance in pixels, [H, W], of points [H, W, 2] and where they moved."""
    one = np.ones((*points.shape[:2], 1))
    start, end = np.concatenate([points, one], axis=2), np.concatenate([moved, one], axis=2)
    line, line_back = start @ fundamental.T, end @ fundamental
    error = np.abs((end * line).sum(axis=2))
    return error / np.sqrt((line[..., :2] ** 2).sum(axis=2) + (line_back[..., :2] ** 2).sum(axis=2) + 1e-12)


def _plausible(homography: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether the picture's corners stay a picture: no flip, no collapse."""
    height, width = shape
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float32)
    moved = cv2.perspectiveTransform(corners, homography)[0]
    area = cv2.contourArea(moved, oriented=True)
    return cv2.isContourConvex(moved.astype(np.float32)) and 0.4 < area / (width * height) < 2.5


def _border_cells(points: np.ndarray, shape: tuple[int, ...]) -> float:
    """How many of the 20 cells along the border of a 6 x 6 grid hold at least one of `points` [N, 2]."""
    height, width = shape
    cells = {(int(6 * x / width), int(6 * y / height)) for x, y in points}
    return float(len({(x, y) for x, y in cells if x in (0, 5) or y in (0, 5)}))
