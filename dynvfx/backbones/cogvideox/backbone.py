"""CogVideoX text-to-video models (5B, 2B, 1.5) from a folder in diffusers' pipeline layout."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from safetensors import SafetensorError
from transformers import AutoTokenizer, T5EncoderModel

from dynvfx.attention.anchors import AnchorPass
from dynvfx.backbones.cogvideox.family import COGVIDEOX
from dynvfx.backbones.cogvideox.rules import cogvideox_rules
from dynvfx.backbones.cogvideox.transformer import CogVideoXDenoiser
from dynvfx.backbones.pipeline_folder import check_parts, stated_licence
from dynvfx.device import APPLE, best_device, memory_of, release, weights_format
from dynvfx.errors import ModelUnavailable
from dynvfx.out_of_memory import explained_memory
from dynvfx.sampling.variance_preserving import VariancePreservingSchedule

log = logging.getLogger(__name__)

LAYERS_OF_5B = 42
"""Transformer blocks of CogVideoX 5B and 1.5; the 2B model, under another licence, has fewer."""


class CogVideoXBackbone(CogVideoXDenoiser):
    """A CogVideoX pipeline folder: T5 text encoder, causal 3D VAE, transformer, DDIM schedule.

    Weights are bfloat16, and float32 where the device cannot calculate with that: see `dynvfx.device`. The text encoder
    is loaded when a prompt must be encoded and freed at once: it is the larger half of the memory and needed for a
    second only. Raises ModelUnavailable when a part is missing or damaged or the folder holds another kind of model,
    OutOfMemory when it does not fit.
    """

    family = COGVIDEOX

    def __init__(self, folder: Path, device: torch.device | None = None, name: str | None = None) -> None:
        check_parts(folder)
        device = device or best_device()
        dtype = weights_format(device)
        self.folder = folder
        self._is_small = False
        self.name = name or str(folder)
        with _readable(folder), explained_memory(device):
            transformer = CogVideoXTransformer3DModel.from_pretrained(folder / "transformer", torch_dtype=dtype)
            self.vae = AutoencoderKLCogVideoX.from_pretrained(folder / "vae", torch_dtype=dtype).to(device).eval()
            self.tokenizer = AutoTokenizer.from_pretrained(folder / "tokenizer")
            scheduler = CogVideoXDDIMScheduler.from_pretrained(folder / "scheduler")
            super().__init__(_text_to_video(transformer, folder), VariancePreservingSchedule(scheduler))
        self.device = device
        self.vae.requires_grad_(False)
        if device.type == APPLE and not self._decodes():
            self.vae.to("cpu", torch.float32)
        config = transformer.config
        self.licence = licence_of(folder, config.num_layers)
        self.spatial_ratio = 2 ** (len(self.vae.config.block_out_channels) - 1)
        self.temporal_ratio = int(self.vae.config.temporal_compression_ratio)
        # CogVideoX 1.5 joins latent frames in pairs; its clips give an odd number of them, so one goes in front.
        self.leading_latents = 1 if self.patch_frames > 1 else 0
        self.rules = cogvideox_rules(
            frames=config.sample_frames,
            height=config.sample_height,
            width=config.sample_width,
            patch=self.patch,
            patch_frames=self.patch_frames,
            spatial_ratio=self.spatial_ratio,
            temporal_ratio=self.temporal_ratio,
        )

    @property
    def identity(self) -> str:
        """As of every denoiser; tiles change the VAE's results a little, so a small footprint is marked."""
        return f"{super().identity}:tiled" if self._is_small else super().identity

    def use_small_footprint(self) -> None:
        """The VAE works in tiles; on a card the transformer's blocks come from main memory one after another."""
        self.vae.enable_tiling()
        if self.device.type == "cuda":
            self.transformer.enable_group_offload(self.device, num_blocks_per_group=1)
        self._is_small = True

    def predict(
        self, latents: torch.Tensor, timestep: float, text: torch.Tensor, anchors: AnchorPass | None = None
    ) -> torch.Tensor:
        """As of every denoiser; the transformer comes to the card for its first forward, and after it was parked."""
        if self.transformer.device.type != self.device.type:
            self.transformer.to(self.device)
        return super().predict(latents, timestep, text, anchors)

    @torch.no_grad()
    def encode_text(self, prompts: Sequence[str]) -> list[torch.Tensor]:
        """T5 embeddings [max_text_seq_length, D], padded; longer prompts are cut at the model's length."""
        tokens = self.tokenizer(
            list(prompts),
            padding="max_length",
            max_length=self.transformer.config.max_text_seq_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids
        with self._room_for(_folder_bytes(self.folder / "text_encoder") * self.family.memory.text_encoder_headroom):
            with _readable(self.folder), explained_memory(self.device):
                encoder = T5EncoderModel.from_pretrained(
                    self.folder / "text_encoder", torch_dtype=self.transformer.dtype
                ).to(self.device)
            encoder.eval()
            texts = [encoder(row[None].to(self.device))[0][0].cpu() for row in tokens]
            del encoder
            release()
        return texts

    @torch.no_grad()
    def encode(self, frames: torch.Tensor) -> torch.Tensor:
        """Latents of the VAE's mode, in its own eight-frame chunks without autocast: 6.7 GB, not 44, at full size."""
        pixels = (frames.permute(3, 0, 1, 2)[None].float() / 127.5 - 1.0).to(self.vae.device, self.vae.dtype)
        mode = self.vae.encode(pixels).latent_dist.mode()[0].transpose(0, 1)
        latents = mode.to("cpu", torch.float32) * self.vae.config.scaling_factor
        return torch.cat((latents[:1].expand(self.leading_latents, -1, -1, -1), latents))

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Frames by the VAE, in its own two-latent chunks (other chunk sizes give other pictures)."""
        own = latents[self.leading_latents :].to(self.vae.device, self.vae.dtype) / self.vae.config.scaling_factor
        height, width = (side * self.spatial_ratio for side in own.shape[2:])
        with self._room_for(self.family.memory.decode_per_pixel * height * width):
            pixels = self.vae.decode(own.transpose(0, 1)[None]).sample[0].float()
            frames = ((pixels.clamp(-1.0, 1.0) + 1.0) * 127.5).round().to("cpu", torch.uint8)
        release()
        return frames.permute(1, 2, 3, 0).contiguous()

    @contextmanager
    def _room_for(self, needed: float) -> Iterator[None]:
        """Space for `needed` bytes on the card during the block: the transformer waits in main memory if it must.

        An Apple GPU's memory is the main memory: nothing is gained by waiting there.
        """
        if self.device.type == "cpu" or self._is_small:
            yield
            return
        free, total = memory_of(self.device)
        if self.device.type == APPLE:
            free = total = total - _bytes_of(self.transformer)
        park, tile = room(needed, free, total)
        if tile:
            self.vae.enable_tiling()
        if park and self.device.type == "cuda":
            self.transformer.to("cpu")
            release()
        yield

    @torch.no_grad()
    def _decodes(self) -> bool:
        """Whether the VAE works on its device: a trial with the smallest clip, before any work depends on it."""
        latents = torch.zeros(1, self.vae.config.latent_channels, 2, 4, 4)
        try:
            pixels = self.vae.decode(latents.to(self.vae.device, self.vae.dtype)).sample
            self.vae.encode(pixels)
        except (RuntimeError, TypeError) as error:
            log.warning("the VAE works on the processor, because it fails on %s: %s", self.device, error)
            return False
        return bool(pixels.isfinite().all())


def room(needed: float, free: int, total: int) -> tuple[bool, bool]:
    """Whether the transformer must be parked and whether the VAE must work in tiles, for `needed` bytes on a card.

    Parking changes no result. Tiles do, so they depend on the card's `total` alone: a card always gives equal pictures.
    """
    tile = needed > 0.9 * total
    return (needed / 4 if tile else needed) > free, tile


def licence_of(folder: Path, layers: int) -> str:
    """The licence that the model's card states; without a card, the one under which its size was published."""
    if licence := stated_licence(folder):
        return licence
    if layers >= LAYERS_OF_5B:
        return "CogVideoX LICENSE (commercial use needs a registration with its authors)"
    return "not stated; see the model's own papers"


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelUnavailable(
            f"The model in {folder} cannot be read.",
            str(error).strip().partition("\n")[0],
            "Fetch the model again; a file was probably cut short or changed.",
        ) from error


def _text_to_video(transformer: CogVideoXTransformer3DModel, folder: Path) -> CogVideoXTransformer3DModel:
    config = transformer.config
    if config.in_channels != config.out_channels:
        raise ModelUnavailable(
            f"The model in {folder} is not a plain text-to-video model.",
            f"Its transformer takes {config.in_channels} channels and gives {config.out_channels}.",
            "Choose a text-to-video model, for example zai-org/CogVideoX-5b.",
        )
    return transformer


def _bytes_of(model: torch.nn.Module) -> int:
    return sum(parameter.nbytes for parameter in model.parameters())


def _folder_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.safetensors"))
