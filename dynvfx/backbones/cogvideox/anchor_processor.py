"""CogVideoX's attention with anchors, or in parts: a processor for diffusers, and its installation for one forward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from diffusers import CogVideoXTransformer3DModel
from diffusers.models.attention_processor import Attention, CogVideoXAttnProcessor2_0
from diffusers.models.embeddings import apply_rotary_emb

from dynvfx.attention.anchors import AnchorPass
from dynvfx.attention.scaled_dot_product import attend


class CogVideoXAnchorProcessor:
    """CogVideoX's joint attention (text first) with an `AnchorPass` between rotary embedding and attention, if any."""

    def __init__(self, block: int, anchors: AnchorPass | None) -> None:
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
        text_tokens = encoder_hidden_states.shape[1]
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
                torch.cat(
                    (rows[:, :, :text_tokens], apply_rotary_emb(rows[:, :, text_tokens:], image_rotary_emb)), dim=2
                )
                for rows in (query, key)
            )
        if self.anchors is not None and self.anchors.recording:
            self.anchors.record(self.block, key[:, :, text_tokens:], value[:, :, text_tokens:])
        elif self.anchors is not None:
            key, value = self.anchors.extend(self.block, key, value)
        attended = attend(query, key, value).transpose(1, 2).flatten(2)
        for layer in attn.to_out:
            attended = layer(attended)
        return attended[:, text_tokens:], attended[:, :text_tokens]


@contextmanager
def installed(transformer: CogVideoXTransformer3DModel, anchors: AnchorPass | None) -> Iterator[None]:
    """Our attention in every block of `transformer`; the processors that were there come back afterwards."""
    before = transformer.attn_processors
    for name, processor in before.items():
        if not isinstance(processor, CogVideoXAttnProcessor2_0):
            raise TypeError(f"{name} is a {type(processor).__name__}: anchors replace CogVideoXAttnProcessor2_0 only")
    # set_attn_processor empties the dictionary that it is given.
    transformer.set_attn_processor(
        {name: CogVideoXAnchorProcessor(block, anchors) for block, name in enumerate(before)}
    )
    try:
        yield
    finally:
        transformer.set_attn_processor(dict(before))
