"""The denoising half of every backbone built on diffusers' CogVideoX transformer: one row in, one prediction out."""

from __future__ import annotations

import hashlib
import struct
from contextlib import nullcontext
from typing import Literal

import torch
from diffusers import CogVideoXTransformer3DModel
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid

from dynvfx.attention.anchors import AnchorPass
from dynvfx.backbones.base import Backbone
from dynvfx.backbones.cogvideox.anchor_processor import installed
from dynvfx.device import APPLE
from dynvfx.sampling.schedule import NoiseSchedule

RotaryGrid = Literal["cogvideox", "integer"]


class CogVideoXDenoiser(Backbone):
    """Prediction, schedule and anchors; subclasses add text encoder, codec, rules and licence.

    `rotary_grid` says how token positions are numbered: "cogvideox" as in the CogVideoX pipelines (the sampled size is
    stretched into the trained one), "integer" plainly 0..f-1, 0..h-1, 0..w-1. Without rotary embedding it is ignored.
    """

    def __init__(
        self,
        transformer: CogVideoXTransformer3DModel,
        schedule: NoiseSchedule,
        rotary_grid: RotaryGrid = "cogvideox",
    ) -> None:
        self.transformer = transformer.eval().requires_grad_(False)
        self.schedule = schedule
        self.rotary_grid: RotaryGrid = rotary_grid
        self.device = transformer.device
        self.patch = transformer.config.patch_size
        self.patch_frames = transformer.config.patch_size_t or 1
        self._rotary: dict[tuple[int, int, int], tuple[torch.Tensor, torch.Tensor]] = {}
        self._fingerprint: str | None = None

    @property
    def identity(self) -> str:
        """Name, number format, device kind and a fingerprint of the weights: equal only if the results are."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint(self.transformer)
        return f"{self.name}:{self.transformer.dtype}:{self.device.type}:{self._fingerprint}"

    @torch.no_grad()
    def predict(
        self, latents: torch.Tensor, timestep: float, text: torch.Tensor, anchors: AnchorPass | None = None
    ) -> torch.Tensor:
        """Prediction float32 [f, C, h, w] for one row, on the device of `latents`; one forward."""
        rows = latents.to(self.transformer.device, self.transformer.dtype)[None]
        ofs = self.transformer.config.ofs_embed_dim
        # An Apple GPU needs our attention for every row: see `attend`.
        is_stock = anchors is None and rows.device.type != APPLE
        with nullcontext() if is_stock else installed(self.transformer, anchors):
            prediction = self.transformer(
                hidden_states=rows,
                encoder_hidden_states=text.to(rows)[None],
                timestep=torch.full((1,), int(timestep), dtype=torch.int64, device=rows.device),
                ofs=rows.new_full((1,), 2.0) if ofs else None,
                image_rotary_emb=self.rotary(*latents.shape[:1], *latents.shape[2:]),
                return_dict=False,
            )[0]
        return prediction[0].to(latents.device, torch.float32)

    def rotary(self, frames: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Cosines and sines [tokens, head_dim] for latents of `frames` x `height` x `width`; None without rotary."""
        config = self.transformer.config
        if not config.use_rotary_positional_embeddings:
            return None
        grid = frames // self.patch_frames, height // self.patch, width // self.patch
        if grid not in self._rotary:
            trained = config.sample_height // self.patch, config.sample_width // self.patch
            if self.rotary_grid == "cogvideox" and self.patch_frames == 1:
                positions = {
                    "crops_coords": get_resize_crop_region_for_grid(grid[1:], trained[1], trained[0]),
                    "grid_type": "linspace",
                }
            else:
                # Positions up to the larger of trained and sampled size: the table is cut to the sampled size.
                limits = tuple(max(pair) for pair in zip(trained, grid[1:], strict=True))
                positions = {"crops_coords": None, "grid_type": "slice", "max_size": limits}
            self._rotary[grid] = get_3d_rotary_pos_embed(
                embed_dim=config.attention_head_dim,
                grid_size=grid[1:],
                temporal_size=grid[0],
                device=self.transformer.device,
                **positions,
            )
        return self._rotary[grid]


def fingerprint(transformer: CogVideoXTransformer3DModel) -> str:
    """Hex digest over the shapes and some values of every parameter: quick, and different for any retrained weights."""
    digest = hashlib.blake2b(digest_size=16)
    for name, parameter in transformer.named_parameters():
        values = parameter.detach().flatten()
        some = values[:: max(1, values.numel() // 8)][:8].float().cpu().tolist()
        digest.update(f"{name}{tuple(parameter.shape)}".encode())
        digest.update(struct.pack(f"<{len(some)}f", *some))
    return digest.hexdigest()
