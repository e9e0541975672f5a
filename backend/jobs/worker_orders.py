"""From what the supervisor says to the order that is carried out, and to what the order may read."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

from backend.jobs.job_start import MediaAccess
from backend.jobs.media_roots import MediaRoots
from backend.jobs.orders import AddOrder, RefineOrder
from backend.worker.messages import Run
from bridge.wire.messages import RefineSpec, Shaping
from contract.errors import BadUsage

PATIENCE = 15.0
"""Seconds for which a worker that is ending, or being killed, may still hold the job's folder."""


def order_of(run: Run) -> AddOrder | RefineOrder:
    """The order, which ends with plan and masks when the run is to be held. Raises BadUsage and BadRequest."""
    spec = run.spec
    shaping = _shaping_of(spec, run)
    if isinstance(spec, RefineSpec):
        if spec.take_folder is None:
            raise BadUsage("The take to refine is not known.", remedy="Name its folder, or its job and number.")
        return RefineOrder(**shaping, take_folder=Path(spec.take_folder), mask=spec.mask)
    return AddOrder(
        **shaping,
        source=str(Path(run.media or ".") / spec.source),
        clip=spec.clip,
        part=spec.part,
        model=spec.model,
        output=Path(run.output),
        media_folders=tuple(map(Path, spec.media_folders)),
        rate=Fraction(spec.rate) if spec.rate is not None else None,
        download=spec.download,
    )


def reading_of(run: Run) -> MediaAccess:
    """Media only below the roots, the uploads and the job's own folder (where a timeline's bundle is unpacked)."""
    if run.media_roots is None:
        return MediaAccess(patience=PATIENCE)
    own = (run.output, run.media) if run.media is not None else (run.output,)
    return MediaAccess(MediaRoots((*run.media_roots, *own)).check, PATIENCE)


def _shaping_of(spec: Shaping, run: Run) -> dict[str, Any]:
    return {
        "instruction": spec.instruction,
        "takes": spec.takes,
        "seed": spec.seed,
        "quality": spec.quality,
        "scope": spec.scope,
        "assistant": spec.assistant,
        "plan": spec.plan,
        "approved": run.approved_plan,
        "plan_only": run.hold or spec.plan_only,
        "layer": spec.layer,
        "segmenter": spec.segmenter,
        "footprint": spec.footprint,
        "region": spec.region,
        "levels": spec.levels,
    }
