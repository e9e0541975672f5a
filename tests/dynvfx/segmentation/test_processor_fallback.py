"""Segmenters on an Apple GPU that lacks an operation."""

from __future__ import annotations

import pytest
import torch

from dynvfx.segmentation.base import Segmenter
from dynvfx.segmentation.processor_fallback import ProcessorFallback

FRAMES = torch.randint(0, 256, (3, 40, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


class Failing(Segmenter):
    """Fails with `error` on the GPU, and counts its calls."""

    name = "failing"

    def __init__(self, device: torch.device, error: Exception | None, calls: list[str]) -> None:
        self.device, self._error, self._calls = device, error, calls

    def segment(self, frames: torch.Tensor, phrases: object) -> torch.Tensor:
        self._calls.append(self.device.type)
        if self._error is not None and self.device.type == "mps":
            raise self._error
        return torch.ones(1, *frames.shape[:3])


def fallback(error: Exception | None) -> tuple[ProcessorFallback, list[str]]:
    calls: list[str] = []
    return ProcessorFallback(lambda device: Failing(device, error, calls)), calls


@pytest.mark.parametrize(
    "error",
    [
        NotImplementedError("The operator 'aten::grid_sampler_3d' is not currently implemented for the MPS device."),
        TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64."),
        RuntimeError("Conv3D is not supported on MPS"),
    ],
)
def test_the_processor_takes_over_once(error: Exception):
    segmenter, calls = fallback(error)
    assert segmenter.segment(FRAMES, ["dog"]).all()
    assert segmenter.segment(FRAMES, ["dog"]).all()
    assert calls == ["mps", "cpu", "cpu"]


def test_a_gpu_that_works_is_kept():
    segmenter, calls = fallback(None)
    segmenter.segment(FRAMES, ["dog"])
    segmenter.segment(FRAMES, ["dog"])
    assert calls == ["mps", "mps"]


def test_a_lack_of_memory_is_reported():
    segmenter, calls = fallback(RuntimeError("MPS backend out of memory (MPS allocated: 20.48 GiB)"))
    with pytest.raises(RuntimeError, match="out of memory"):
        segmenter.segment(FRAMES, ["dog"])
    assert calls == ["mps"]
