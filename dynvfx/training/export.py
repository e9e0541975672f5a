"""Write the shipped model's folder: half-precision weights in diffusers' and transformers' own layout."""

from __future__ import annotations

from pathlib import Path as FilePath

import torch
from diffusers import CogVideoXDDIMScheduler
from safetensors.torch import save_file

from dynvfx.backbones.tiny.linear_codec import LinearCodec
from dynvfx.training.model import build_tokenizer
from dynvfx.training.train_transformer import SCHEDULE, average_models


def export_transformer(state: FilePath, folder: FilePath, *, average: bool = True) -> None:
    """Transformer, text encoder, tokenizer and scheduler of a stored training state."""
    transformer, text = average_models(state, average=average)
    transformer.half().save_pretrained(folder / "transformer")
    text.half().save_pretrained(folder / "text_encoder")
    build_tokenizer().save_pretrained(folder / "tokenizer")
    CogVideoXDDIMScheduler(**SCHEDULE).save_pretrained(folder / "scheduler")


def export_codec(codec: LinearCodec, folder: FilePath) -> None:
    """Basis, mean, scale and deblocking network."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.to(torch.float16).contiguous() for name, value in codec.state_dict().items()}
    save_file(tensors, folder / "codec.safetensors")
