"""A segmenter on an Apple GPU that goes on to the processor where the GPU lacks one of its operations."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import torch

from dynvfx.device import APPLE, release
from dynvfx.out_of_memory import APPLE_ALLOCATOR
from dynvfx.segmentation.base import Segmenter

_log = logging.getLogger(__name__)


class ProcessorFallback(Segmenter):
    """Opens a segmenter with `open_on` on an Apple GPU, and once more on the processor after the GPU failed."""

    def __init__(self, open_on: Callable[[torch.device], Segmenter]) -> None:
        self._open_on = open_on
        self._inner = open_on(torch.device(APPLE))
        self.name, self.remarks = self._inner.name, self._inner.remarks
        self._has_failed = False

    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        """Masks float32 [P, F, H, W] in [0, 1], of `frames` uint8 [F, H, W, 3]."""
        if self._has_failed:
            return self._inner.segment(frames, phrases)
        try:
            return self._inner.segment(frames, phrases)
        except (RuntimeError, TypeError) as error:
            # A lack of memory is reported; there would be no more of it on the processor.
            if any(phrase in str(error) for phrase in APPLE_ALLOCATOR):
                raise
            _log.warning("%s goes on on the processor, because it failed on the Apple GPU: %s", self.name, error)
        del self._inner
        release()
        self._inner, self._has_failed = self._open_on(torch.device("cpu")), True
        return self._inner.segment(frames, phrases)
