"""Fit the linear codec: principal components of blocks of plates and composites."""

from __future__ import annotations

import numpy as np
import torch

from dynvfx.backbones.tiny.linear_codec import BLOCK, LinearCodec, to_blocks
from dynvfx.backbones.tiny.phrases import VOCABULARY
from dynvfx.training.shots import Footage, make_pair


def to_signal(frames: np.ndarray) -> torch.Tensor:
    """uint8 [F, H, W, 3] to float [F, 3, H, W] in [-1, 1]."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1


def fit_codec(footage: Footage, *, seed: int = 0, clips: int = 240, channels: int = 48) -> LinearCodec:
    """Principal components over `clips` random composites; channels are scaled by std^0.6 and to unit mean power.

    Flattening the spectrum in part keeps detail channels from drowning in noise at the levels where content forms.
    """
    rng = np.random.default_rng(seed)
    total, outer, count = np.zeros(BLOCK), np.zeros((BLOCK, BLOCK)), 0
    for index in range(clips):
        phrase = VOCABULARY[index % len(VOCABULARY)].phrase if index % 4 else None
        pair = make_pair(rng, footage, 9, 96, 160, phrase)
        blocks = to_blocks(to_signal(pair.composite)).reshape(-1, BLOCK).double().numpy()
        total += blocks.sum(0)
        outer += blocks.T @ blocks
        count += len(blocks)
    mean = total / count
    values, vectors = np.linalg.eigh(outer / count - np.outer(mean, mean))
    order = np.argsort(values)[::-1][:channels]
    deviation = np.sqrt(values[order])
    scale = deviation**0.6
    scale *= np.sqrt(np.mean((deviation / scale) ** 2))
    codec = LinearCodec(channels)
    codec.basis.copy_(torch.from_numpy(vectors[:, order].T.copy()))
    codec.mean.copy_(torch.from_numpy(mean))
    codec.scale.copy_(torch.from_numpy(scale))
    return codec
