"""The content's place as pictures for the shipped model: three channels beside the noisy latents.

CogVideoX's image-to-video models take their condition as extra input channels; `tiny` takes the placement named in the
caption that way. So small a model took too long to learn a place from the caption alone.
"""

from __future__ import annotations

import torch

MAP_CHANNELS = 3
GAIN = 4.0
"""Brings the channels above the noise of the latents beside them."""
NOWHERE = (0.0, 0.0, 0.0, 0.0)
"""Placement values (present, x, y, diameter) of captions without placed content."""


def placement_map(placements: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Channels float32 [B, f, 3, rows, columns] for placements float32 [B, f, 4], one for each latent frame.

    A placement is (1, x, y, diameter): centre as fractions of width and height, diameter as a fraction of the shorter
    side; all zeros give zeros. The channels are a bump at the centre, and the offsets from it in radii, faded out.
    """
    present, x, y, diameter = (placements[..., i, None, None] for i in range(4))
    radius = (diameter * min(rows, columns) / 2).clamp_min(0.5)
    across = torch.arange(columns, device=placements.device).view(1, -1) + 0.5
    down = torch.arange(rows, device=placements.device).view(-1, 1) + 0.5
    u, v = (across - x * columns) / radius, (down - y * rows) / radius
    square = u * u + v * v
    channels = torch.stack(
        [torch.exp(-0.7 * square), u * torch.exp(-0.3 * square), v * torch.exp(-0.3 * square)], dim=2
    )
    return GAIN * channels * present[:, :, None]
