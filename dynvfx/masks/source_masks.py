"""The masks of the plan's phrases in the source: for a person to look at, and for the method to work with."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from contract.plan import Plan
from dynvfx.segmentation.base import Segmenter
from dynvfx.state.keys import masks_key, pack, unpack
from dynvfx.state.store import StateStore


@dataclass(frozen=True)
class SourceMasks:
    """The masks of one plan on the clip `source` uint8 [F, H, W, 3] whose digest is `clip`, kept in `store`."""

    plan: Plan
    source: torch.Tensor
    clip: str
    segmenter: Segmenter
    store: StateStore

    @property
    def phrases(self) -> tuple[str, ...]:
        """The source objects, and as the last one the target: whatever in the source looks like it already."""
        return (*self.plan.source_objects, self.plan.target_object)

    def stored(self) -> torch.Tensor | None:
        """Bool [P, F, H, W] from an earlier search; None when there was none."""
        state = self.store.load(self._key)
        if state is None:
            return None
        return unpack(state["masks"], (len(self.phrases), *self.source.shape[:3]))

    def find(self) -> torch.Tensor:
        """Search, and keep what is found: bool [P, F, H, W]."""
        masks = self.segmenter.segment(self.source, self.phrases).cpu() >= 0.5
        self.store.save(self._key, {"masks": pack(masks)})
        return masks

    @property
    def _key(self) -> str:
        return masks_key(self.plan, self.clip, self.segmenter.name)
