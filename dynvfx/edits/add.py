"""Adding content that the clip does not hold (DynVFX): it must appear, and look-alikes in the clip are not it."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dynvfx.backbones.base import Backbone
from dynvfx.engine.checks import check
from dynvfx.engine.edit import Edit
from dynvfx.engine.inputs import Inputs
from dynvfx.engine.take import make_take
from dynvfx.errors import ObjectAbsent
from dynvfx.masks.edit_limits import EditLimits
from dynvfx.masks.latent_masks import opening
from dynvfx.masks.source_masks import SourceMasks
from dynvfx.progress.events import Event, Notice, Preview, Progress
from dynvfx.progress.timings import Timings
from dynvfx.request import Request
from dynvfx.segmentation.base import Segmenter
from dynvfx.state.keys import clip_digest
from dynvfx.state.store import StateStore


def generate(
    request: Request,
    source: torch.Tensor,
    backbone: Backbone,
    segmenter: Segmenter,
    store: StateStore,
    *,
    preview_every: int = 0,
    parent: torch.Tensor | None = None,
    painted: torch.Tensor | None = None,
) -> Iterator[Event]:
    """Make one take with new content; the last event is the Outcome.

    request: the take, fully described.
    source: the clip, uint8 [F, H, W, 3] on the request's geometry.
    store: where states are kept; the same request, clip and store continue from the last stored state.
    preview_every: n > 0 decodes the model's estimate of the clean clip every n steps; previews never change a take.
    parent: latents float32 [f, C, h, w] of the finished take that a follow-up starts from (`request.parent` names it):
        refinement begins there instead of at the source, and what the parent added stays part of the edit.
    painted: the painted mask, bool [F, H, W] (`request.mask` names it): it is the edit mask of every iteration and of
        the outcome, and outside of it the source stays.

    Raises BadRequest, ObjectAbsent, OutOfMemory, and StateNotSaved from the store.
    """
    inputs = Inputs(request, source, backbone, store, parent, painted)
    check(inputs)
    limits = EditLimits(request, source.shape[:3], backbone, painted)
    edit = Addition(request, source, limits, segmenter, store)
    yield from make_take(inputs, edit, segmenter.name, preview_every)


class Addition(Edit):
    """The plan's target object in the clip `source` uint8 [F, H, W, 3].

    look_alikes: bool [F, H, W], what the target's phrase already finds in the source, where the edit may be.
    """

    look_alikes: torch.Tensor

    def __init__(
        self, request: Request, source: torch.Tensor, limits: EditLimits, segmenter: Segmenter, store: StateStore
    ) -> None:
        self.limits = limits
        self._request, self._plan, self._segmenter = request, request.plan, segmenter
        self._search = SourceMasks(request.plan, source, clip_digest(source), segmenter, store)

    def segment(self, timings: Timings) -> Iterator[Event]:
        """Find the source objects, and whatever looks like the target already."""
        masks = self._search.stored()
        if masks is None:
            with timings.work("segmenting", "segment"):
                masks = self._search.find()
        self.source_mask = masks[:-1].any(dim=0)
        # Whoever paints the mask has seen what the clip holds there.
        self.look_alikes = masks[-1] & self.limits.pixels & (self.limits.painted is None)
        for phrase, mask in zip(self._plan.source_objects, masks[:-1], strict=True):
            if not mask.any():
                yield Notice("source_object_absent", f"“{phrase}” was not found in the clip; it will not be an anchor.")
        if self.look_alikes.any() and self._plan.scope == "object":
            text = f"The clip already holds something like “{self._plan.target_object}”; it is left out of the edit."
            yield Notice("look_alike", text)
        yield Progress("segmenting", 1, 1)
        yield Preview("source_mask", self.source_mask.float())

    def find(self, frames: torch.Tensor) -> torch.Tensor:
        """O_edit in `frames` without look-alikes of the source, specks, and all outside the limits.

        Full-frame content may well be named by something that the source already shows (more snow, thicker fog).
        """
        mask = self._segmenter.segment(frames, (self._plan.target_object,))[0].cpu() >= 0.5
        if self._plan.scope == "object":
            mask &= ~self.look_alikes
        return opening(mask) & self.limits.pixels

    def lost(self, iteration: int) -> str:
        return f"Iteration {iteration} lost “{self._plan.target_object}”; the result of the iteration before is kept."

    def retry(self, attempt: int, level: float) -> str:
        first, tries = self._request.levels[0], self._request.retries + 1
        how = "other noise" if level == first else f"other noise and a higher level ({level} instead of {first})"
        return f"“{self._plan.target_object}” did not appear; trying again with {how} (attempt {attempt} of {tries})."

    def absent(self, attempts: int) -> ObjectAbsent:
        tries = "one attempt" if attempts == 1 else f"{attempts} attempts"
        limited = self.limits.box is not None
        where = " where the edit may be" if limited else ""
        return ObjectAbsent(
            f"“{self._plan.target_object}” did not appear in the result after {tries}.",
            f"The model drew nothing{where} that the segmentation recognises under this name.",
            ("Give it a larger box or mask and name that place in the plan, or name " if limited else "Name ")
            + "the object more plainly in the plan, describe it earlier in the composite caption, "
            "keep fewer anchors, start from a higher noise level, or try another seed.",
        )
