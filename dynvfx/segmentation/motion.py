"""Finds what moves in front of the camera's own motion; needs no model."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from dynvfx.segmentation.base import MOVING_FOREGROUND, Segmenter
from dynvfx.segmentation.camera_motion import residual_motion

WORKING_SIDE = 320
"""Longest side in pixels at which motion is measured: small clips gain from the detail, large ones from the speed."""
_SLOWEST = 0.8
"""Residual in working pixels that starts an object; below it lie compression noise and the flow's own error."""
_WIDE_GAP = 3
"""Frames; what is slow shows over this distance when it does not from one frame to the next."""
_QUICK, _WIDE_REACH = 4.0, 41
"""Working pixels a frame, and the side in working pixels of the surroundings that this spoils over the wide gap."""
_SMALLEST = 0.002
_LARGEST = 0.75
"""Shares of the frame: less is noise, more means that the background was mistaken for the foreground."""


class MotionSegmenter(Segmenter):
    """Answers the phrase MOVING_FOREGROUND alone; every other phrase is absent.

    Corner tracks and RANSAC give the camera's homography between frames, dense flow (DIS) what deviates from it.
    Deterministic. The mask is zero where nothing moves, for a single frame, and for still objects, whatever they are.
    """

    name = "motion"

    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        """Masks float32 [P, F, H, W] with values 0 and 1, of `frames` uint8 [F, H, W, 3]."""
        masks = torch.zeros(len(phrases), *frames.shape[:3])
        wanted = [row for row, phrase in enumerate(phrases) if _asks_for_motion(phrase)]
        if wanted and len(frames) > 1:
            masks[wanted] = torch.from_numpy(moving_foreground(frames.cpu().numpy()))
        return masks


class MotionAugmentedSegmenter(Segmenter):
    """Another segmenter that answers MOVING_FOREGROUND too, from the motion; it sees only the phrases that are left."""

    def __init__(self, named: Segmenter) -> None:
        self.named, self.motion = named, MotionSegmenter()
        self.name, self.remarks = named.name, named.remarks

    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        """Masks float32 [P, F, H, W] in [0, 1], of `frames` uint8 [F, H, W, 3]."""
        masks = self.motion.segment(frames, phrases)
        rows = [row for row, phrase in enumerate(phrases) if not _asks_for_motion(phrase)]
        if rows:
            masks[rows] = self.named.segment(frames, [phrases[row] for row in rows])
        return masks


def _asks_for_motion(phrase: str) -> bool:
    return phrase.strip().casefold() == MOVING_FOREGROUND


def moving_foreground(frames: np.ndarray) -> np.ndarray:
    """Mask float32 [F, H, W] of 0 and 1 for `frames` uint8 [F, H, W, 3], two or more."""
    height, width = frames.shape[1:3]
    scale = WORKING_SIDE / max(height, width)
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    greys = [cv2.cvtColor(cv2.resize(frame, size, interpolation=shrink), cv2.COLOR_RGB2GRAY) for frame in frames]
    evidence = _steadied(*_evidence(greys))
    masks = [_object_mask(frame) for frame in evidence]
    return np.stack([_enlarged(mask, (width, height)) for mask in masks])


def _evidence(greys: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """How much each pixel moves, in units of what counts as moving: float32 [F, H, W]; and the motion to the next and
    the previous frame (F - 1 each)."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    last = len(greys) - 1
    evidence = np.zeros((len(greys), *greys[0].shape), np.float32)
    ahead: list[np.ndarray] = []
    behind: list[np.ndarray] = []
    for index in range(len(greys)):
        near, ways = [], []
        if index < last:
            near.append(residual_motion(greys[index], greys[index + 1], flow))
            ahead.append(near[-1][1])
        if index > 0:
            near.append(residual_motion(greys[index], greys[index - 1], flow))
            behind.append(near[-1][1])
        quick = _agreed([residual for residual, _ in near])
        evidence[index] = _agreed([residual / _threshold(residual) for residual, _ in near])
        for other in (index + _WIDE_GAP, index - _WIDE_GAP):
            if 0 <= other <= last:
                residual, _ = residual_motion(greys[index], greys[other], flow)
                ways.append(residual / _threshold(residual))
        if ways:
            # Over the wide gap a quick object uncovers much of its surroundings; there the narrow gap knows better.
            slow = cv2.dilate((quick > _QUICK).astype(np.uint8), np.ones((_WIDE_REACH, _WIDE_REACH), np.uint8)) == 0
            evidence[index][slow] = np.maximum(evidence[index], _agreed(ways))[slow]
    return evidence, ahead, behind


def _agreed(ways: list[np.ndarray]) -> np.ndarray:
    """The least of the measures, zero where none could be taken: background that is uncovered on one side has a true
    counterpart on the other."""
    least = np.minimum.reduce(ways)
    return np.where(np.isfinite(least), least, 0)


def _threshold(residual: np.ndarray) -> float:
    """What counts as moving in this pair: well above the typical residual, so that parallax and noise stay out."""
    seen = residual[np.isfinite(residual)]
    if not seen.size:
        return _SLOWEST
    middle = float(np.median(seen))
    spread = 1.48 * float(np.median(np.abs(seen - middle)))
    return max(_SLOWEST, middle + 4 * spread)


def _steadied(evidence: np.ndarray, ahead: list[np.ndarray], behind: list[np.ndarray]) -> np.ndarray:
    """Evidence averaged along the motion over three frames: a flash in one frame fades, a gap in one frame closes."""
    last = len(evidence) - 1
    if last < 2:
        return evidence
    steadied = evidence.copy()
    # The ends see their background uncovered from one side only, so their neighbour must confirm it.
    steadied[0] = np.minimum(evidence[0], _fetched(evidence[1], ahead[0]))
    steadied[last] = np.minimum(evidence[last], _fetched(evidence[last - 1], behind[last - 1]))
    for index in range(1, last):
        next_one = _fetched(evidence[index + 1], ahead[index])
        previous = _fetched(evidence[index - 1], behind[index - 1])
        steadied[index] = (2 * evidence[index] + next_one + previous) / 4
    return steadied


def _fetched(picture: np.ndarray, motion: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    return cv2.remap(picture, columns + motion[..., 0], rows + motion[..., 1], cv2.INTER_LINEAR)


def _object_mask(evidence: np.ndarray) -> np.ndarray:
    """Solid objects uint8 [H, W] (0 or 1): weak evidence counts where it touches strong evidence."""
    reach = max(3, WORKING_SIDE // 64) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    weak = cv2.morphologyEx((evidence > 0.6).astype(np.uint8), cv2.MORPH_OPEN, disc)
    count, labels = cv2.connectedComponents(weak)
    strong = np.bincount(labels[evidence > 1.0], minlength=count) > 0.2 * np.bincount(labels.ravel(), minlength=count)
    strong[0] = False
    mask = cv2.morphologyEx(strong[labels].astype(np.uint8), cv2.MORPH_CLOSE, wide)
    solid = np.zeros_like(mask)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    smallest = _SMALLEST * mask.size
    cv2.drawContours(solid, [outline for outline in outlines if cv2.contourArea(outline) > smallest], -1, 1, cv2.FILLED)
    return solid if solid.mean() < _LARGEST else np.zeros_like(solid)


def _enlarged(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`mask` at the clip's own `size` (width, height) with smooth edges, 0 or 1."""
    soft = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    return (soft > 0.5).astype(np.float32)
