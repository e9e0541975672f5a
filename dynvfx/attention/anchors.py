"""Anchor extended attention (METHOD 1.5): the composite row also attends to some keys and values of the source row.

One step makes two forwards that share an `AnchorPass`: the source row records its keys and values at the anchor
positions, then the composite row appends them to its own. The unconditional row runs without a pass, on stock
attention.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from diffusers import CogVideoXTransformer3DModel
from diffusers.models.attention_processor import Attention, CogVideoXAttnProcessor2_0
from diffusers.models.embeddings import apply_rotary_emb
from torch.nn.functional import scaled_dot_product_attention

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

    def positions(self, *counters: int) -> torch.Tensor:
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
    counters: tuple[int, ...]
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


class AnchorAttnProcessor:
    """CogVideoX's joint attention (text first) with an `AnchorPass` between rotary embedding and attention."""

    def __init__(self, block: int, anchors: AnchorPass) -> None:
        self.block = block
        self.anchors = anchors

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        image_rotary_emb: tuple[torch.Tensor, torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Video and text output [B, tokens, dim] of one block; same signature as diffusers' processor."""
        if attention_mask is not None:
            raise ValueError("anchor attention takes no attention mask")
        words = encoder_hidden_states.shape[1]
        tokens = torch.cat((encoder_hidden_states, hidden_states), dim=1)
        query, key, value = (
            project(tokens).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for project in (attn.to_q, attn.to_k, attn.to_v)
        )
        if attn.norm_q is not None:
            query = attn.norm_q(query)
        if attn.norm_k is not None:
            key = attn.norm_k(key)
        if image_rotary_emb is not None:
            query, key = (
                torch.cat((rows[:, :, :words], apply_rotary_emb(rows[:, :, words:], image_rotary_emb)), dim=2)
                for rows in (query, key)
            )
        if self.anchors.recording:
            self.anchors.record(self.block, key[:, :, words:], value[:, :, words:])
        else:
            key, value = self.anchors.extend(self.block, key, value)
        # No mask and one call: every fused attention kernel stays available, with the same result (PERFORMANCE L13).
        attended = scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        for layer in attn.to_out:
            attended = layer(attended)
        return attended[:, words:], attended[:, :words]


@contextmanager
def installed(transformer: CogVideoXTransformer3DModel, anchors: AnchorPass) -> Iterator[None]:
    """Anchor attention in every block of `transformer`; the processors that were there come back afterwards."""
    before = transformer.attn_processors
    for name, processor in before.items():
        if not isinstance(processor, CogVideoXAttnProcessor2_0):
            raise TypeError(f"{name} is a {type(processor).__name__}: anchors replace CogVideoXAttnProcessor2_0 only")
    # set_attn_processor empties the dictionary that it is given.
    transformer.set_attn_processor({name: AnchorAttnProcessor(block, anchors) for block, name in enumerate(before)})
    try:
        yield
    finally:
        transformer.set_attn_processor(dict(before))
