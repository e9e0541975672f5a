"""Fetching a model with the first job: what it would need, and how far it is."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass

from PyQt6.QtCore import QCoreApplication

from bridge.local.folders import fetched_model_folder, model_cache
from bridge.wire.messages import Model
from plugin.panel.wording import size_text


@dataclass(frozen=True)
class Offer:
    """A model that is not there and can be fetched; `fits` tells whether there is room for it."""

    name: str
    title: str
    text: str
    fits: bool


def offer(model: Model, local: bool) -> Offer:
    """What fetching a model means: its size, its licence, and the room on the disk."""
    size = size_text(model.bytes) if model.bytes else _tr("size unknown")
    room, fits = room_words(model, local)
    text = _tr("{0}: {1} to fetch. Licence: {2}. {3}").format(model.title, size, model.licence, room)
    return Offer(model.name, model.title, text, fits)


def fetched_bytes(name: str) -> int:
    """How much of a model is on this machine's disk, files on their way included."""
    total = 0
    with contextlib.suppress(OSError):
        for path in (fetched_model_folder(name) / "blobs").iterdir():
            with contextlib.suppress(OSError):
                total += path.stat().st_size
    return total


def room_words(model: Model, local: bool) -> tuple[str, bool]:
    """What fetching a model needs and whether it fits; of another machine's disk nothing is known beforehand."""
    if not local:
        return _tr("Its machine checks the room on its disk before it fetches anything."), True
    place = next(each for each in (model_cache(), *model_cache().parents) if each.exists())
    free, missing = shutil.disk_usage(place).free, max(0, model.bytes - fetched_bytes(model.name))
    if model.bytes and free < missing:
        text = _tr("Only {0} are free in {1}, {2} are missing.")
        return text.format(size_text(free), model_cache(), size_text(missing - free)), False
    return _tr("It goes to {0}, where {1} are free.").format(model_cache(), size_text(free)), True


def progress_words(model: Model, local: bool) -> str:
    """How far fetching is."""
    size = size_text(model.bytes) if model.bytes else _tr("size unknown")
    if not local:
        text = _tr("The other machine fetches {0} ({1}). This may take long; you may close the panel meanwhile.")
        return text.format(model.title, size)
    here = fetched_bytes(model.name)
    if model.bytes and here >= model.bytes:
        return _tr("Opening {0}…").format(model.title)
    text = _tr("Fetching {0}: {1} of {2}. What is here is kept if it breaks off.")
    return text.format(model.title, size_text(here), size)


def _tr(text: str) -> str:
    return QCoreApplication.translate("model_fetching", text)
