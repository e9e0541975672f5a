"""From the parsed command line to the job, every path from the root on."""

from __future__ import annotations

import argparse
import hashlib
import os
from pathlib import Path

from contract.errors import BadUsage
from contract.job import MASK_FILE, Add, ClipSource, InputFile, JobSpec, PaintedMask, TakeSource
from contract.plan import read_plan


def job_of(options: argparse.Namespace) -> tuple[JobSpec, dict[str, Path]]:
    """The job of `add` or `refine`, and where its inputs are, by their paths in the job. Raises BadUsage, BadPlan."""
    start: ClipSource | TakeSource
    inputs: dict[str, Path] = {}
    model, output, download, levels = None, None, False, None
    if options.command == "refine":
        start, levels = TakeSource(folder=absolute(options.take)), options.levels
        if options.mask:
            inputs[MASK_FILE] = options.mask
    else:
        start = ClipSource(
            source=absolute(options.source),
            timeline=options.timeline,
            clip=options.clip,
            part=options.part,
            rate=str(options.rate) if options.rate else None,
            media_folders=tuple(absolute(each) for each in options.media),
        )
        model, download = options.model, options.download
        output = absolute(options.output) if options.output else None
    mask = PaintedMask(frame=options.mask_frame) if inputs else None
    spec = JobSpec(
        start=start,
        edit=Add(
            instruction=options.instruction,
            scope=options.scope,
            negative=options.negative,
            region=options.region,
            mask=mask,
        ),
        takes=options.takes,
        seed=options.seed,
        quality=options.quality,
        levels=levels,
        model=model,
        download=download,
        segmenter=options.segmenter,
        assistant=options.assistant,
        plan=read_plan(options.plan) if options.plan else None,
        after_plan="end" if options.plan_only else "generate",
        layer=options.layer,
        output=output,
        inputs=tuple(_input(name, path) for name, path in inputs.items()),
    )
    return spec, inputs


def absolute(path: str | os.PathLike) -> str:
    """A path from the root on, links kept, `~` being the user's folder."""
    return os.path.abspath(os.path.expanduser(path))


def _input(name: str, path: Path) -> InputFile:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadUsage(f"{path} cannot be read.", error.strerror or str(error), "Check its path.") from error
    return InputFile(path=name, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
