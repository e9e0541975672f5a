"""A state store for tests that need not outlive the process."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from dynvfx.state.store import Tensors


class MemoryStore:
    """States for as long as the process lives; behaves like DirectoryStore."""

    def __init__(self) -> None:
        self._states: dict[str, Tensors] = {}

    def load(self, key: str) -> Tensors | None:
        state = self._states.get(key)
        return dict(state) if state is not None else None

    def save(self, key: str, tensors: Mapping[str, torch.Tensor]) -> None:
        self._states[key] = {name: tensor.detach().clone().cpu() for name, tensor in tensors.items()}

    def discard(self, key: str) -> None:
        self._states.pop(key, None)
