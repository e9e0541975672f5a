"""Anchor extended attention (METHOD 1.5): the composite row also attends to some keys and values of the source row.

One step makes two forwards that share an `AnchorPass`: the source row records its keys and values at the anchor
positions, then the composite row appends them to its own. The unconditional row runs without a pass, on stock
attention.

What is here holds for every family; a backbone brings the attention processors that call `record` and `extend`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from dynvfx.request import AnchorMode
from dynvfx.sampling.rng import generator


@dataclass(frozen=True)
class AnchorRule:
    """Which source tokens may be anchors.

    `foreground` is bool [f, h, w] on the token grid, True where the source objects are; the keep probabilities are in
    [0, 1]. "anchor" draws from both regions, "masked" takes the foreground only, "full" every video token, "none"
    nothing.
    """

    mode: AnchorMode
    foreground: torch.Tensor
    keep_foreground: float = 0.7
    keep_background: float = 0.05

    def positions(self, *counters: float) -> torch.Tensor:
        """Flat positions (int64, ascending) of the anchors among the video tokens.

        `counters` name the draw: (seed, iteration, attempt, step, block). All frames share the spatial pattern.
        """
        mask = self.foreground.cpu().numpy()
        if self.mode == "none":
            return torch.empty(0, dtype=torch.int64)
        if self.mode == "full":
            return torch.arange(mask.size)
        if self.mode == "masked":
            return torch.from_numpy(np.flatnonzero(mask))
        random = generator("anchors", *counters)
        inside = random.random(mask.shape[1:]) < self.keep_foreground
        outside = random.random(mask.shape[1:]) < self.keep_background
        return torch.from_numpy(np.flatnonzero(np.where(mask, inside, outside)))


@dataclass
class AnchorPass:
    """The anchors of one step: filled by the source row, read by the composite row.

    `counters` name the step's draws, (seed, iteration, attempt, step); each block adds its own number. Give the pass
    itself to the source row's `predict`, and `replay()` to the composite row's.
    """

    rule: AnchorRule
    counters: tuple[float, ...]
    recording: bool = True
    bank: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    def replay(self) -> AnchorPass:
        """The same anchors for the row that attends to them."""
        return AnchorPass(self.rule, self.counters, False, self.bank)

    def record(self, block: int, key: torch.Tensor, value: torch.Tensor) -> None:
        """Keep the anchors among the source row's video keys and values [B, heads, tokens, head_dim] of `block`."""
        positions = self.rule.positions(*self.counters, block).to(key.device)
        self.bank[block] = key.index_select(2, positions), value.index_select(2, positions)

    def extend(self, block: int, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of the composite row with the anchors of `block` behind them. KeyError if never recorded."""
        anchor_key, anchor_value = self.bank[block]
        return torch.cat((key, anchor_key), dim=2), torch.cat((value, anchor_value), dim=2)
