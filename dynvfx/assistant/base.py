"""The VFX assistant: from an instruction and three key frames to a plan (METHOD 1.1)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.plan import Plan, Scope


@dataclass(frozen=True)
class Planned:
    """A plan and what it cost. `remarks` are sentences for the artist (for example which assistant wrote it)."""

    plan: Plan
    prompt_tokens: int = 0
    completion_tokens: int = 0
    remarks: tuple[str, ...] = ()


class Assistant(ABC):
    """Writes a plan for a shot."""

    name: str

    @abstractmethod
    def plan(self, instruction: str, key_frames: Sequence[np.ndarray], scope: Scope | None = None) -> Planned:
        """Plan for `instruction` on key frames uint8 [H, W, 3] sRGB (first, middle, last).

        `scope` None lets the assistant decide between object and full_frame. Raises AssistantFailed, BadRequest.
        """
