"""The network of the shipped segmenter: a small U-Net, conditioned on a class embedding."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class _Block(nn.Module):
    """Two convolutions; the class scales and shifts the features between them."""

    def __init__(self, inputs: int, outputs: int, context: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm = nn.GroupNorm(8, outputs)
        self.film = nn.Linear(context, 2 * outputs)

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        scale, shift = self.film(context)[..., None, None].chunk(2, dim=1)
        x = F.silu(self.norm(self.first(x)) * (1 + scale) + shift)
        return F.silu(self.second(x))


class PromptedUNet(nn.Module):
    """Logits [N, H, W] for pictures [N, 3, H, W] in [-1, 1] and class indices [N]; sides are multiples of 8."""

    def __init__(self, classes: int, widths: tuple[int, int, int] = (32, 64, 96), context: int = 32) -> None:
        super().__init__()
        a, b, c = widths
        self.classes = nn.Embedding(classes, context)
        self.stem = nn.Conv2d(3, a, 5, stride=2, padding=2)
        self.down1, self.down2, self.bottom = _Block(a, a, context), _Block(a, b, context), _Block(b, c, context)
        self.up2, self.up1 = _Block(c + b, b, context), _Block(b + a, a, context)
        self.fine = nn.Conv2d(a + 3, 16, 3, padding=1)
        self.head = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, pictures: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        context = self.classes(classes)
        half = self.down1(F.silu(self.stem(pictures)), context)
        quarter = self.down2(F.avg_pool2d(half, 2), context)
        eighth = self.bottom(F.avg_pool2d(quarter, 2), context)
        # The mean over the whole picture helps to separate "absent" from "faint".
        eighth = eighth + eighth.mean((2, 3), keepdim=True)
        quarter = self.up2(torch.cat([F.interpolate(eighth, scale_factor=2.0), quarter], 1), context)
        half = self.up1(torch.cat([F.interpolate(quarter, scale_factor=2.0), half], 1), context)
        full = F.interpolate(half, scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.head(F.silu(self.fine(torch.cat([full, pictures], 1))))[:, 0]
