"""An independent judge: names what was added to a clip. Its weights are its own; the renderers are the model's,
and crops of one photograph can be on both sides."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from dynvfx.backbones.tiny.phrases import VOCABULARY

NAMES: tuple[str, ...] = (*(content.phrase for content in VOCABULARY), "nothing")


class Classifier(nn.Module):
    """Logits [N, len(NAMES)] for pictures [N, 3, H, W] in [-1, 1]: plain convolutions and attention pooling."""

    def __init__(self) -> None:
        super().__init__()
        widths = (24, 48, 96, 128)
        layers: list[nn.Module] = []
        before = 3
        for width in widths:
            layers += [nn.Conv2d(before, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        self.features = nn.Sequential(*layers)
        self.where = nn.Conv2d(before, len(NAMES), 1)
        self.what = nn.Conv2d(before, len(NAMES), 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        features = self.features(pictures)
        weight = self.where(features).flatten(2).softmax(-1)
        return (self.what(features).flatten(2) * weight).sum(-1)

    @torch.no_grad()
    def name(self, frames: torch.Tensor) -> tuple[str, float]:
        """The best name for a clip uint8 [F, H, W, 3] near 96 x 160 pixels, and its mean probability."""
        signal = frames.permute(0, 3, 1, 2).float() / 127.5 - 1
        chances = F.softmax(self(signal), -1).mean(0)
        return NAMES[int(chances.argmax())], float(chances.max())
