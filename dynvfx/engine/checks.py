"""What a request must satisfy before any long work starts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch

from contract.errors import BadRequest
from dynvfx.backbones.base import Backbone
from dynvfx.engine.inputs import Inputs
from dynvfx.masks.edit_limits import EditLimits
from dynvfx.request import Request
from dynvfx.sampling.steps import nearest_timestep


def check(inputs: Inputs) -> None:
    """Raise BadRequest, saying what to change, unless request, clip, model, parent take and mask fit together."""
    request, source, backbone, parent = inputs.request, inputs.source, inputs.backbone, inputs.parent
    _check_clip(request, source, backbone)
    _check_levels(request, backbone.schedule.timesteps(request.steps))
    for name in ("keep_foreground", "keep_background", "coverage"):
        if not 0.0 <= getattr(request, name) <= 1.0:
            raise BadRequest(f"{name} is {getattr(request, name)}.", remedy="Choose a number from 0 to 1.")
    for name in ("retries", "mask_reach"):
        if getattr(request, name) < 0:
            raise BadRequest(f"{name} is {getattr(request, name)}.", remedy="Choose 0 or more.")
    _check_limits(request, source, backbone, inputs.painted)
    if (request.parent is None) != (parent is None):
        raise BadRequest(
            "A follow-up needs both the parent take's name and its latents.",
            remedy="Start the follow-up from a finished take.",
        )
    if parent is not None and tuple(parent.shape) != _latent_shape(source, backbone, parent.shape[1]):
        raise BadRequest(
            f"The parent take's latents {tuple(parent.shape)} do not fit this clip and model.",
            remedy="Start the follow-up from a take of the same clip, made with the same model.",
        )


def _check_clip(request: Request, source: torch.Tensor, backbone: Backbone) -> None:
    geometry = request.geometry
    wanted = (geometry.frames, geometry.height, geometry.width, 3)
    if tuple(source.shape) != wanted or source.dtype != torch.uint8:
        raise BadRequest(
            f"The clip is {source.dtype} {tuple(source.shape)}; the request says uint8 {wanted}.",
            remedy="Conform the clip to the request's geometry first.",
        )
    rules = backbone.rules
    if geometry.frames not in rules.frame_counts():
        raise BadRequest(
            f"{backbone.name} does not take {geometry.frames} frames.",
            remedy=f"Choose one of {', '.join(map(str, rules.frame_counts()))}.",
        )
    if geometry.height % rules.size_multiple or geometry.width % rules.size_multiple:
        raise BadRequest(
            f"{backbone.name} does not take pictures of {geometry.width} x {geometry.height} pixels.",
            remedy=f"Choose sides that are multiples of {rules.size_multiple}.",
        )


def _check_limits(request: Request, source: torch.Tensor, backbone: Backbone, painted: torch.Tensor | None) -> None:
    if request.region is not None:
        left, top, right, bottom = request.region
        if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):
            raise BadRequest(
                f"The region {request.region} is not a box inside the frame.",
                remedy="Give left, top, right and bottom as fractions of the frame, left < right and top < bottom.",
            )
    if (request.mask is None) != (painted is None):
        raise BadRequest(
            "A painted mask needs both its name in the request and its pixels.",
            remedy="Give the mask itself with the request that names it.",
        )
    if painted is not None and (painted.shape != source.shape[:3] or painted.dtype != torch.bool):
        raise BadRequest(
            f"The painted mask is {painted.dtype} {tuple(painted.shape)}; the clip is {tuple(source.shape[:3])}.",
            remedy="Carry the mask to the frames that the model sees first.",
        )
    if not EditLimits(request, source.shape[:3], backbone, painted).cells.any():
        what = "box" if painted is None else "painted mask" if request.region is None else "part of the mask in the box"
        side = backbone.spatial_ratio
        raise BadRequest(
            f"The {what} is too small for the model {backbone.name}.",
            f"It covers none of the cells of {side} x {side} pixels, in a frame of {source.shape[2]} x "
            f"{source.shape[1]}, that the model can change.",
            "Make it larger.",
        )


def _check_levels(request: Request, timesteps: Sequence[float]) -> None:
    levels = request.levels
    if not levels or any(a <= b for a, b in pairwise(levels)):
        raise BadRequest(f"The noise levels {levels} do not fall.", remedy="Give at least one, each below the last.")
    missing = sorted(set(levels) - set(timesteps), reverse=True)
    if missing:
        nearest = {level: nearest_timestep(level, timesteps) for level in missing}
        raise BadRequest(
            f"The noise levels {missing} are not among the {request.steps} sampling timesteps.",
            remedy="Use " + ", ".join(f"{near} for {level}" for level, near in nearest.items()) + ".",
        )


def _latent_shape(source: torch.Tensor, backbone: Backbone, channels: int) -> tuple[int, int, int, int]:
    frames, height, width, _ = source.shape
    ratio = backbone.spatial_ratio
    count = (frames - 1) // backbone.temporal_ratio + 1 + backbone.leading_latents
    return count, channels, height // ratio, width // ratio
