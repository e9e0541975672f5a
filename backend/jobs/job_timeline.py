"""The timeline of a job's folder: its finished takes in one stack above the clip."""

from __future__ import annotations

from backend.jobs.job_start import OpenJob
from backend.jobs.take_files import finished_take
from bridge.editorial.placement import TakeStack, placed_take
from bridge.editorial.result_files import write_with_takes
from contract.take import Take
from dynvfx.request import Request


def write_job_timeline(job: OpenJob) -> None:
    """All finished takes of the folder; the first one of this job's order is the active one. Raises OutOfDisk."""
    stack: list[tuple[int, Take]] = []
    for batch in job.record.batches:
        if batch.request is None:
            continue
        base = Request.from_dict(batch.request)
        for seed, number in batch.numbers.items():
            take = finished_take(job.folder.take(number), base.with_seed(int(seed)))
            if take is not None:
                stack.append((number, take))
    stack.sort(key=lambda pair: pair[0])
    start = job.source.info.start_timecode
    takes = [placed_take(job.folder.take(number), take, job.source.shot, start) for number, take in stack]
    first = next(iter(job.numbers.values()))
    active = [number for number, _ in stack].index(first)
    label = stack[active][1].plan.target_object
    placed = TakeStack(job.source.shot, tuple(takes), active, label)
    write_with_takes(job.source.opened, [placed], job.folder.timeline)
