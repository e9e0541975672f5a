"""The machine under a job: steady arithmetic, memory used, disk left."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import psutil
import torch

from contract.errors import OutOfDisk
from dynvfx.device import APPLE
from media.probe import MediaInfo

STATE_BYTES = 100_000_000
"""Room for the engine's states and for the small files."""


def enable_determinism(threads: int) -> None:
    """The same bytes in every run on this machine: fixed thread count, no choice of algorithms by timing."""
    # Read by cuBLAS when it is first used; without it some of its matrix products differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def quiet_loading() -> None:
    """No progress bars for reading weights from the disk: they take seconds and would break into the job's own bar.

    Downloads keep theirs.
    """
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()


def peak_memory(device: torch.device) -> int:
    """Most bytes that this process has used: of the graphics card where the model is on one, else of the machine.

    Of an Apple GPU only what is reserved now is known, which seldom falls during a job.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if device.type == APPLE:
        return torch.mps.driver_allocated_memory()
    if os.name == "nt":
        return psutil.Process().memory_info().peak_wset
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def check_disk(folder: Path, info: MediaInfo, frames: int, takes: int = 1) -> None:
    """Raises OutOfDisk before the long work when the results cannot fit; they are not smaller than this.

    The composite alone, losslessly compressed, takes about half a byte a pixel and 8 bits of depth.
    """
    a_take = info.coded_width * info.coded_height * frames * -(-info.bit_depth // 8) // 2
    needed = takes * a_take + STATE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OutOfDisk(
            f"The disk of {folder} is too full for {'a take' if takes == 1 else f'{takes} takes'}.",
            f"It needs at least {needed / 1e6:.0f} MB; {free / 1e6:.0f} MB are free.",
            "Free some space, or choose a folder on another disk with --output.",
        )
