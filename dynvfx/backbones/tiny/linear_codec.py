"""The shipped model's codec: a linear space-time transform with a small network that smooths block edges.

Each latent pixel is a projection of 4 frames x 8 x 8 pixels x RGB on principal components; latent frame 0 covers pixel
frame 0 alone (repeated four times), latent frame j covers pixel frames 4j-3 .. 4j, as in CogVideoX.
"""

from __future__ import annotations

import torch
from torch import nn

SPATIAL, TEMPORAL = 8, 4
BLOCK = TEMPORAL * SPATIAL * SPATIAL * 3


class Deblocker(nn.Module):
    """Residual network on single frames [N, 3, H, W] in [-1, 1]: removes block edges, keeps the rest."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers = [
            nn.Conv2d(3, width, 5, padding=2),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=2, dilation=2),
            nn.SiLU(),
        ]
        last = nn.Conv2d(width, 3, 3, padding=1)
        self.layers = nn.Sequential(*layers, last)
        nn.init.zeros_(last.weight)
        if last.bias is not None:
            nn.init.zeros_(last.bias)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return frames + self.layers(frames)


def to_blocks(frames: torch.Tensor) -> torch.Tensor:
    """[F, 3, H, W] with F = 4n + 1 to [n + 1, h, w, 768]."""
    count, _, height, width = frames.shape
    padded = torch.cat([frames[:1].expand(TEMPORAL - 1, -1, -1, -1), frames])
    blocks = padded.reshape(
        (count - 1) // TEMPORAL + 1, TEMPORAL, 3, height // SPATIAL, SPATIAL, width // SPATIAL, SPATIAL
    )
    return blocks.permute(0, 3, 5, 1, 2, 4, 6).reshape(blocks.shape[0], blocks.shape[3], blocks.shape[5], BLOCK)


def from_blocks(blocks: torch.Tensor) -> torch.Tensor:
    """Inverse of `to_blocks`; the first chunk's four frames are averaged into frame 0."""
    count, rows, columns, _ = blocks.shape
    chunks = blocks.reshape(count, rows, columns, TEMPORAL, 3, SPATIAL, SPATIAL).permute(0, 3, 4, 1, 5, 2, 6)
    chunks = chunks.reshape(count, TEMPORAL, 3, rows * SPATIAL, columns * SPATIAL)
    return torch.cat([chunks[0].mean(dim=0, keepdim=True), chunks[1:].flatten(0, 1)])


class LinearCodec(nn.Module):
    """Encode and decode frames float [F, 3, H, W] in [-1, 1], F = 4n + 1, sides multiples of 8.

    `basis` [C, 768] has orthonormal rows, `mean` [768], `scale` [C] divides the coefficients.
    """

    basis: torch.Tensor
    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, channels: int = 48) -> None:
        super().__init__()
        self.register_buffer("basis", torch.zeros(channels, BLOCK))
        self.register_buffer("mean", torch.zeros(BLOCK))
        self.register_buffer("scale", torch.ones(channels))
        self.deblocker = Deblocker()

    def encode(self, frames: torch.Tensor) -> torch.Tensor:
        """Latents float32 [n + 1, C, H/8, W/8]."""
        coefficients = (to_blocks(frames.float()) - self.mean) @ self.basis.T
        return (coefficients / self.scale).permute(0, 3, 1, 2).contiguous()

    def decode_linear(self, latents: torch.Tensor) -> torch.Tensor:
        """Frames [F, 3, H, W] without the deblocking network."""
        coefficients = latents.float().permute(0, 2, 3, 1) * self.scale
        return from_blocks(coefficients @ self.basis + self.mean)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Frames [F, 3, H, W] in [-1, 1]."""
        return self.deblocker(self.decode_linear(latents)).clamp(-1, 1)
