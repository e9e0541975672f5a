"""A worker with the small models: `python -m tests.backend.worker.small_worker`.

`DYNVFX_TEST_COUNTS` names a file that gets a line for every model that is opened, every forward and every search for
masks. Some models are special: "slow" takes a while to open, "full" has no memory left for the first forward unless its
footprint is small, "broken" has a mistake in it, "gated:5" waits in its fifth forward until a file beside the counts
appears (its name ends in .gate).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from backend.worker.main import main
from dynvfx.attention.anchors import AnchorPass
from dynvfx.segmentation.base import Segmenter
from tests.backend.jobs.small_jobs import NoiseSegmenter
from tests.dynvfx.doubles import SmallBackbone


def note(line: str) -> None:
    """One write, so that a killed process leaves whole lines."""
    if "DYNVFX_TEST_COUNTS" in os.environ:
        with open(Path(os.environ["DYNVFX_TEST_COUNTS"]), "a", encoding="utf-8") as file:
            file.write(f"{line}\n")


class NotingBackbone(SmallBackbone):
    """Writes down what it does."""

    def __init__(self, asked: str) -> None:
        super().__init__()
        self._asked, self._is_small = asked, False
        self._gate = int(asked.partition(":")[2]) if asked.startswith("gated") else 0
        self._forwards = 0

    def use_small_footprint(self) -> None:
        self._is_small = True

    def predict(
        self, latents: torch.Tensor, timestep: int, text: torch.Tensor, anchors: AnchorPass | None = None
    ) -> torch.Tensor:
        row = "plain" if anchors is None else "record" if anchors.recording else "extend"
        note(f"forward {row} {timestep}")
        self._forwards += 1
        if self._forwards == self._gate:
            wait_for(Path(os.environ["DYNVFX_TEST_COUNTS"]).with_suffix(".gate"))
        if self._asked == "full" and not self._is_small:
            raise torch.OutOfMemoryError("no memory is left")
        if self._asked == "broken":
            raise ZeroDivisionError("a mistake")
        return super().predict(latents, timestep, text, anchors)


class NotingSegmenter(NoiseSegmenter):
    """Writes down how many phrases it looks for."""

    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        note(f"search {len(phrases)}")
        return super().segment(frames, phrases)


def wait_for(path: Path) -> None:
    """Return when the file is there."""
    while not path.exists():
        time.sleep(0.02)


def open_backbone(name: str, device: str | None = None, *, download: bool = False) -> NotingBackbone:
    """The small backbone, whatever the name."""
    note(f"open {name}")
    if name == "slow":
        time.sleep(3)
    return NotingBackbone(name)


def open_segmenter(name: str, device: str | None = None) -> Segmenter:
    """Finds red balloons in noise."""
    note(f"segmenter {name}")
    return NotingSegmenter()


def work() -> int:
    """Be the worker; returns the exit code."""
    return main(open_backbone=open_backbone, open_segmenter=open_segmenter)


if __name__ == "__main__":
    sys.exit(work())
