"""A mask that was painted on one frame of a take, brought to every frame that the model sees."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from backend.delivery.conform import Conform
from dynvfx.segmentation.propagation import propagate_mask


def on_all_frames(mask: np.ndarray, frame: int, seen: Conform) -> torch.Tensor:
    """Bool [F, H, W] on the model's grid: `mask` uint8 [h, w] of the upright picture, white inside, painted on `frame`.

    `seen` is what it was painted on, the take that is followed: new content carries the mask along as it moves.
    """
    frames = seen.model_frames()
    place = int(np.abs(np.asarray(seen.positions) - frame).argmin())
    here = _on_grid(mask, seen)
    if seen.positions[place] == frame:
        return torch.from_numpy(propagate_mask(here, place, frames))
    # The model does not see the frame that was painted on: it takes part in the motion and is left out of the result.
    place += seen.positions[place] < frame
    frames = np.insert(frames, place, seen.model_frame(frame), axis=0)
    return torch.from_numpy(np.delete(propagate_mask(here, place, frames), place, axis=0))


def _on_grid(mask: np.ndarray, conform: Conform) -> np.ndarray:
    """Bool [H, W], nothing of it in the padding."""
    box = conform.box
    whole = np.zeros((conform.geometry.height, conform.geometry.width), bool)
    small = cv2.resize(mask, (box.width, box.height), interpolation=cv2.INTER_AREA)
    whole[box.top : box.top + box.height, box.left : box.left + box.width] = small > 127
    return whole
