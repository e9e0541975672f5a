"""The devices that models run on: graphics cards (CUDA), Apple's GPUs (MPS), and the processor."""

from __future__ import annotations

import gc
import platform
from functools import cache

import psutil
import torch
from torch.nn import functional as F

APPLE = "mps"


def best_device() -> torch.device:
    """The graphics card, else an Apple GPU that calculates correctly, else the processor."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("cpu" if apple_gpu_problem() else APPLE)


def apple_gpu_problem() -> str:
    """Why models do not run on an Apple GPU here, as a sentence; "" when they do."""
    if not torch.backends.mps.is_built():
        return "This build of torch has no support for Apple's GPUs."
    if not torch.backends.mps.is_available():
        return "torch finds no Apple GPU that it can use; it needs Apple silicon and macOS 14 or later."
    if not calculates(torch.device(APPLE), torch.float32):
        return "The Apple GPU fails at operations that the models need; another version of torch or macOS may help."
    return ""


def weights_format(device: torch.device) -> torch.dtype:
    """The number format for a large model's weights: bfloat16 where the device calculates with it, else float32.

    Apple's GPUs know bfloat16 from macOS 14 on, so they are tried.
    """
    if device.type == "cpu" or (device.type == APPLE and not calculates(device, torch.bfloat16)):
        return torch.float32
    return torch.bfloat16


@cache
def calculates(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether the models' main operations give the right numbers on a device in a number format."""
    try:
        tried = _trial(device, dtype)
    except (RuntimeError, TypeError):
        # An operation or a number format that the device does not have.
        return False
    return torch.allclose(tried, _trial(torch.device("cpu"), torch.float32), atol=0.05, rtol=0.05)


def _trial(device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Results of a 3D convolution, a normalisation, a product and an attention, flattened, float32 on the CPU."""
    numbers = (torch.arange(128, dtype=torch.float32).mul(0.7).sin()).to(device, dtype)
    volume = F.conv3d(numbers.view(1, 2, 4, 4, 4), numbers[:108].view(2, 2, 3, 3, 3), padding=1)
    volume = F.silu(F.group_norm(volume, 2))
    rows = numbers.view(1, 2, 8, 8)
    attended = F.scaled_dot_product_attention(rows, rows, rows) @ rows
    chosen = attended.index_select(2, torch.tensor([0, 5, 7], device=device))
    return torch.cat([volume.flatten(), chosen.flatten()]).to("cpu", torch.float32)


def memory_of(device: torch.device) -> tuple[int, int]:
    """(free, total) bytes for models: of a graphics card, of what macOS lets its GPU have, else of the machine."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)
    machine = psutil.virtual_memory()
    if device.type == APPLE:
        total = torch.mps.recommended_max_memory()
        return min(total - torch.mps.driver_allocated_memory(), machine.available), total
    return machine.available, machine.total


def title_of(device: torch.device) -> str:
    """The device's name for people: "NVIDIA L4", "Apple M2 Max", "x86_64 CPU"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == APPLE:
        # Older versions of torch have no name for it.
        return getattr(torch.backends.mps, "get_name", lambda: "Apple GPU")()
    return f"{platform.machine()} {device.type.upper()}"


def release() -> None:
    """Give memory that is no longer in use back to its device."""
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
