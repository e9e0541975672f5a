"""What must lie in a diffusers pipeline folder, and what its papers say."""

from __future__ import annotations

import json
from pathlib import Path

from huggingface_hub import ModelCard

from dynvfx.errors import ModelUnavailable

PIPELINE = "CogVideoXPipeline"
WEIGHTS = ("transformer", "vae", "text_encoder")
COGVIDEOX_5B_LAYERS = 42
REMEDY = "Fetch the model again: files that are already there are kept."


def check_folder(folder: Path) -> None:
    """Raise ModelUnavailable, naming what is missing, unless `folder` holds a whole CogVideoX pipeline."""
    if not folder.is_dir():
        raise ModelUnavailable(f"There is no folder {folder}.", remedy="Give the folder of a model, or a model's name.")
    index = _json(folder, "model_index.json")
    pipeline = index.get("_class_name")
    if pipeline != PIPELINE:
        raise ModelUnavailable(
            f"The folder {folder} holds a {pipeline}.",
            "The large model must be a CogVideoX text-to-video model.",
            "Choose for example zai-org/CogVideoX-5b.",
        )
    _json(folder, "scheduler/scheduler_config.json")
    for part in WEIGHTS:
        _json(folder, f"{part}/config.json")
        _check_weights(folder, part)
    if not any((folder / "tokenizer" / name).is_file() for name in ("tokenizer.json", "spiece.model")):
        raise _missing(folder, "tokenizer/spiece.model")


def licence_of(folder: Path, layers: int) -> str:
    """The licence that the model's card states; without a card, the one under which its size was published."""
    card = folder / "README.md"
    if card.is_file():
        data = ModelCard(card.read_text(encoding="utf-8", errors="replace"), ignore_metadata_errors=True).data
        stated = [str(text) for text in (getattr(data, "license_name", None), data.license) if text]
        if stated and stated[0] != "other":
            return stated[0]
    if layers >= COGVIDEOX_5B_LAYERS:
        return "CogVideoX LICENSE (commercial use needs a registration with its authors)"
    return "not stated; see the model's own papers"


def _check_weights(folder: Path, part: str) -> None:
    indices = sorted((folder / part).glob("*.safetensors.index.json"))
    if indices:
        shards = set(_json(folder, f"{part}/{indices[0].name}").get("weight_map", {}).values())
        absent = sorted(shard for shard in shards if not (folder / part / shard).is_file())
        if absent:
            raise _missing(folder, f"{part}/{absent[0]}")
    elif not any((folder / part).glob("*.safetensors")):
        raise _missing(folder, f"{part}/*.safetensors")


def _json(folder: Path, name: str) -> dict:
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
