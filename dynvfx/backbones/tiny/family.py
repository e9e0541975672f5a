"""The shipped model `tiny`: what is known of it without loading it; imports no torch."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from dynvfx.backbones.family import Family, KnownModel, MemoryModel
from dynvfx.backbones.tiny.phrases import VOCABULARY
from dynvfx.geometry import GeometryRules
from dynvfx.presets import Preset
from dynvfx.sampling.steps import TrailingGrid

NAME = "tiny"
LICENCE = "GPL-3.0-or-later"
WEIGHTS = Path(__file__).resolve().parents[2] / "weights" / NAME
RULES = GeometryRules(frame_step=4, min_frames=1, max_frames=17, size_multiple=8, area=96 * 160, rate=Fraction(8))

# A grid of so few tokens needs a larger share of them as anchors, masks united over neighbouring latent frames, and
# every cell that the object's edge touches. What it changes around the object is mostly its codec's error.
_STANDARD = Preset(
    levels=(919, 799, 679, 559, 439),
    steps=50,
    guidance=3.0,
    inversion="log_snr",
    inversion_steps=29,
    anchors_until=619,
    keep_foreground=0.7,
    keep_background=0.15,
    mask_reach=1,
    coverage=0.04,
    secondary=0.0,
    preview_every=0,
)

TINY = Family(
    name=NAME,
    models=(
        KnownModel(
            NAME,
            "tiny (shipped)",
            LICENCE,
            "For demonstration and tests: generates a few simple things, on any machine.",
        ),
    ),
    pipelines=(),
    backbone="dynvfx.backbones.tiny.backbone:TinyBackbone",
    rules=lambda name, folder: RULES,
    grid=TrailingGrid(train_timesteps=1000),
    trajectory_top=899,
    presets={
        "draft": replace(_STANDARD, levels=(919, 679, 439), steps=25, inversion_steps=15),
        "standard": _STANDARD,
        "reference": replace(_STANDARD, inversion="reference", inversion_steps=250),
    },
    segmenter=NAME,
    own_segmenter="dynvfx.backbones.tiny.segmenter:TinySegmenter",
    memory=MemoryModel(main_memory=3_000_000_000),
    vocabulary=VOCABULARY,
    shipped=WEIGHTS,
)
