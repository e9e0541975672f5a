"""What the plan's phrases name in the clip, as pictures for a person who judges the plan."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from backend.delivery.conform import Conform
from backend.jobs.take_making import write_picture
from contract.events import FoundMask, MasksFound
from dynvfx.masks.source_masks import SourceMasks

SOURCE_COLOUR, TARGET_COLOUR = (0, 200, 120), (255, 90, 60)
"""For what stays in front of the new content, and for what looks like it already."""
STRENGTH = 0.55


def show_masks(search: SourceMasks, conform: Conform, folder: Path) -> MasksFound:
    """Search, unless an earlier run has, and write `folder`/01.png ... for the phrases that were found, in their order.

    Raises what the segmenter raises, StateNotSaved, OSError.
    """
    masks = search.stored()
    if masks is None:
        masks = search.find()
    for outdated in folder.glob("*.png"):
        outdated.unlink()
    found = []
    for number, (phrase, mask) in enumerate(zip(search.phrases, masks, strict=True), start=1):
        is_target = number == len(search.phrases)
        path, frame = folder / f"{number:02d}.png", int(mask.flatten(1).sum(dim=1).argmax())
        if mask.any():
            colour = TARGET_COLOUR if is_target else SOURCE_COLOUR
            write_picture(path, _coloured(search.source[frame], mask[frame], colour), conform)
        found.append(
            FoundMask(
                phrase=phrase,
                role="target" if is_target else "source",
                coverage=round(float(mask.float().mean()), 6),
                frame=conform.positions[frame],
                path=str(path) if mask.any() else None,
            )
        )
    return MasksFound(masks=found)


def _coloured(picture: torch.Tensor, mask: torch.Tensor, colour: tuple[int, int, int]) -> np.ndarray:
    """`picture` uint8 [H, W, 3] with `colour` over bool [H, W]."""
    plain = picture.float()
    tinted = plain * (1 - STRENGTH) + torch.tensor(colour) * STRENGTH
    return torch.where(mask[..., None], tinted, plain).round().to(torch.uint8).numpy()
