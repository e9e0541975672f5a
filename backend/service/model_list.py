"""Which models jobs can name, and where their folders are: answered without loading any."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

from bridge.local.folders import fetched_model_folder, model_cache
from bridge.wire.messages import Model
from contract.errors import OutOfDisk
from dynvfx.backbones.families import FAMILIES, family_named
from dynvfx.backbones.family import Family, KnownModel

_PARTS = ("transformer", "vae", "text_encoder")


def models() -> tuple[Model, ...]:
    """The shipped models, and those that can be fetched; the first one is the default."""
    return tuple(_listed(family, known) for family in FAMILIES for known in family.models)


def folder_of(model: str) -> Path | None:
    """The folder of a model on this machine: the one that the name is, or the hub cache's; None when it is not here."""
    folder = named_folder(model)
    if folder is not None:
        return folder
    if model.count("/") != 1:
        return None
    # It takes seconds to import, which a service that is starting does not have.
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        index = try_to_load_from_cache(model, "model_index.json", cache_dir=model_cache())
    except HFValidationError:
        return None  # no name that a hub could have
    return Path(index).parent if isinstance(index, str) else None


def named_folder(model: str) -> Path | None:
    """The folder that a model's name is, None when it is none; names come from clients and may be anything."""
    try:
        folder = Path(model).expanduser()
        return folder if folder.is_dir() else None
    except (OSError, RuntimeError):  # too long for a path; the home of a user who does not exist
        return None


def require_room(model: str) -> None:
    """Raises OutOfDisk when a model that is to be fetched does not fit on the disk any more."""
    family = family_named(model)
    known = next((each for each in family.models if each.name == model), None) if family else None
    if known is None or not known.bytes or _is_whole(folder_of(model)):
        return
    missing = max(0, known.bytes - bytes_below(fetched_model_folder(model) / "blobs"))
    place = next(each for each in (model_cache(), *model_cache().parents) if each.exists())
    free = shutil.disk_usage(place).free
    if free < missing:
        raise OutOfDisk(
            f"{known.title} does not fit on the disk.",
            f"{missing / 1e9:.0f} GB are to be fetched to {model_cache()}, {free / 1e9:.0f} GB are free there.",
            "Free some space there, or set HF_HOME to a folder on another disk and start the backend again.",
        )


def _is_whole(folder: Path | None) -> bool:
    """Whether all weights are there: the files that a download fetches first say nothing about the rest."""
    if folder is None:
        return False
    for part in _PARTS:
        weights = {path.name for path in (folder / part).glob("*.safetensors") if path.exists()}
        listed = next((folder / part).glob("*.safetensors.index.json"), None)
        if listed is not None and listed.exists():
            try:
                wanted = set(json.loads(listed.read_bytes()).get("weight_map", {}).values())
            except (OSError, ValueError):
                return False
            if not wanted <= weights:
                return False
        if not weights:
            return False
    return True


def bytes_below(folder: Path) -> int:
    """Bytes of all files below a folder, links followed; what vanishes meanwhile is not counted."""
    total = 0
    for path in folder.rglob("*"):
        try:
            facts = path.stat()
        except OSError:
            continue
        total += facts.st_size if stat.S_ISREG(facts.st_mode) else 0
    return total


def _listed(family: Family, known: KnownModel) -> Model:
    folder = family.shipped or folder_of(known.name)
    whole = (folder / "transformer").is_dir() if folder and family.shipped else _is_whole(folder)
    return Model(
        name=known.name,
        title=known.title,
        licence=known.licence,
        installed=whole,
        bytes=bytes_below(folder) if folder and (whole or not known.bytes) else known.bytes,
        about=known.about,
    )
