"""Boxes for phrases in single frames, by GroundingDINO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torchvision.ops import nms

from dynvfx.segmentation.weights import read_weights

_MOST_TOKENS = 200
"""The text encoder takes 256 tokens; more phrases go into another pass."""


@dataclass(frozen=True)
class Found:
    """A box (left, top, right, bottom) in pixels of `frame` that shows phrase number `phrase`."""

    phrase: int
    frame: int
    box: tuple[float, float, float, float]
    score: float


class BoxFinder:
    """All phrases in one look at each frame. `threshold` is the least score of a box, in [0, 1]."""

    def __init__(self, source: str, device: torch.device, threshold: float = 0.3) -> None:
        from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

        self.device, self.threshold = device, threshold
        with read_weights("GroundingDINO", source):
            self.processor = AutoProcessor.from_pretrained(source)
            self.model = AutoModelForZeroShotObjectDetection.from_pretrained(source).to(device).eval()

    def find(self, frames: np.ndarray, indices: Sequence[int], phrases: Sequence[str]) -> list[Found]:
        """Boxes of all phrases in the frames uint8 [F, H, W, 3] at `indices`, best first."""
        found = []
        for part in self._parts(phrases):
            text = "".join(f"{_plain(phrases[row])}. " for row in part).strip()
            spans = self._spans([_plain(phrases[row]) for row in part])
            for index in indices:
                found += self._look(frames[index], index, text, list(zip(part, spans, strict=True)))
        return sorted(found, key=lambda item: -item.score)

    def _look(self, frame: np.ndarray, index: int, text: str, rows: list[tuple[int, slice]]) -> list[Found]:
        inputs = self.processor(images=frame, text=text, return_tensors="pt").to(self.device)
        output = self.model(**inputs)
        scores = output.logits[0].sigmoid().float().cpu()
        height, width = frame.shape[:2]
        centre, size = output.pred_boxes[0].float().cpu().split(2, dim=1)
        boxes = torch.cat([centre - size / 2, centre + size / 2], dim=1).clamp(0, 1)
        boxes *= torch.tensor([width, height, width, height])
        found = []
        for row, span in rows:
            score = scores[:, span].amax(dim=1)
            kept = (score > self.threshold).nonzero().ravel()
            for at in kept[nms(boxes[kept], score[kept], 0.7)].tolist():
                found.append(Found(row, index, tuple(boxes[at].tolist()), float(score[at])))
        return found

    def _parts(self, phrases: Sequence[str]) -> list[list[int]]:
        parts: list[list[int]] = []
        used = _MOST_TOKENS
        for row, phrase in enumerate(phrases):
            length = len(self._tokens(_plain(phrase)))
            if used + length > _MOST_TOKENS:
                parts.append([])
                used = 0
            parts[-1].append(row)
            used += length
        return parts

    def _spans(self, phrases: list[str]) -> list[slice]:
        """The positions of each phrase's tokens in the text, after the opening token, each followed by a full stop."""
        spans, position = [], 1
        for phrase in phrases:
            length = len(self._tokens(phrase))
            spans.append(slice(position, position + length - 1))
            position += length
        return spans

    def _tokens(self, phrase: str) -> list[int]:
        return self.processor.tokenizer(f"{phrase}.", add_special_tokens=False)["input_ids"]


def _plain(phrase: str) -> str:
    """Lower case and without the marks that separate phrases."""
    return " ".join(phrase.lower().replace(".", " ").replace("?", " ").split()) or "nothing"
