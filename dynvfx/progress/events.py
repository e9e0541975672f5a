"""What the method reports while it works."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch

Stage = Literal["segmenting", "encoding", "inverting", "refining", "finishing"]


@dataclass(frozen=True)
class Progress:
    """One unit of work is done and stored. `seconds_left` comes from the measured speed; None until it is known."""

    stage: Stage
    step: int
    steps: int
    iteration: int = 0
    iterations: int = 0
    seconds_left: float | None = None


@dataclass(frozen=True)
class Preview:
    """A picture of the unfinished work.

    `frames` is uint8 [F, H, W, 3] for "x0" and "composite", float32 [F, H, W] in [0, 1] for "mask" and "source_mask".
    """

    kind: Literal["x0", "composite", "mask", "source_mask"]
    frames: torch.Tensor
    iteration: int = 0
    step: int = 0


@dataclass(frozen=True)
class Notice:
    """Something that the artist should know: a retry, an absent source object, a resumed state."""

    kind: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """The finished take on the model's grid.

    `frames` uint8 [F, H, W, 3] is the decoded x_comp; `mask` float32 [F, H, W] in [0, 1] covers O_edit;
    `source_mask` float32 [F, H, W] covers O_orig; `latents` float32 [f, C, h, w] is x_comp; `forwards` and `seconds`
    are counted per stage (a resumed job counts what it ran itself).
    """

    frames: torch.Tensor
    mask: torch.Tensor
    source_mask: torch.Tensor
    latents: torch.Tensor
    forwards: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    attempts: int = 1


Event = Progress | Preview | Notice | Outcome
