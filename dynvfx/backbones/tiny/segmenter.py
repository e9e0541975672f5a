"""The shipped segmenter: finds the vocabulary of `tiny`, and whatever moves in front."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from scipy import ndimage
from torch.nn import functional as F

from dynvfx.backbones.tiny.family import NAME, WEIGHTS
from dynvfx.backbones.tiny.phrases import VOCABULARY, find_content
from dynvfx.backbones.tiny.unet import PromptedUNet
from dynvfx.errors import ModelUnavailable
from dynvfx.segmentation.base import MOVING_FOREGROUND, Segmenter
from dynvfx.segmentation.motion import MotionSegmenter

SEGMENTER_WEIGHTS = WEIGHTS / "segmenter.safetensors"
WORKING_AREA = 96 * 160
SMALLEST = 0.0015
"""Share of the clip's pixels under which a find counts as noise."""


class TinySegmenter(Segmenter):
    """Works frame by frame near 96 x 160 pixels, then drops what lasts for a single frame only.

    Phrases outside the vocabulary are answered as absent; MOVING_FOREGROUND is answered from the motion.
    """

    name = NAME

    def __init__(self, weights: Path = SEGMENTER_WEIGHTS) -> None:
        if not weights.exists():
            raise ModelUnavailable(
                f"The shipped segmenter is missing: {weights}.",
                "The installation was interrupted or the file was moved.",
                "Install the program again, or retrain the model with: python -m dynvfx.training",
            )
        tensors = {name: value.float() for name, value in load_file(weights).items()}
        self.network = PromptedUNet(len(VOCABULARY)).eval().requires_grad_(False)
        self.network.load_state_dict(tensors)
        self.motion = MotionSegmenter()

    @torch.no_grad()
    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        masks = torch.zeros(len(phrases), *frames.shape[:3])
        phrase_list = [content.phrase for content in VOCABULARY]
        for row, phrase in enumerate(phrases):
            if phrase == MOVING_FOREGROUND:
                masks[row] = self.motion.segment(frames, [phrase])[0]
                continue
            content = find_content(phrase)
            if content is not None:
                found = self._find(frames, phrase_list.index(content.phrase))
                masks[row] = _filled(found) if content.scope == "object" else found
        return masks

    def _find(self, frames: torch.Tensor, index: int) -> torch.Tensor:
        count, height, width = frames.shape[:3]
        scale = (WORKING_AREA / (height * width)) ** 0.5
        size = [max(8, round(side * scale / 8) * 8) for side in (height, width)]
        small = np.stack(
            [cv2.resize(f, (size[1], size[0]), interpolation=cv2.INTER_AREA) for f in frames.cpu().numpy()]
        )
        signal = torch.from_numpy(small).permute(0, 3, 1, 2).float() / 127.5 - 1
        found = torch.cat([self.network(part, torch.full((len(part),), index)).sigmoid() for part in signal.split(8)])
        solid = (found > 0.5).float()
        if count > 2:
            # Content stays where it is for more than one frame: keep what a neighbour in time confirms nearby.
            near = F.max_pool2d(solid[:, None], 9, 1, 4)[:, 0]
            before, after = torch.roll(near, 1, 0), torch.roll(near, -1, 0)
            before[0], after[-1] = after[0].clone(), before[-1].clone()
            found = found * torch.maximum(before, after)
        if (found > 0.5).float().mean() < SMALLEST:
            return torch.zeros(count, height, width)
        return F.interpolate(found[:, None], (height, width), mode="bilinear", align_corners=False)[:, 0].clamp(0, 1)


def _filled(masks: torch.Tensor) -> torch.Tensor:
    """Without holes: a highlight on a ball is not taken out of it."""
    solid = np.stack([ndimage.binary_fill_holes(mask) for mask in (masks >= 0.5).numpy()])
    return torch.maximum(masks, torch.from_numpy(solid).float())
