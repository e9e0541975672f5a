"""The demonstration: a shipped clip in a small timeline, and one edit of it with the shipped model."""

from __future__ import annotations

import shutil
from pathlib import Path

import opentimelineio as otio

from bridge.editorial.placement import write_timeline
from bridge.editorial.rates import as_time
from bridge.editorial.timeline import timeline_for_media
from contract.errors import BadMedia, OutOfDisk
from contract.job import Add, ClipSource, JobSpec
from media.probe import probe

CLIPS = Path(__file__).parent
INSTRUCTION = "add a red balloon on the left"
SEED = 0
LEAD_IN = 12
"""Frames of nothing before the clip, so that the result shows that the take lies exactly above it."""


def demo_clip(folder: Path = CLIPS) -> Path:
    """The shipped clip. Raises BadMedia when the installation lacks it."""
    found = sorted(folder.glob("*.mp4"))
    if not found:
        raise BadMedia(
            f"The demonstration's clip is missing in {folder}.",
            "The installation is incomplete.",
            "Install the program again.",
        )
    return found[0]


def demo_job(output: Path) -> JobSpec:
    """Put the clip and a timeline with it into `output`; the job whose results go to `output`/result.

    Raises BadMedia, OutOfDisk.
    """
    shipped = demo_clip()
    clip, timeline = output.absolute() / shipped.name, output.absolute() / "before.otio"
    try:
        output.mkdir(parents=True, exist_ok=True)
        if not clip.exists() or clip.stat().st_size != shipped.stat().st_size:
            shutil.copy2(shipped, clip)
    except OSError as error:
        raise OutOfDisk(
            f"The demonstration cannot be written to {output}.",
            error.strerror or str(error),
            "Choose a folder that you may write to with --output.",
        ) from error
    info = probe(clip)
    built = timeline_for_media(clip, info.rate, info.frame_count, info.start_timecode or 0).timeline
    built.name = "DynVFX demonstration"
    built.global_start_time = as_time(round(info.rate) * 3600, info.rate)
    built.tracks[0].insert(0, otio.schema.Gap(duration=as_time(LEAD_IN, info.rate)))
    write_timeline(built, timeline)
    return JobSpec(
        start=ClipSource(source=str(timeline)),
        edit=Add(instruction=INSTRUCTION),
        seed=SEED,
        output=str(output.absolute() / "result"),
    )
