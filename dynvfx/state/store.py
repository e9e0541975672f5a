"""Where a running take keeps its state, so that a killed process loses at most the step that it was in."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from contract.errors import OutOfDisk

Tensors = dict[str, torch.Tensor]

UNFINISHED = ".part"
ABANDONED_AFTER = 3600.0
"""Seconds after which an unfinished file has no writer any more."""


class StateNotSaved(OutOfDisk):
    """The state of a running take could not be written: disk full, read-only, or not permitted."""


class StateStore(Protocol):
    """Named groups of tensors that outlive the process. Keys are made of a-z, 0-9, '-' and '.'."""

    def load(self, key: str) -> Tensors | None:
        """What was saved under `key`, on the CPU; None when it is absent or damaged."""

    def save(self, key: str, tensors: Mapping[str, torch.Tensor]) -> None:
        """Keep `tensors` under `key`, replacing what was there; durable when this returns. Raises StateNotSaved."""

    def discard(self, key: str) -> None:
        """Forget `key`; nothing happens when it is absent."""


class DirectoryStore:
    """One safetensors file per key below `root`.

    Files appear whole or not at all (written beside, synced, renamed) and carry their key and a checksum of their
    tensors: a truncated, altered or foreign file counts as absent.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._sweep()

    def load(self, key: str) -> Tensors | None:
        path = self._path(key)
        try:
            with safe_open(path, framework="pt", device="cpu") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        except (OSError, SafetensorError):
            return None
        if metadata.get("key") != key or metadata.get("checksum") != checksum(tensors):
            return None
        return tensors

    def save(self, key: str, tensors: Mapping[str, torch.Tensor]) -> None:
        path = self._path(key)
        whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        data = save(whole, metadata={"key": key, "checksum": checksum(whole)})
        beside = path.with_name(f".{path.name}.{uuid4().hex}{UNFINISHED}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with open(beside, "xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(beside, path)
            finally:
                beside.unlink(missing_ok=True)
            sync_directory(path.parent)
        except OSError as error:
            raise StateNotSaved(
                "The state of the running take could not be saved.",
                f"{error.strerror or error} ({self.root}, {len(data) / 1e6:.1f} MB needed).",
                "Free some space there or choose another folder for states, then run the job again: it resumes.",
            ) from error

    def discard(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what killed processes left half written; younger files may belong to a running one."""
        for path in self.root.glob(f".*{UNFINISHED}"):
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > ABANDONED_AFTER:
                    path.unlink()

    def _path(self, key: str) -> Path:
        if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", key):
            raise ValueError(f"not a store key: {key!r}")
        return self.root / f"{key}.safetensors"


def checksum(tensors: Mapping[str, torch.Tensor]) -> str:
    """Hex digest over names, types, shapes and bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def sync_directory(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the system allows it (Windows does not)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
