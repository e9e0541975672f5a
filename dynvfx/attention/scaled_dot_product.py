"""Attention without a mask, by the kernels that each device has."""

from __future__ import annotations

import torch
from torch.nn.functional import scaled_dot_product_attention

from dynvfx.device import APPLE

LARGEST_SCORES = 1 << 30
"""Bytes of attention scores at once where they are held in memory."""


def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """softmax(query key^T / sqrt d) value, all [B, heads, tokens, head_dim].

    One call, so that every fused kernel stays available (PERFORMANCE L13). An Apple GPU holds all scores in one tensor,
    and a tensor of more than 4 GB ends the process: there the queries come in parts, each with the same result.
    """
    if query.device.type != APPLE:
        return scaled_dot_product_attention(query, key, value)
    batch, heads, tokens, _ = query.shape
    row_bytes = batch * heads * key.shape[2] * torch.float32.itemsize
    part = max(1, LARGEST_SCORES // row_bytes)
    if part >= tokens:
        return scaled_dot_product_attention(query, key, value)
    return torch.cat([scaled_dot_product_attention(rows, key, value) for rows in query.split(part, dim=2)], dim=2)
