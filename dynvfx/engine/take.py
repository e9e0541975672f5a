"""One take of any edit, from its inputs to the outcome: an event after every stored unit of work (METHOD 1.1).

The generator can be closed at any event, and its process killed at any moment: called again with the same request, clip
and store it continues from the last stored state and ends with the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from dynvfx.engine.edit import Edit
from dynvfx.engine.inputs import Inputs
from dynvfx.engine.iterations import Iterations
from dynvfx.engine.preparation import Preparation
from dynvfx.out_of_memory import explained_memory
from dynvfx.progress.events import Event


def make_take(inputs: Inputs, edit: Edit, segmenter: str, preview_every: int = 0) -> Iterator[Event]:
    """Make one take from checked inputs; the last event is the Outcome.

    segmenter: name of the segmenter that the edit uses; stored states depend on it.
    preview_every: n > 0 decodes the model's estimate of the clean clip every n steps.

    Raises BadRequest for an inversion that does not fit, OutOfMemory, StateNotSaved from the store, and what the edit
    raises.
    """
    with explained_memory(inputs.backbone.device):
        preparation = Preparation(inputs, edit, segmenter)
        yield from preparation.segment()
        yield from preparation.encode()
        yield from preparation.invert()
        iterations = Iterations(preparation, preview_every)
        yield from iterations.run()
        yield from iterations.finish()
