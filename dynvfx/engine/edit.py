"""What the engine asks of a kind of edit; `dynvfx.edits` has one module for each kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch

from contract.errors import Problem
from dynvfx.masks.edit_limits import EditLimits
from dynvfx.progress.events import Event
from dynvfx.progress.timings import Timings


class Edit(ABC):
    """One edit of one clip.

    limits: where the result may differ from the clip.
    source_mask: bool [F, H, W], the source objects whose tokens become foreground anchors; set by `segment`.
    """

    limits: EditLimits
    source_mask: torch.Tensor

    @abstractmethod
    def segment(self, timings: Timings) -> Iterator[Event]:
        """Find in the source what the edit needs to know of it; masks that were found before are used again."""

    @abstractmethod
    def find(self, frames: torch.Tensor) -> torch.Tensor:
        """Where the edit is in a result: bool [F, H, W] for decoded `frames` uint8 [F, H, W, 3], within the limits."""

    @abstractmethod
    def lost(self, iteration: int) -> str:
        """The notice when `find` is empty in a later iteration (1 is the first), whose result then is dropped."""

    @abstractmethod
    def retry(self, attempt: int, level: float) -> str:
        """The notice when `find` is empty in the first iteration and `attempt` (2 is the second) starts at `level`."""

    @abstractmethod
    def absent(self, attempts: int) -> Problem:
        """The error when `find` stayed empty in all attempts."""
