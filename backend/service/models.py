"""Which models jobs can name, and where their folders are: answered without loading any."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from bridge.messages import Model

WEIGHTS = Path(__file__).resolve().parents[2] / "dynvfx" / "weights" / "tiny"


@dataclass(frozen=True)
class Known:
    """A model that can be fetched by name."""

    name: str
    title: str
    licence: str
    about: str


KNOWN = (
    Known("zai-org/CogVideoX-5b", "CogVideoX 5B", "CogVideoX licence", "49 frames, 720 x 480, 6 s"),
    Known("zai-org/CogVideoX-2b", "CogVideoX 2B", "Apache-2.0", "49 frames, 720 x 480, 6 s"),
)


def models() -> tuple[Model, ...]:
    """The shipped model, and those that can be fetched."""
    tiny = Model(
        name="tiny",
        title="tiny (shipped)",
        licence="GPL-3.0-or-later",
        installed=(WEIGHTS / "transformer").is_dir(),
        bytes=bytes_below(WEIGHTS),
        about="For demonstration and tests: draws a few simple things, on any machine.",
    )
    return tiny, *(_seen(known) for known in KNOWN)


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
        index = try_to_load_from_cache(model, "model_index.json")
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


def _seen(known: Known) -> Model:
    folder = folder_of(known.name)
    return Model(
        name=known.name,
        title=known.title,
        licence=known.licence,
        installed=folder is not None,
        bytes=bytes_below(folder) if folder else 0,
        about=known.about,
    )
