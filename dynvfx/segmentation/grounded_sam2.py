"""GroundingDINO finds boxes for phrases in some frames, SAM 2.1 turns them into masks in all frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from dynvfx.segmentation.base import Segmenter
from dynvfx.segmentation.grounding import BoxFinder, Found
from dynvfx.segmentation.registry import GROUNDING_DINO, SAM2
from dynvfx.segmentation.sam2_clip import ClipPredictor, build_predictor
from dynvfx.segmentation.weights import read_weights

_CONFIGURATION, _WEIGHTS = "sam2.1_hiera_l.yaml", "sam2.1_hiera_large.pt"
KEY_FRAMES = 5
_ALREADY_COVERED = 0.5
"""A box shows a known object again when the part of its mask inside the box spans this share of the box."""


class GroundedSam2Segmenter(Segmenter):
    """Text-prompted segmentation with open weights.

    The detector looks at KEY_FRAMES frames, once for all phrases. SAM 2.1's image encoder sees each frame once, for all
    phrases and objects (PERFORMANCE L4). A phrase without a box in any key frame is absent: its row stays zero.

    A folder holds `detector/` (transformers format), and `sam2.yaml` with `sam2.safetensors` or `sam2.pt`.
    """

    name = "grounded-sam2"

    def __init__(self, folder: Path | None = None, device: torch.device | str = "cpu", threshold: float = 0.3) -> None:
        """Weights from `folder`, or from the hub by name. Raises ModelUnavailable."""
        self.device = torch.device(device)
        self.finder = BoxFinder(str(folder / "detector") if folder else GROUNDING_DINO, self.device, threshold)
        source = str(folder or SAM2)
        with read_weights("SAM 2.1", source):
            self.predictor: ClipPredictor = build_predictor(*(_files(folder) if folder else _fetched()), self.device)

    @torch.inference_mode()
    def segment(self, frames: torch.Tensor, phrases: Sequence[str]) -> torch.Tensor:
        """Masks float32 [P, F, H, W] with values 0 and 1, of `frames` uint8 [F, H, W, 3]."""
        masks = np.zeros((len(phrases), *frames.shape[:3]), bool)
        if phrases:
            pictures = frames.cpu()
            found = self.finder.find(pictures.numpy(), key_frames(len(frames)), phrases)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                self._track(pictures, found, masks)
        return torch.from_numpy(masks).float()

    def _track(self, frames: torch.Tensor, found: list[Found], masks: np.ndarray) -> None:
        """Adds every found object's masks to the rows of `masks` bool [P, F, H, W], the surest box first."""
        clip = None
        for item in found:
            if _covers(masks[item.phrase, item.frame], item.box):
                continue
            clip = self.predictor.open_clip(frames) if clip is None else clip
            # One object at a time: an object that a surer box led to swallows the other boxes that show it.
            self.predictor.reset_state(clip)
            self.predictor.add_new_points_or_box(clip, item.frame, obj_id=1, box=np.array(item.box, np.float32))
            for reverse in (False, True):
                for index, _, logits in self.predictor.propagate_in_video(clip, item.frame, reverse=reverse):
                    masks[item.phrase, index] |= (logits[0, 0] > 0).cpu().numpy()


def key_frames(frames: int) -> list[int]:
    """At most KEY_FRAMES frame indices, evenly spaced, first and last among them."""
    return sorted({round(index) for index in np.linspace(0, frames - 1, min(KEY_FRAMES, frames))})


def _covers(mask: np.ndarray, box: tuple[float, float, float, float]) -> bool:
    """Whether the part of `mask` bool [H, W] inside `box` spans most of it."""
    left, top, right, bottom = (round(side) for side in box)
    inside = mask[top : bottom + 1, left : right + 1]
    if not inside.any():
        return False
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    spanned = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    return spanned > _ALREADY_COVERED * inside.size


def _files(folder: Path) -> tuple[Path, Path]:
    weights = folder / "sam2.safetensors"
    return folder / "sam2.yaml", weights if weights.exists() else folder / "sam2.pt"


def _fetched() -> tuple[Path, Path]:
    import sam2
    from huggingface_hub import hf_hub_download

    configuration = Path(sam2.__path__[0]) / "configs" / "sam2.1" / _CONFIGURATION
    return configuration, Path(hf_hub_download(SAM2, _WEIGHTS))
