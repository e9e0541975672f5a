"""Whole jobs that take a second: a grey movie, the small random transformer, a segmenter that knows grey from noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

import backend.jobs.take_job
from dynvfx.segmentation.base import Segmenter
from tests.dynvfx.doubles import SmallBackbone

FRAMES, HEIGHT, WIDTH, RATE = 9, 32, 48, 8
INSTRUCTION = "add a red balloon on the left"
TARGET = "red balloon"


class NoiseSegmenter(Segmenter):
    """Finds the target in the left half of every clip that is not plain grey; nothing else anywhere."""

    name = "noise"

    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        masks = torch.zeros(len(phrases), *frames.shape[:3])
        if frames.float().std() > 3:
            for row, phrase in enumerate(phrases):
                if phrase == TARGET:
                    masks[row, :, 2:-2, 2 : frames.shape[2] // 2] = 1
        return masks


class BlindSegmenter(Segmenter):
    """Finds nothing."""

    name = "blind"

    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        return torch.zeros(len(phrases), *frames.shape[:3])


def write_movie(path: Path, frames: int = FRAMES, *, grey: int = 120, sound_only: bool = False) -> Path:
    """A movie of plain grey pictures, or one with silence and no picture."""
    with av.open(str(path), "w") as container:
        if sound_only:
            stream = container.add_stream("aac", rate=48000, layout="mono")
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), "fltp", "mono")
            sound.sample_rate = 48000
            container.mux(stream.encode(sound))
            container.mux(stream.encode())
            return path
        stream = container.add_stream("libx264", rate=Fraction(RATE))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for _ in range(frames):
            picture = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), grey, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def use_small_models(patch: pytest.MonkeyPatch, segmenter: Callable[[], Segmenter] = NoiseSegmenter) -> None:
    """Jobs open the small models, whatever names they ask for."""
    patch.setattr(backend.jobs.take_job, "open_backbone", lambda name, download=False: SmallBackbone())
    patch.setattr(backend.jobs.take_job, "open_segmenter", lambda name: segmenter())


def use_no_models(patch: pytest.MonkeyPatch) -> None:
    """Jobs that open a model fail."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model was opened")

    patch.setattr(backend.jobs.take_job, "open_backbone", refuse)
    patch.setattr(backend.jobs.take_job, "open_segmenter", refuse)
