"""Random numbers that depend on nothing but their name: any step can be redone, in any order, on any machine."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def generator(purpose: str, *counters: float) -> np.random.Generator:
    """A counter-based generator (Philox) keyed by `purpose` and numbers such as seed, iteration, timestep, block.

    Two different names give independent streams; the same name always gives the same numbers. Nothing global is read or
    changed, so previews and other jobs cannot disturb a take.
    """
    name = ":".join((purpose, *(_digits(counter) for counter in counters)))
    key = np.frombuffer(hashlib.blake2b(name.encode(), digest_size=16).digest(), dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def normal(shape: tuple[int, ...] | torch.Size, purpose: str, *counters: float) -> torch.Tensor:
    """Standard normal float32 tensor of `shape` on the CPU."""
    return torch.from_numpy(generator(purpose, *counters).standard_normal(tuple(shape), dtype=np.float32))


def _digits(counter: float) -> str:
    """The counter in full; a whole number is written alike whatever its type."""
    return str(int(counter)) if counter == int(counter) else repr(float(counter))
