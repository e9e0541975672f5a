"""From masks of pixels to masks of latents and tokens (METHOD 1.6), all deterministic.

Pixel masks are float32 or bool [F, H, W] with values in [0, 1]; latent masks are bool [f, h, w].
"""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d, max_pool2d, max_pool3d

from dynvfx.backbones.base import Backbone

Region = tuple[float, float, float, float]


def opening(mask: torch.Tensor) -> torch.Tensor:
    """3x3 morphological opening of each frame: specks thinner than three pixels go, larger shapes stay."""
    grey = mask.float()[:, None]
    # Beyond the border counts as inside for the erosion, so that objects cut by the frame keep their edge.
    eroded = -max_pool2d(-grey, 3, stride=1, padding=1)
    return max_pool2d(eroded, 3, stride=1, padding=1)[:, 0].to(mask.dtype)


def inside(region: Region | None, shape: tuple[int, int, int] | torch.Size) -> torch.Tensor:
    """Bool [F, H, W], True inside the box (left, top, right, bottom) in fractions of the frame; all True for None."""
    frames, height, width = shape
    box = torch.ones(height, width, dtype=torch.bool)
    if region is not None:
        left, top, right, bottom = region
        x = (torch.arange(width) + 0.5) / width
        y = (torch.arange(height) + 0.5) / height
        box = ((y >= top) & (y <= bottom))[:, None] & ((x >= left) & (x <= right))[None]
    return box.expand(frames, height, width)


def coverage(mask: torch.Tensor, temporal_ratio: int, spatial_ratio: int) -> torch.Tensor:
    """Share of each latent cell that the mask covers, float32 [f, h, w].

    Latent frame 0 covers pixel frame 0; latent frame j covers pixel frames (j-1) r + 1 .. j r.
    """
    cells = avg_pool2d(mask.float()[:, None], spatial_ratio)[:, 0]
    rest = cells[1:]
    if rest.shape[0] % temporal_ratio:
        raise ValueError(f"{mask.shape[0]} frames: need a multiple of {temporal_ratio}, plus one")
    return torch.cat((cells[:1], rest.unflatten(0, (-1, temporal_ratio)).mean(dim=1)))


def latent_mask(mask: torch.Tensor, backbone: Backbone, threshold: float, reach: int = 0) -> torch.Tensor:
    """Latent cells covered by more than `threshold`, bool [f, h, w], united over `reach` latent frames to either side.

    The result has the frame count of the backbone's latents (`leading_latents` copies of the first frame in front).
    """
    cells = coverage(mask, backbone.temporal_ratio, backbone.spatial_ratio) > threshold
    if reach:
        window = (2 * reach + 1, 1, 1)
        cells = max_pool3d(cells.float()[None], window, stride=1, padding=(reach, 0, 0))[0] > 0
    return torch.cat((cells[:1].expand(backbone.leading_latents, -1, -1), cells))


def token_mask(latents: torch.Tensor, backbone: Backbone) -> torch.Tensor:
    """Tokens that hold at least one cell of a latent mask, bool [f / patch_frames, h / patch, w / patch]."""
    window = (backbone.patch_frames, backbone.patch, backbone.patch)
    return max_pool3d(latents.float()[None], window)[0] > 0


def pixels_of(latents: torch.Tensor, backbone: Backbone) -> torch.Tensor:
    """The pixels that a latent mask's cells cover, bool [F, H, W]: the inverse of the pooling."""
    own = latents[backbone.leading_latents :]
    frames = torch.cat((own[:1], own[1:].repeat_interleave(backbone.temporal_ratio, dim=0)))
    ratio = backbone.spatial_ratio
    return frames.repeat_interleave(ratio, dim=1).repeat_interleave(ratio, dim=2)
