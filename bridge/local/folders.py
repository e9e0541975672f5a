"""Where this user's keys and the address of a running service are kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from contract.errors import NotPrivate

HOME_VARIABLE = "DYNVFX_HOME"


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of this user's keys and service, made when missing; only the user reads it.

    DYNVFX_HOME names another one. Raises NotPrivate when it cannot be made or kept private.
    """
    chosen = environment.get(HOME_VARIABLE, "").strip()
    folder = Path(chosen).absolute() if chosen else platformdirs.user_data_path("dynvfx", appauthor=False)
    return private_folder(folder)


def key_folder(home: Path) -> Path:
    """The folder of the keys below a state folder."""
    return private_folder(home / "keys")


def private_folder(folder: Path) -> Path:
    """Make `folder` one that only its user reads (on Windows a user's own folders are so already), and return it."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.name == "posix" and folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as error:
        raise NotPrivate(
            f"The folder {folder} cannot be used for keys.",
            error.strerror or str(error),
            f"Give it to your user, or name another folder in {HOME_VARIABLE}.",
        ) from error
    return folder


def model_cache() -> Path:
    """Where models are fetched to, as the hub's own library decides: HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, or home."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.environ[name]).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").expanduser() / "huggingface" / "hub"


def fetched_model_folder(name: str) -> Path:
    """The folder of a model there, its files below `blobs`, those on their way as well."""
    return model_cache() / ("models--" + name.replace("/", "--"))
