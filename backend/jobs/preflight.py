"""The check of a shot before any work: every picture decoded, one frame delivered and read back, room on the disk."""

from __future__ import annotations

from collections.abc import Generator

import msgspec

from backend.delivery.verification.second_opinion import SecondOpinion
from backend.delivery.verification.trial import try_delivery
from backend.jobs.determinism import check_disk
from backend.jobs.preflight_report import checks_of
from backend.jobs.sources import Source
from bridge.local.job_folder import JobFolder
from contract.atomic_file import write_atomically
from contract.events import StageProgress
from contract.frame_runs import runs_of
from contract.job import LayerKind
from contract.preflight import Preflight
from media.examine import Examined, examine

# Reports of progress, at most: an event for every picture of a long shot would be all that a panel does.
_REPORTS = 20


class _Stored(msgspec.Struct, kw_only=True):
    """A report on the disk, and what it is about."""

    media: str
    first: int
    frames: int
    layer: LayerKind
    report: Preflight


def preflight(
    source: Source, folder: JobFolder, layer: LayerKind, takes: int
) -> Generator[StageProgress, None, Preflight]:
    """Check that `takes` takes can be made of a shot; yields the progress, returns the report.

    An earlier report about the same files is taken again: only the disk is looked at anew. Raises BadMedia in all its
    kinds, EncodeFailed, OutOfDisk.
    """
    info, shot = source.info, source.shot
    known = _Stored(
        media=source.media_stamp(),
        first=shot.source_start,
        frames=shot.frame_count,
        layer=layer,
        report=Preflight(frames=0, held=[], checks=[]),
    )
    report = _stored(folder, known)
    if report is None:
        check_disk(folder.path, info, shot.frame_count, takes)
        zero = shot.source_start - (shot.part[0] if shot.part else 0)
        with SecondOpinion(info, shot.source_start, shot.frame_count) as second:
            steps = examine(info, shot.source_start, shot.frame_count, zero, second.see)
            found = yield from _reported(steps, shot.frame_count)
            doubted = second.verdict(zero)
        doubts = try_delivery(info, shot.source_start, folder.trial, layer)
        report = Preflight(
            frames=shot.frame_count,
            held=runs_of([frame - shot.source_start for frame in found.held]),
            checks=list(checks_of(source, found, zero, doubted, doubts, layer)),
        )
        known.report = report
        write_atomically(folder.preflight, msgspec.json.format(msgspec.json.encode(known)) + b"\n")
    else:
        check_disk(folder.path, info, shot.frame_count, takes)
    return report


def _stored(folder: JobFolder, wanted: _Stored) -> Preflight | None:
    try:
        stored = msgspec.json.decode(folder.preflight.read_bytes(), type=_Stored)
    except (OSError, msgspec.MsgspecError):
        return None  # it is made again
    wanted.report = stored.report
    return stored.report if stored == wanted else None


def _reported(steps: Generator[int, None, Examined], total: int) -> Generator[StageProgress, None, Examined]:
    """Some of the steps as events, without a time: the one that people wait for is that of the takes."""
    reported = 0
    while True:
        try:
            done = next(steps)
        except StopIteration as end:
            found: Examined = end.value
            return found
        if done == total or (done - reported) * _REPORTS >= total:
            reported = done
            yield StageProgress(take=0, stage="checking", step=done, steps=total)
