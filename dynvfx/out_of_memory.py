"""Out-of-memory failures of torch, separated from bugs and explained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dynvfx.errors import OutOfMemory

CPU_ALLOCATOR = ("can't allocate memory", "not enough memory")
"""torch reports a failed allocation on the CPU as a plain RuntimeError with one of these in its text."""
APPLE_ALLOCATOR = ("MPS backend out of memory", "Invalid buffer size")
"""And one on an Apple GPU with one of these; the second for a single tensor that is too large."""


@contextmanager
def explained_memory(device: torch.device) -> Iterator[None]:
    """Turn a failed allocation inside the block into OutOfMemory; every other error passes unchanged."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise out_of_memory(device, str(error)) from error
    except RuntimeError as error:
        if any(phrase in str(error) for phrase in APPLE_ALLOCATOR):
            raise out_of_memory(device, str(error)) from error
        if not any(phrase in str(error) for phrase in CPU_ALLOCATOR):
            raise
        raise out_of_memory(torch.device("cpu"), str(error)) from error


def out_of_memory(device: torch.device, detail: str) -> OutOfMemory:
    """The error for a full `device`."""
    where = f"The graphics card ({device}) has" if device.type == "cuda" else "The machine has"
    return OutOfMemory(
        f"{where} too little memory for this request.",
        detail.strip().partition("\n")[0],
        "Close other programs that use it, choose fewer frames or a smaller model, then run the job again: "
        "it resumes from the last finished step.",
    )
