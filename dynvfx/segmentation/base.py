"""Text-prompted video segmentation behind one interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch

MOVING_FOREGROUND = "moving foreground"
"""Phrase for whatever moves against the camera's own motion; for plans written without a vision model."""


class Segmenter(ABC):
    """Finds named things in a short clip."""

    name: str
    remarks: tuple[str, ...] = ()
    """Sentences for the artist, for example that another segmenter replaces the one asked for."""

    @abstractmethod
    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        """Masks float32 [P, F, H, W] in [0, 1] for `frames` uint8 [F, H, W, 3] and P phrases.

        A phrase that names nothing in the clip gives an all-zero row: absent is an answer, not an error.
        """
