"""From an order to what is submitted, every path made absolute."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bridge.wire.messages import LARGEST_MASK, AddSpec, EditedMask, RefineSpec
from contract.errors import BadUsage
from contract.plan import read_plan


def add_spec(order: Any, *, output: Path, model: str, segmenter: str | None) -> AddSpec:
    """The job of an order for new content; `model` and `segmenter` with folders as full paths. Raises BadPlan."""
    return AddSpec(
        **_shaping(order),
        segmenter=segmenter,
        source=absolute(order.source),
        clip=order.clip,
        part=order.part,
        model=model,
        output=absolute(output),
        media_folders=tuple(absolute(folder) for folder in order.media_folders),
        rate=str(order.rate) if order.rate else None,
        download=order.download,
    )


def refine_spec(order: Any, *, segmenter: str | None) -> RefineSpec:
    """The job of an order for a follow-up to a take on this machine. Raises BadPlan."""
    return RefineSpec(**_shaping(order), segmenter=segmenter, take_folder=absolute(order.take_folder), mask=order.mask)


def read_mask(path: Path, frame: int) -> EditedMask:
    """The painted mask in a file; the service checks that it is one. Raises BadUsage."""
    try:
        if path.stat().st_size > LARGEST_MASK:
            raise BadUsage(
                f"{path} is larger than {LARGEST_MASK / 1e6:.0f} MB.", remedy="Save the mask with fewer pixels."
            )
        return EditedMask(frame=frame, png=path.read_bytes())
    except OSError as error:
        raise BadUsage(f"The mask {path} cannot be read.", error.strerror or str(error), "Check its path.") from error


def absolute(path: str | os.PathLike) -> str:
    """A path from the root on, links kept, `~` being the user's folder."""
    return os.path.abspath(os.path.expanduser(path))


def _shaping(order: Any) -> dict[str, Any]:
    plan = read_plan(order.plan) if order.plan else None
    names = (
        *("instruction", "takes", "seed", "quality", "scope", "assistant", "plan_only", "layer"),
        *("region", "levels"),
    )
    return {**{name: getattr(order, name) for name in names}, "plan": plan}
