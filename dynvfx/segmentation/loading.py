"""Opens a segmenter by name or from a folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from pkgutil import resolve_name

import torch

from contract.errors import BadRequest
from dynvfx.device import APPLE, best_device
from dynvfx.errors import ModelUnavailable
from dynvfx.segmentation.base import Segmenter
from dynvfx.segmentation.motion import MotionAugmentedSegmenter, MotionSegmenter
from dynvfx.segmentation.processor_fallback import ProcessorFallback
from dynvfx.segmentation.registry import OWN_SEGMENTERS, SEGMENTERS

_log = logging.getLogger(__name__)


def open_segmenter(name: str, device: torch.device | str | None = None) -> Segmenter:
    """The segmenter called `name`: one of SEGMENTERS, or a folder with weights of SAM 3 or of GroundingDINO + SAM 2.1.

    `device` None takes the best one: see `dynvfx.device`. When SAM 3 cannot be had, grounded-sam2 replaces it; the
    segmenter's `remarks` say so. Raises BadRequest for an unknown name, ModelUnavailable without weights.
    """
    chosen = torch.device(device) if device is not None else best_device()
    if name in OWN_SEGMENTERS:
        return resolve_name(OWN_SEGMENTERS[name])()
    if name == "motion":
        return MotionSegmenter()
    if name == "sam3":
        return MotionAugmentedSegmenter(_opened(_sam3_or_stand_in, chosen))
    if name == "grounded-sam2":
        return MotionAugmentedSegmenter(_opened(partial(_grounded_sam2, None), chosen))
    if Path(name).is_dir():
        return MotionAugmentedSegmenter(_opened(partial(_from_folder, Path(name)), chosen))
    raise BadRequest(
        f"There is no segmenter called {name!r}.",
        remedy=f"Choose one of: {', '.join(SEGMENTERS)}, or a folder with weights.",
    )


def _opened(open_on: Callable[[torch.device], Segmenter], device: torch.device) -> Segmenter:
    return ProcessorFallback(open_on) if device.type == APPLE else open_on(device)


def _sam3_or_stand_in(device: torch.device) -> Segmenter:
    from dynvfx.segmentation.sam3 import Sam3Segmenter

    try:
        return Sam3Segmenter(device=device)
    except ModelUnavailable as error:
        try:
            stand_in = _grounded_sam2(None, device)
        except ModelUnavailable as second:
            raise ModelUnavailable(error.what, f"{error.why} {second.what}", error.remedy) from second
        remark = f"{error.what} GroundingDINO and SAM 2.1 find the objects in its place. {error.remedy}"
        _log.warning(remark)
        stand_in.remarks = (remark,)
        return stand_in


def _grounded_sam2(folder: Path | None, device: torch.device) -> Segmenter:
    from dynvfx.segmentation.grounded_sam2 import GroundedSam2Segmenter

    return GroundedSam2Segmenter(folder, device)


def _from_folder(folder: Path, device: torch.device) -> Segmenter:
    if (folder / "sam2.yaml").exists() and (folder / "detector").is_dir():
        return _grounded_sam2(folder, device)
    configuration = folder / "config.json"
    if configuration.exists() and json.loads(configuration.read_text("utf-8")).get("model_type") == "sam3_video":
        from dynvfx.segmentation.sam3 import Sam3Segmenter

        return Sam3Segmenter(str(folder), device)
    raise ModelUnavailable(
        f"The folder {folder} holds no segmenter.",
        "Neither a config.json of SAM 3 nor detector/ with sam2.yaml is there.",
        "Give the folder that holds the weights themselves.",
    )
