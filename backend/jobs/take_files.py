"""A finished take on the disk: its record, and its latents for follow-ups."""

from __future__ import annotations

import datetime
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from backend.delivery.deliver import Delivery
from backend.jobs.sources import Source
from contract.atomic_file import write_atomically
from contract.errors import BadTake, BadUsage
from contract.job import Footprint
from contract.preflight import Preflight
from contract.take import TAKE_FILE, MediaFile, Take, has_all_files, read_take, write_take
from dynvfx.backbones.base import Backbone
from dynvfx.progress.events import Outcome
from dynvfx.request import Request

LATENTS = "latents.safetensors"


def finished_take(folder: Path, request: Request) -> Take | None:
    """The take in `folder` when it is complete and made from `request`; None when it is not there or lacks files.

    Raises BadUsage when the folder holds a take of another request, BadTake when its record is damaged.
    """
    if not (folder / TAKE_FILE).exists():
        return None
    take = read_take(folder)
    if take.id != request.digest():
        raise BadUsage(
            f"{folder} holds a take that was made differently.",
            "The plan or the clip's pictures have changed since; a finished take is never written over.",
            "Choose another folder with --output, or put the plan back as it was.",
        )
    return take if has_all_files(folder, take) else None


def reviewed_take(folder: Path) -> Take | None:
    """The record of a take that is about to be made again, None where there is none. Raises BadTake."""
    return read_take(folder) if (folder / TAKE_FILE).exists() else None


def write_record(
    folder: Path,
    request: Request,
    source: Source,
    backbone: Backbone,
    outcome: Outcome,
    delivery: Delivery,
    *,
    number: int,
    seconds: dict[str, float],
    peak_memory: int,
    footprint: Footprint = "normal",
    reviewed: Take | None = None,
    preflight: Preflight | None = None,
) -> Take:
    """Put latents and take.json into a delivered take's folder; with take.json the take is finished.

    What people said about `reviewed`, the same take before some of its files were lost, is kept. Raises OutOfDisk.
    """
    latents = save({"latents": outcome.latents.contiguous()}, metadata={"take": request.digest()})
    write_atomically(folder / LATENTS, latents)
    shot = source.shot
    take = Take(
        id=request.digest(),
        name=f"take {number:02d}",
        instruction=request.plan.instruction,
        request=request.to_dict(),
        plan=request.plan,
        model=request.model,
        licence=backbone.licence,
        assistant=request.plan.assistant,
        seed=request.seed,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        version=version("dynvfx"),
        layer=delivery.layer,
        composite=delivery.composite,
        frame_count=delivery.frame_count,
        first_number=delivery.first_number,
        attempts=outcome.attempts,
        device=str(backbone.device),
        footprint=footprint,
        seconds={stage: round(value, 3) for stage, value in seconds.items()},
        forwards=outcome.forwards,
        peak_memory=peak_memory,
        matte_coverage=delivery.matte_coverage,
        outside_change=delivery.outside_change,
        record_range=(shot.record_start, shot.record_frames),
        preflight=preflight,
        media=[MediaFile(role=f.role, path=f.name, sha256=f.sha256, bytes=f.bytes) for f in delivery.files],
        status=reviewed.status if reviewed else "pending",
        notes=reviewed.notes if reviewed else [],
        parent=request.parent,
    )
    write_take(folder, take)
    return take


def read_latents(folder: Path) -> torch.Tensor:
    """A take's latents float32 [f, C, h, w], for a follow-up. Raises BadTake when they are missing or damaged."""
    path = folder / LATENTS
    try:
        return load(path.read_bytes())["latents"]
    except (OSError, SafetensorError, KeyError) as error:
        raise BadTake(
            f"The take in {folder} cannot be refined.",
            f"Its file {LATENTS} is missing or damaged.",
            "Make the take again, or refine another one.",
        ) from error
