"""What the method needs of a text-to-video model. One adapter per family; `cogvideox` is the first."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from dynvfx.backbones.family import Family
from dynvfx.geometry import GeometryRules
from dynvfx.sampling.schedule import NoiseSchedule

if TYPE_CHECKING:
    from dynvfx.attention.anchors import AnchorPass


class Backbone(ABC):
    """A latent text-to-video diffusion transformer with its codec, text encoder and noise schedule.

    Latents are float32 [f, C, h, w], already multiplied by the codec's scaling factor. `device` holds the model.
    """

    family: Family
    name: str
    licence: str
    rules: GeometryRules
    schedule: NoiseSchedule
    device: torch.device
    temporal_ratio: int
    spatial_ratio: int
    patch: int
    """Latent pixels per token side: token grid is [f / patch_frames, h / patch, w / patch]."""
    patch_frames: int = 1
    """Latent frames per token."""
    leading_latents: int = 0
    """Latent frames that `encode` puts in front of the clip's own to fill the first token; `decode` takes them away."""

    @property
    def identity(self) -> str:
        """What stored states depend on: models with different weights or number formats must differ here."""
        return self.name

    def use_small_footprint(self) -> None:  # noqa: B027 - a model that has nothing to save on is no error
        """From now on use less memory at the cost of time, by the same method; called before any work.

        Where that changes results in their last bits, `identity` changes with it.
        """

    def caption_for_region(self, caption: str, box: tuple[float, float, float, float] | None) -> str:
        """The caption for content that must stay in `box` (left, top, right, bottom in fractions of the frame).

        Models with an input for a place encode it here; the others get the caption unchanged.
        """
        return caption

    def track_camera(self, text: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        """The caption's embedding for content that follows the camera of the clip `source` uint8 [F, H, W, 3].

        Models with an input for a place move it along here; the others follow the camera through the anchors alone.
        """
        return text

    @abstractmethod
    def encode_text(self, prompts: Sequence[str]) -> list[torch.Tensor]:
        """One embedding [L, D] per prompt (the empty prompt included)."""

    @abstractmethod
    def encode(self, frames: torch.Tensor) -> torch.Tensor:
        """Latents of `frames` uint8 [F, H, W, 3], by the codec's mode (no sampling)."""

    @abstractmethod
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Frames uint8 [F, H, W, 3] of latents."""

    @abstractmethod
    def predict(
        self, latents: torch.Tensor, timestep: float, text: torch.Tensor, anchors: AnchorPass | None = None
    ) -> torch.Tensor:
        """The model's prediction for one row, same shape as `latents`; one transformer forward.

        `anchors` records keys and values of this row, or extends its attention with recorded ones; None leaves the
        stock attention.
        """
