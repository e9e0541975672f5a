"""Where the edit of a take may be: inside a box, and as a person painted it (METHOD 1.1 step 4, 1.6)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from dynvfx.backbones.base import Backbone
from dynvfx.masks.latent_masks import Region, inside, latent_mask, pixels_of
from dynvfx.request import Request


@dataclass(frozen=True)
class Composite:
    """What an iteration leaves: `latents` is x_comp, `cells` bool [f, h, w] where it differs from the source, `mask`
    bool [F, H, W] the same in pixels."""

    latents: torch.Tensor
    cells: torch.Tensor
    mask: torch.Tensor


class EditLimits:
    """The limits of one request on frames of `shape` [F, H, W].

    `painted` bool [F, H, W] is the painted mask on every frame; None without one. The edit mask of every
    iteration then is what was painted, not what segmentation finds.
    """

    def __init__(
        self,
        request: Request,
        shape: tuple[int, int, int] | torch.Size,
        backbone: Backbone,
        painted: torch.Tensor | None,
    ) -> None:
        self._backbone, self.painted = backbone, painted
        box = inside(request.region, shape)
        self.pixels = box if painted is None else box & painted
        """Bool [F, H, W]: new content may be here."""
        self.cells = latent_mask(self.pixels, backbone, request.coverage)
        """Bool [f, h, w]: the residual may differ from zero here, by the rule that makes masks into cells."""
        self._changeable = latent_mask(box, backbone, request.coverage)
        if request.region is None:
            self._changeable = torch.ones_like(self._changeable)
            self.cells = self.cells if painted is not None else self._changeable

    @property
    def box(self) -> Region | None:
        """The box around all that may change, in fractions of the frame; None when everything may."""
        if self.pixels.all() or not self.pixels.any():
            return None
        rows, columns = (torch.nonzero(self.pixels.any(dim=0).any(dim=axis)).flatten() for axis in (1, 0))
        height, width = self.pixels.shape[1:]
        return (
            columns[0].item() / width,
            rows[0].item() / height,
            (columns[-1].item() + 1) / width,
            (rows[-1].item() + 1) / height,
        )

    def compose(
        self,
        source: torch.Tensor,
        sampled: torch.Tensor,
        found: torch.Tensor,
        cells: torch.Tensor,
        parent: torch.Tensor | None,
        parent_cells: torch.Tensor,
    ) -> Composite:
        """x_comp of one iteration: x_orig + M (x_hat - x_orig) where the edit may be, the parent take elsewhere.

        `found` bool [F, H, W] and its latent mask `cells` are the object in x_hat `sampled`, within the limits;
        `parent_cells` is where the latents `parent` differ from `source`. Without a parent, what is outside of the
        limits is the source bit for bit.
        """
        kept = parent_cells & ~self._changeable
        if self.painted is not None:
            edited, mask = self.cells, self.pixels
        else:
            again = parent_cells & self._changeable
            edited, mask = cells | again, found | pixels_of(again, self._backbone)
        latents = composite_latents(source, sampled, edited)
        if parent is not None:
            latents = torch.where(kept[:, None], parent, latents)
        return Composite(latents, edited | kept, mask | pixels_of(kept, self._backbone))


def composite_latents(source: torch.Tensor, sampled: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """x_comp = x_orig + M (x_hat - x_orig): the source exactly outside the mask [f, h, w]."""
    return torch.where(mask[:, None], source + (sampled - source), source)
