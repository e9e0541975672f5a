"""What makes an order another one, and the folder that its results go to when nobody names one.

Needs no torch, so that a program can know the folder of an order before it hands the order on.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dynvfx.assistant.instruction import clean_instruction
from dynvfx.backbones.families import SHIPPED, family_named
from dynvfx.segmentation.registry import FALLBACK, SEGMENTERS

if TYPE_CHECKING:
    from backend.jobs.orders import AddOrder, TakeOrder

NAMES = SHIPPED | frozenset(SEGMENTERS)
"""Names of models and segmenters, which a folder of the same name does not hide."""


def asked_of(order: TakeOrder) -> dict[str, Any]:
    """What makes an order another one; the number of takes and the way to the plan do not. Raises BadRequest."""
    asked = {
        "instruction": clean_instruction(order.instruction),
        "seed": order.seed,
        "quality": order.quality,
        "scope": order.scope,
        "assistant": order.assistant,
        "layer": order.layer,
    }
    # Orders from before there were these stay the same orders.
    limits = {"region": order.region, "levels": order.levels}
    return asked | {name: list(value) for name, value in limits.items() if value is not None}


def asked_of_add(order: AddOrder) -> dict[str, Any]:
    """`asked_of` for new content, with the models that will be used. Raises BadRequest."""
    model = model_name(order.model)
    segmenter = model_name(order.segmenter or segmenter_for(model))
    return {"kind": "add", **asked_of(order), "model": model, "segmenter": segmenter}


def location_of(order: AddOrder) -> dict[str, Any]:
    """How the clip was named, in plain values, so that it is found again from any folder."""
    return {
        "source": str(Path(order.source).absolute()),
        "clip": order.clip,
        "part": list(order.part) if order.part else None,
        "rate": str(order.rate) if order.rate else None,
        "media_folders": [str(each.absolute()) for each in order.media_folders],
    }


def output_of(order: AddOrder) -> Path:
    """The folder for an order's results: the one it names, else one in the current folder, always the same for the
    same order. Raises BadRequest."""
    return order.output or default_folder(order.source, {**asked_of_add(order), **location_of(order)}, Path.cwd())


def default_folder(source: str, order: dict[str, Any], within: Path) -> Path:
    """A folder for results that nobody named: the same for the same order, another for any other one."""
    digest = hashlib.sha256(json.dumps(order, sort_keys=True).encode()).hexdigest()[:8]
    stem = Path(source).name.split(".")[0].rstrip("%#0123456789[-]_ ") or "shot"
    return within / f"dynvfx-{stem}-{digest}"


def segmenter_for(model: str) -> str:
    """The segmenter that suits a model."""
    family = family_named(model)
    return FALLBACK if family is None else family.segmenter


def model_name(model: str) -> str:
    """A folder's full path, any other name as it is."""
    folder = Path(model).expanduser()
    return str(folder.absolute()) if model not in NAMES and folder.is_dir() else model
