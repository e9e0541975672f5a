"""Store keys by content: equal work is found again, different work never collides."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import torch

from contract.plan import Plan
from dynvfx.backbones.base import Backbone
from dynvfx.request import Request
from dynvfx.sampling.inversion import Recipe
from dynvfx.state.store import checksum


def clip_digest(frames: torch.Tensor) -> str:
    """SHA-256 of a conformed clip uint8 [F, H, W, 3]: its shape and its bytes."""
    digest = hashlib.sha256(repr(tuple(frames.shape)).encode())
    digest.update(frames.contiguous().numpy().data)
    return digest.hexdigest()


@dataclass(frozen=True)
class Keys:
    """Keys of everything that one take stores or reads."""

    clip: str
    trajectory: str
    running: str
    iterations: tuple[str, ...]
    model: str

    def text(self, prompt: str) -> str:
        """Embedding of one prompt."""
        return _key("text", self.model, prompt)

    def trajectory_at(self, timestep: float) -> str:
        """The inverted clip at one timestep."""
        return f"{self.trajectory}.{timestep}"

    @property
    def trajectory_running(self) -> str:
        """State of an unfinished inversion."""
        return f"{self.trajectory}.running"


def keys_of(
    request: Request,
    clip: str,
    backbone: Backbone,
    segmenter: str,
    recipe: Recipe | None,
    parent: torch.Tensor | None = None,
    painted: torch.Tensor | None = None,
) -> Keys:
    """Keys for `request` on the clip with digest `clip`; `segmenter` is the name of the one that finds the masks.

    The trajectory depends on clip, model and inversion alone, so every edit of the clip shares it. The state after an
    iteration depends on the levels up to it, so a take that differs only in later levels starts from there.
    """
    model = backbone.identity
    origin = checksum({"parent": parent}) if parent is not None else None
    shape = request.to_dict()
    shape.pop("notes")
    levels = shape.pop("levels")
    common = [clip, model, segmenter, origin, shape]
    if painted is not None:
        common.append(checksum({"painted": painted}))
    return Keys(
        clip=_key("clip", clip, model),
        trajectory=_key("trajectory", clip, model, recipe and [recipe.kind, recipe.knots]),
        running=_key("running", *common, levels),
        iterations=tuple(_key("iteration", *common, levels[: i + 1]) for i in range(len(levels))),
        model=model,
    )


def masks_key(plan: Plan, clip: str, segmenter: str) -> str:
    """Key of the masks that `segmenter` finds for a plan in the clip with digest `clip`."""
    return _key("masks", clip, segmenter, [*plan.source_objects, plan.target_object])


def pack(mask: torch.Tensor) -> torch.Tensor:
    """A bool mask as uint8 bits, one eighth of the bytes."""
    return torch.from_numpy(np.packbits(mask.numpy()))


def unpack(bits: torch.Tensor, shape: tuple[int, ...] | torch.Size) -> torch.Tensor:
    """The bool mask of `shape` that was packed."""
    count = int(np.prod(shape))
    return torch.from_numpy(np.unpackbits(bits.numpy(), count=count).astype(bool)).reshape(tuple(shape))


def _key(kind: str, *content: object) -> str:
    text = json.dumps(content, sort_keys=True)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:40]}"
