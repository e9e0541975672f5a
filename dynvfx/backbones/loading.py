"""From a model's name to a backbone that is ready to work."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

from dynvfx.backbones.base import Backbone
from dynvfx.backbones.families import DEFAULT_MODEL, EXAMPLE, family_named, family_of_folder
from dynvfx.device import best_device
from dynvfx.errors import ModelUnavailable
from dynvfx.out_of_memory import explained_memory

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
PIPELINE_FILES = (
    "model_index.json",
    "README.md",
    "LICENSE*",
    *(f"{part}/*" for part in ("scheduler", "tokenizer", "text_encoder", "transformer", "vae")),
)
"""What a pipeline folder needs of a hub repository."""


def open_backbone(name: str, device: torch.device | str | None = None, *, download: bool = False) -> Backbone:
    """The backbone called `name`: a shipped model, a pipeline folder, or a hub repository such as zai-org/CogVideoX-5b.

    `device` None takes the best one: see `dynvfx.device`. A hub name must have been fetched before, unless
    `download` asks for it here (resumes, shows a progress bar). Raises ModelUnavailable or OutOfMemory.
    """
    where = torch.device(device) if device is not None else best_device()
    with explained_memory(where):
        family = family_named(name)
        if family is None or family.shipped is None:
            folder = locate(name, download=download)
            family = family_of_folder(folder)
        else:
            folder = family.shipped
        backbone: Backbone = resolve_name(family.backbone)(folder, where)
        backbone.name = name
        return backbone


def locate(name: str, *, download: bool = False) -> Path:
    """The folder of a large model: `name` itself if it is one, or the hub cache's copy of the repository `name`."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if not HUB_NAME.fullmatch(name):
        raise ModelUnavailable(
            f"There is no model {name!r}.",
            "It is neither the shipped model, nor a folder, nor a name such as owner/model.",
            f'Use "{DEFAULT_MODEL}", the folder of a model, or a name on the hub such as "{EXAMPLE}".',
        )
    try:
        return Path(snapshot_download(name, allow_patterns=list(PIPELINE_FILES), local_files_only=not download))
    except OfflineModeIsEnabled as error:
        raise ModelUnavailable(
            f"{name} is not on this machine.",
            "Downloads are switched off (HF_HUB_OFFLINE).",
            "Switch them on, or copy the model's folder here and give its path.",
        ) from error
    except LocalEntryNotFoundError as error:
        raise ModelUnavailable(
            f"{name} is not on this machine.",
            "The hub could not be reached." if download else "It was not fetched yet.",
            "Fetch the model first, or copy its folder here and give its path.",
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise ModelUnavailable(
            f"{name} could not be fetched.",
            str(error).strip().partition("\n")[0],
            "Check the name, the network, the free disk space and, for gated models, your access token.",
        ) from error
