"""Tiny random checkpoints in the folder layout of the large models, built without a network."""

from __future__ import annotations

import io
import json
from pathlib import Path

import sentencepiece
import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXPipeline, CogVideoXTransformer3DModel
from transformers import T5Config, T5EncoderModel, T5Tokenizer

from dynvfx.sampling.variance_preserving import COGVIDEOX_5B

CORPUS = (
    "a diver in the sea",
    "a massive whale behind the divers",
    "add a red balloon on the left",
    "the camera follows a street at night",
)
TEXT_LENGTH = 226


def build_cogvideox(folder: Path, *, seed: int = 0, two_billion: bool = False, newer: bool = False) -> Path:
    """A random model of some ten thousand parameters, in the layout of CogVideoX-5B on the hub.

    `two_billion` gives the 2B model's differences (added positions instead of rotary ones, shifted SNR), `newer` those
    of 1.5 (tokens of two latent frames). The VAE has the true ratios, 4 in time and 8 in space, so 49 frames give 13
    latent frames; its native size is 32 x 48 pixels.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformer = CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=16,
            out_channels=16,
            time_embed_dim=16,
            text_embed_dim=16,
            num_layers=2,
            sample_width=6,
            sample_height=4,
            sample_frames=81 if newer else 49,
            patch_size=2,
            patch_size_t=2 if newer else None,
            max_text_seq_length=TEXT_LENGTH,
            use_rotary_positional_embeddings=not two_billion,
        )
        vae = AutoencoderKLCogVideoX(
            block_out_channels=(4, 4, 4, 4),
            latent_channels=16,
            layers_per_block=1,
            norm_num_groups=2,
            sample_height=32,
            sample_width=48,
            scaling_factor=1.15258426 if two_billion else 0.7,
        )
        text_encoder = T5EncoderModel(
            T5Config(
                vocab_size=64, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, feed_forward_proj="gated-gelu"
            )
        )
    scheduler = CogVideoXDDIMScheduler(**{**COGVIDEOX_5B, "snr_shift_scale": 3.0 if two_billion else 1.0})
    pipeline = CogVideoXPipeline(T5Tokenizer(), text_encoder, vae, transformer, scheduler)
    pipeline.save_pretrained(folder, max_shard_size="100KB")
    write_tokenizer(folder / "tokenizer")
    (folder / "README.md").write_text("---\nlicense: other\nlicense_name: test-licence\n---\nRandom weights.\n")
    return folder


def write_tokenizer(folder: Path) -> None:
    """A sentencepiece model with T5's special tokens, in the files that the hub's CogVideoX repositories have."""
    for path in folder.iterdir():
        path.unlink()
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS),
        model_writer=model,
        vocab_size=50,
        hard_vocab_limit=False,
        model_type="unigram",
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    (folder / "spiece.model").write_bytes(model.getvalue())
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    config = {**special, "tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": TEXT_LENGTH}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
