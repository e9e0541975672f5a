"""SAM 2.1 tracking on frames in memory, each frame encoded once however many objects are tracked."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from sam2.sam2_video_predictor import SAM2VideoPredictor
from torch.nn.functional import interpolate

from dynvfx.errors import ModelUnavailable

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ClipPredictor(SAM2VideoPredictor):
    """The package's video predictor, opened on a tensor instead of a folder of JPEGs (which would cost quality)."""

    def open_clip(self, frames: torch.Tensor) -> dict[str, Any]:
        """The state that the predictor's other methods take, for `frames` uint8 [F, H, W, 3]."""
        pictures = frames.permute(0, 3, 1, 2).float() / 255
        pictures = interpolate(pictures, (self.image_size, self.image_size), mode="bilinear", antialias=True)
        pictures = (pictures - torch.tensor(_MEAN).view(3, 1, 1)) / torch.tensor(_DEVIATION).view(3, 1, 1)
        tables = (
            "point_inputs_per_obj",
            "mask_inputs_per_obj",
            "cached_features",
            "constants",
            "output_dict_per_obj",
            "temp_output_dict_per_obj",
            "frames_tracked_per_obj",
            "every_feature",
        )
        return {
            **{name: {} for name in tables},
            "images": pictures,
            "num_frames": len(frames),
            "offload_video_to_cpu": True,
            "offload_state_to_cpu": False,
            "video_height": frames.shape[1],
            "video_width": frames.shape[2],
            "device": self.device,
            "storage_device": self.device,
            "obj_id_to_idx": OrderedDict(),
            "obj_idx_to_id": OrderedDict(),
            "obj_ids": [],
        }

    def _get_image_feature(self, inference_state: dict[str, Any], frame_idx: int, batch_size: int) -> tuple:
        # The package keeps one frame; going forwards, backwards and again for another object would encode all anew.
        kept = inference_state["every_feature"]
        inference_state["cached_features"] = {frame_idx: kept[frame_idx]} if frame_idx in kept else {}
        features = super()._get_image_feature(inference_state, frame_idx, batch_size)
        kept.update(inference_state["cached_features"])
        return features


def build_predictor(configuration: Path, weights: Path, device: torch.device) -> ClipPredictor:
    """The predictor that a SAM 2 configuration (YAML) describes, with weights from a checkpoint or safetensors file.

    Raises ModelUnavailable for a configuration that names classes outside the sam2 package.
    """
    from hydra.utils import instantiate

    model = OmegaConf.load(configuration).model
    _check_classes(model, configuration)
    model._target_ = f"{ClipPredictor.__module__}.{ClipPredictor.__qualname__}"
    # A still mask is replaced by one of several candidates; the memory sees what a box gave as a mask, not as logits.
    model.setdefault("sam_mask_decoder_extra_args", {}).update(
        dynamic_multimask_via_stability=True,
        dynamic_multimask_stability_delta=0.05,
        dynamic_multimask_stability_thresh=0.98,
    )
    model.binarize_mask_from_pts_for_mem_enc = True
    predictor = instantiate(model)
    predictor.load_state_dict(_state(weights))
    return predictor.to(device).eval()


def _state(weights: Path) -> dict[str, torch.Tensor]:
    if weights.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(weights)
    return torch.load(weights, map_location="cpu", weights_only=True)["model"]


def _check_classes(node: Any, configuration: Path) -> None:
    """Only classes of sam2 may be built: a configuration from elsewhere could name any function on this machine."""
    values = node.values() if isinstance(node, DictConfig) else node
    if isinstance(node, DictConfig):
        target = node.get("_target_", "sam2.")
        if not str(target).startswith("sam2."):
            raise ModelUnavailable(
                f"The configuration {configuration} is not one of SAM 2.",
                f"It names {target}, which is outside the sam2 package and will not be run.",
                "Use the configuration that belongs to the weights.",
            )
    for value in values:
        if isinstance(value, DictConfig) or OmegaConf.is_list(value):
            _check_classes(value, configuration)
