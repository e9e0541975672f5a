"""CogVideoX 2B, 5B and 1.5: what is known of them without loading any; imports no torch."""

from __future__ import annotations

from dataclasses import replace

from dynvfx.backbones.cogvideox.rules import window
from dynvfx.backbones.family import Family, KnownModel, MemoryModel
from dynvfx.presets import Preset
from dynvfx.sampling.steps import TrailingGrid

# METHOD 1.3 and 1.4: the paper's six levels, and 29 forwards of the log-SNR solver.
_STANDARD = Preset(
    levels=(899, 779, 679, 579, 479, 379),
    steps=50,
    guidance=6.0,
    inversion="log_snr",
    inversion_steps=29,
    anchors_until=619,
    keep_foreground=0.7,
    keep_background=0.05,
    mask_reach=0,
    coverage=0.25,
    secondary=1.0,
    preview_every=15,
)

COGVIDEOX = Family(
    name="cogvideox",
    # Bytes: published numbers of parameters (transformer, text encoder, decoder) at two bytes each.
    models=(
        KnownModel(
            "zai-org/CogVideoX-5b", "CogVideoX 5B", "CogVideoX licence", "49 frames, 720 x 480, 6 s", 21_100_000_000
        ),
        KnownModel("zai-org/CogVideoX-2b", "CogVideoX 2B", "Apache-2.0", "49 frames, 720 x 480, 6 s", 13_400_000_000),
    ),
    owns=("zai-org/CogVideoX", "THUDM/CogVideoX"),
    pipelines=("CogVideoXPipeline",),
    backbone="dynvfx.backbones.cogvideox.backbone:CogVideoXBackbone",
    rules=window,
    grid=TrailingGrid(train_timesteps=1000),
    trajectory_top=_STANDARD.levels[0],
    presets={
        "draft": replace(_STANDARD, levels=(899, 699, 499), steps=25, inversion_steps=15, preview_every=10),
        "standard": _STANDARD,
        "reference": replace(_STANDARD, inversion="reference", inversion_steps=250),
    },
    segmenter="sam3",
    memory=MemoryModel(decode_per_pixel=15.8e9 / (480 * 720), text_encoder_headroom=1.1),
)
