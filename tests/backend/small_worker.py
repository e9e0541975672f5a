"""A worker with the small models: `python -m tests.backend.small_worker`.

`DYNVFX_TEST_COUNTS` names a file that gets a line for every model that is opened and every forward. The model "slow"
takes a while to open, "full" has no memory left for the first forward unless its footprint is small, "broken" has a
mistake in it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import torch

from backend.worker import main
from dynvfx.anchors import AnchorPass
from dynvfx.segmentation.base import Segmenter
from tests.backend.small_jobs import NoiseSegmenter
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

    def use_small_footprint(self) -> None:
        self._is_small = True

    def predict(
        self, latents: torch.Tensor, timestep: int, text: torch.Tensor, anchors: AnchorPass | None = None
    ) -> torch.Tensor:
        row = "plain" if anchors is None else "record" if anchors.recording else "extend"
        note(f"forward {row} {timestep}")
        if self._asked == "full" and not self._is_small:
            raise torch.OutOfMemoryError("no memory is left")
        if self._asked == "broken":
            raise ZeroDivisionError("a mistake")
        return super().predict(latents, timestep, text, anchors)


def open_backbone(name: str, device: str | None = None, *, download: bool = False) -> NotingBackbone:
    """The small backbone, whatever the name."""
    note(f"open {name}")
    if name == "slow":
        time.sleep(3)
    return NotingBackbone(name)


def open_segmenter(name: str, device: str | None = None) -> Segmenter:
    """Finds red balloons in noise."""
    note(f"segmenter {name}")
    return NoiseSegmenter()


if __name__ == "__main__":
    sys.exit(main(open_backbone=open_backbone, open_segmenter=open_segmenter))
