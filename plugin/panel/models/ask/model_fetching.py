"""Downloading a model with the first job: the space it needs, and its progress."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass

from bridge.local.folders import fetched_model_folder, model_cache
from bridge.wire.messages import Model
from plugin.panel.models.number_text import size_text


@dataclass(frozen=True)
class Offer:
    """A model that can be downloaded; `fits` is whether there is enough disk space for it."""

    name: str
    title: str
    text: str
    fits: bool


def offer(model: Model, local: bool) -> Offer:
    """A model's download: its size, its licence and the disk space."""
    size = size_text(model.bytes) if model.bytes else "size unknown"
    room, fits = room_text(model, local)
    text = f"{model.title}: {size} download. Licence: {model.licence}. {room}"
    return Offer(model.name, model.title, text, fits)


def fetched_bytes(name: str) -> int:
    """Bytes of a model on this machine's disk, including unfinished downloads."""
    total = 0
    with contextlib.suppress(OSError):
        for path in (fetched_model_folder(name) / "blobs").iterdir():
            with contextlib.suppress(OSError):
                total += path.stat().st_size
    return total


def room_text(model: Model, local: bool) -> tuple[str, bool]:
    """Where a download is stored, and whether it fits; another machine's disk space is not known beforehand."""
    if not local:
        return "The backend checks its disk space before it downloads anything.", True
    place = next(each for each in (model_cache(), *model_cache().parents) if each.exists())
    free, missing = shutil.disk_usage(place).free, max(0, model.bytes - fetched_bytes(model.name))
    if model.bytes and free < missing:
        lacking = size_text(missing - free)
        return f"Only {size_text(free)} free in {model_cache()}, {lacking} more needed.", False
    return f"Stored in {model_cache()} ({size_text(free)} free).", True


def progress_text(model: Model, local: bool) -> str:
    """The progress of a download as text."""
    size = size_text(model.bytes) if model.bytes else "size unknown"
    if not local:
        return f"The backend is downloading {model.title} ({size}). You can close the panel meanwhile."
    here = fetched_bytes(model.name)
    if model.bytes and here >= model.bytes:
        return f"Loading {model.title}…"
    return f"Downloading {model.title}: {size_text(here)} of {size}. A broken download resumes where it stopped."
