"""The method from request to outcome: `generate` yields an event after every stored unit of work (METHOD 1.1).

The generator can be closed at any event, and its process killed at any moment: called again with the same request, clip
and store it goes on from the last stored state and ends with the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from dynvfx.backbones.base import Backbone
from dynvfx.edits.checks import check
from dynvfx.edits.iterations import Iterations
from dynvfx.edits.preparation import Preparation
from dynvfx.out_of_memory import explained_memory
from dynvfx.progress.events import Event
from dynvfx.request import Request
from dynvfx.segmentation.base import Segmenter
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
    """Make one take of `source` uint8 [F, H, W, 3] on the request's geometry; the last event is the Outcome.

    `preview_every` n > 0 decodes the model's estimate of the clean clip every n steps; previews never change a take.
    `parent` holds the latents float32 [f, C, h, w] of the finished take that a follow-up starts from (`request.parent`
    names it): refinement begins there instead of at the source, and what the parent added stays part of the edit.
    `painted` bool [F, H, W] is the painted mask (`request.mask` names it) on every frame: it is the edit mask of every
    iteration and of the outcome, and outside of it the source stays.

    Raises BadRequest, ObjectAbsent, OutOfMemory, and StateNotSaved from the store.
    """
    check(request, source, backbone, parent, painted)
    with explained_memory(backbone.device):
        preparation = Preparation(request, source, backbone, segmenter, store, parent, painted)
        yield from preparation.segment()
        yield from preparation.encode()
        yield from preparation.invert()
        iterations = Iterations(preparation, preview_every)
        yield from iterations.run()
        yield from iterations.finish()
