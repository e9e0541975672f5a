"""What one take is made from, whatever its edit is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dynvfx.backbones.base import Backbone
from dynvfx.request import Request
from dynvfx.state.store import StateStore


@dataclass(frozen=True)
class Inputs:
    """The inputs of one take.

    source: the clip, uint8 [F, H, W, 3] on the request's geometry.
    parent: latents float32 [f, C, h, w] of the take that `request.parent` names; None when the edit follows none.
    painted: bool [F, H, W], the mask that `request.mask` names, on every frame; None without one.
    """

    request: Request
    source: torch.Tensor
    backbone: Backbone
    store: StateStore
    parent: torch.Tensor | None = None
    painted: torch.Tensor | None = None
