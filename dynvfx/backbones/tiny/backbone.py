"""The shipped model `tiny`: for demonstration and tests, in the classes of the large models.

CogVideoXTransformer3DModel and T5EncoderModel with a word-level tokenizer, and a linear space-time codec in place of a
VAE. It draws the phrases of `dynvfx.backbones.tiny.phrases` and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from safetensors.torch import load_file
from torch import nn
from transformers import PreTrainedTokenizerFast, T5EncoderModel

from dynvfx.attention.anchors import AnchorPass
from dynvfx.backbones.cogvideox.transformer import CogVideoXDenoiser
from dynvfx.backbones.tiny.family import LICENCE, NAME, RULES, TINY, WEIGHTS
from dynvfx.backbones.tiny.linear_codec import SPATIAL, TEMPORAL, LinearCodec
from dynvfx.backbones.tiny.phrases import canonical_caption, placed_caption
from dynvfx.backbones.tiny.placement_map import NOWHERE, placement_map
from dynvfx.device import best_device
from dynvfx.errors import ModelUnavailable
from dynvfx.masks.camera_path import camera_path, follow
from dynvfx.sampling.variance_preserving import VariancePreservingSchedule

PARTS = ("transformer", "text_encoder", "tokenizer", "scheduler", "codec.safetensors")


class TinyBackbone(CogVideoXDenoiser):
    """`folder` holds the parts named in PARTS. Raises ModelUnavailable when one is missing or damaged."""

    family = TINY
    name = NAME
    licence = LICENCE
    rules = RULES
    temporal_ratio = TEMPORAL
    spatial_ratio = SPATIAL

    def __init__(self, folder: Path = WEIGHTS, device: torch.device | None = None) -> None:
        missing = [part for part in PARTS if not (folder / part).exists()]
        if missing:
            raise ModelUnavailable(
                f"The shipped model is incomplete: {', '.join(missing)} is missing in {folder}.",
                "The installation was interrupted or the files were moved.",
                "Install the program again, or retrain the model with: python -m dynvfx.training",
            )
        device = device or best_device()
        try:
            transformer = CogVideoXTransformer3DModel.from_pretrained(
                folder / "transformer", torch_dtype=_dtype(device)
            )
            scheduler = CogVideoXDDIMScheduler.from_pretrained(folder / "scheduler")
            text_encoder = T5EncoderModel.from_pretrained(folder / "text_encoder", torch_dtype=torch.float32)
            codec = load_file(folder / "codec.safetensors")
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelUnavailable(
                f"The shipped model in {folder} cannot be read.", str(error), "Install the program again."
            ) from error
        super().__init__(transformer.to(device), VariancePreservingSchedule(scheduler), rotary_grid="integer")
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "tokenizer")
        self.text_encoder = text_encoder.to(device).eval().requires_grad_(False)
        self.codec = LinearCodec(codec["scale"].numel())
        self.codec.load_state_dict({name: value.float() for name, value in codec.items()})
        self.codec.to(device).eval().requires_grad_(False)

    def caption_for_region(self, caption: str, box: tuple[float, float, float, float] | None) -> str:
        """The caption with a place and a size that keep the content in the box."""
        return caption if box is None else placed_caption(caption, box)

    @torch.no_grad()
    def encode_text(self, prompts: Sequence[str]) -> list[torch.Tensor]:
        """Embeddings [5, 64]: four of the content's phrase, and a last row that begins with its placement (4 values).

        Behind the placement that row has its path: for each latent frame by how much x, y and the diameter differ.
        A caption is reduced to the vocabulary's phrase in it, and to the place and size that it names.
        """
        length = self.transformer.config.max_text_seq_length
        captions, places = zip(*(canonical_caption(prompt) for prompt in prompts), strict=True)
        tokens = self.tokenizer(
            list(captions), padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).to(self.device)
        hidden = self.text_encoder(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask).last_hidden_state
        last = hidden.new_zeros(len(captions), 1, hidden.shape[-1])
        for row, place in enumerate(places):
            values = NOWHERE if place is None else (1.0, place.x, place.y, place.diameter)
            last[row, 0, : len(values)] = torch.tensor(values)
        return list(torch.cat([hidden, last], dim=1))

    def track_camera(self, text: torch.Tensor, source: torch.Tensor) -> torch.Tensor:
        """The named place is the one in the middle of the clip; before and after it goes where the scene goes."""
        present, x, y, diameter = text[-1, :4].tolist()
        if not present:
            return text
        frames, height, width = source.shape[:3]
        places = follow(camera_path(source), x * width, y * height) / [width, height, 1]
        # As the codec groups them: the first frame alone, then four by four.
        latent = np.stack([part.mean(axis=0) for part in np.split(places, range(1, frames, TEMPORAL))])
        changes = np.column_stack([latent[:, 0] - x, latent[:, 1] - y, diameter * (latent[:, 2] - 1)])
        text = text.clone()
        text[-1, 4 : 4 + changes.size] = torch.from_numpy(changes.ravel()).to(text.dtype)
        return text

    @torch.no_grad()
    def predict(
        self, latents: torch.Tensor, timestep: float, text: torch.Tensor, anchors: AnchorPass | None = None
    ) -> torch.Tensor:
        path = text[-1, 4 : 4 + 3 * latents.shape[0]].view(-1, 3).to(latents)
        places = text[-1, :4].to(latents) + nn.functional.pad(path, (1, 0))
        channels = placement_map(places[None], *latents.shape[2:])[0]
        return super().predict(torch.cat([latents, channels], dim=1), timestep, text[:-1], anchors)

    @torch.no_grad()
    def encode(self, frames: torch.Tensor) -> torch.Tensor:
        signal = frames.to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        return self.codec.encode(signal)

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        frames = self.codec.decode(latents.to(self.device))
        return ((frames + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu()


def _dtype(device: torch.device) -> torch.dtype:
    """bfloat16, as trained, where the device multiplies it natively; elsewhere it would be slower than float32."""
    if device.type != "cpu":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    native = torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.cpu._is_avx512_bf16_supported()
    return torch.bfloat16 if native else torch.float32
