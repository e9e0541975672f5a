"""The windows of the CogVideoX models, read from their configuration without loading them (or torch)."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

from dynvfx.errors import ModelUnavailable
from dynvfx.geometry import GeometryRules


def cogvideox_rules(
    *,
    frames: int,
    height: int,
    width: int,
    patch: int,
    patch_frames: int,
    spatial_ratio: int,
    temporal_ratio: int,
) -> GeometryRules:
    """The window of a CogVideoX model: `frames` pixel frames and `height` x `width` latent pixels are its sample."""
    # CogVideoX 1.5 joins latent frames in pairs, takes many sizes, and was trained on longer clips at twice the rate.
    newer = patch_frames > 1
    return GeometryRules(
        frame_step=2 * temporal_ratio * patch_frames,
        min_frames=2 * temporal_ratio * patch_frames + 1,
        max_frames=81 if newer else frames,
        size_multiple=spatial_ratio * patch,
        area=768 * 1360 if newer else height * width * spatial_ratio**2,
        rate=Fraction(16 if newer else 8),
    )


COGVIDEOX_5B_RULES = cogvideox_rules(
    frames=49, height=60, width=90, patch=2, patch_frames=1, spatial_ratio=8, temporal_ratio=4
)
"""Of CogVideoX-5B and 2B as published, for when their folder is not on this machine yet."""


def window(name: str, folder: Path | None) -> GeometryRules | None:
    """The window of the model called `name`, from its folder where it is on this machine; see Family.rules."""
    if folder is not None:
        return rules_of_folder(folder)
    # The 1.5 models state their sample size in their folders only.
    return None if "1.5" in name else COGVIDEOX_5B_RULES


def rules_of_folder(folder: Path) -> GeometryRules:
    """The window of the CogVideoX model in `folder`. Raises ModelUnavailable."""
    try:
        transformer = json.loads((folder / "transformer" / "config.json").read_text("utf-8"))
        vae = json.loads((folder / "vae" / "config.json").read_text("utf-8"))
        return cogvideox_rules(
            frames=transformer["sample_frames"],
            height=transformer["sample_height"],
            width=transformer["sample_width"],
            patch=transformer["patch_size"],
            patch_frames=transformer.get("patch_size_t") or 1,
            spatial_ratio=2 ** (len(vae["block_out_channels"]) - 1),
            temporal_ratio=int(vae["temporal_compression_ratio"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(
            f"{folder} holds no model of a known family.", f"Its configuration cannot be read: {error}"
        ) from error
