"""What must be in a folder in diffusers' pipeline layout, and what its model card says; imports no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dynvfx.errors import ModelUnavailable

WEIGHTS = ("transformer", "vae", "text_encoder")
REMEDY = "Fetch the model again: files that are already there are kept."


def pipeline_of(folder: Path) -> str | None:
    """The pipeline's class name in model_index.json. Raises ModelUnavailable when there is no such file."""
    if not folder.is_dir():
        raise ModelUnavailable(f"There is no folder {folder}.", remedy="Give the folder of a model, or a model's name.")
    return _json(folder, "model_index.json").get("_class_name")


def check_parts(folder: Path) -> None:
    """Raise ModelUnavailable, naming what is missing, unless `folder` holds all parts of a pipeline."""
    pipeline_of(folder)
    _json(folder, "scheduler/scheduler_config.json")
    for part in WEIGHTS:
        _json(folder, f"{part}/config.json")
        _check_weights(folder, part)
    if not any((folder / "tokenizer" / name).is_file() for name in ("tokenizer.json", "spiece.model")):
        raise _missing(folder, "tokenizer/spiece.model")


def stated_licence(folder: Path) -> str | None:
    """The licence that the model's card states; None without a card or a statement in it."""
    card = folder / "README.md"
    if not card.is_file():
        return None
    # It takes seconds to import, which a backend that is starting does not have.
    from huggingface_hub import ModelCard

    data = ModelCard(card.read_text(encoding="utf-8", errors="replace"), ignore_metadata_errors=True).data
    stated = [str(text) for text in (data.get("license_name"), data.get("license")) if text]
    return stated[0] if stated and stated[0] != "other" else None


def _check_weights(folder: Path, part: str) -> None:
    indices = sorted((folder / part).glob("*.safetensors.index.json"))
    if indices:
        shards = set(_json(folder, f"{part}/{indices[0].name}").get("weight_map", {}).values())
        absent = sorted(shard for shard in shards if not (folder / part / shard).is_file())
        if absent:
            raise _missing(folder, f"{part}/{absent[0]}")
    elif not any((folder / part).glob("*.safetensors")):
        raise _missing(folder, f"{part}/*.safetensors")


def _json(folder: Path, name: str) -> dict[str, Any]:
    try:
        values = json.loads((folder / name).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _missing(folder, name) from error
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"{folder / name} cannot be read.", str(error), REMEDY) from error
    if not isinstance(values, dict):
        raise ModelUnavailable(f"{folder / name} cannot be read.", "It is not a JSON object.", REMEDY)
    return values


def _missing(folder: Path, name: str) -> ModelUnavailable:
    return ModelUnavailable(f"The model in {folder} is not complete: {name} is missing.", "", REMEDY)
