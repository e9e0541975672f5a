"""Which job on the other machine makes what in a folder here, in the folder's record."""

from __future__ import annotations

import uuid

import msgspec

from bridge.local.job_folder import Batch, JobFolder, Record, refuse_difference
from contract.errors import BadTake
from contract.job import JobSpec, differences
from contract.take import Take, has_all_files, read_take


def batch_for(record: Record, spec: JobSpec, parent: int | None, folder: JobFolder) -> Batch:
    """The batch of the very same job, else a new one; more takes of a known job are made as one more job.

    A folder takes one edit of its clip, with plan only or whole, and any number of follow-ups. Raises BadUsage.
    """
    identity = spec.identity()
    if parent is None:
        identity = msgspec.structs.replace(identity, start=record.location)
        first = next((batch.job for batch in record.batches if batch.parent is None), None)
        if first is not None:
            refuse_difference(differences(msgspec.structs.replace(first, after_plan="generate"), identity), folder)
    # A plan alone is another job over there than the takes that follow it.
    wanted = msgspec.structs.replace(identity, after_plan=spec.after_plan)
    same = [batch for batch in record.batches if (batch.job, batch.parent) == (wanted, parent)]
    covered = {seed for batch in same for seed in range(batch.seed, batch.seed + batch.takes)}
    for batch in same:
        if batch.seed == spec.seed and batch.takes >= spec.takes:
            return batch
    missing = [seed for seed in spec.seeds if seed not in covered] or list(spec.seeds)
    batch = Batch(job=wanted, parent=parent, token=uuid.uuid4().hex, seed=missing[0], takes=len(missing))
    record.batches.append(batch)
    return batch


def number_here(folder: JobFolder, record: Record, batch: Batch, there: int) -> int:
    """The number that a take of a job gets here: the same one where it is free."""
    known = batch.numbers.get(str(there))
    if known is not None:
        return known
    if batch.job.after_plan != "generate":
        return there  # it makes none, so none is given out
    taken = {number for each in record.batches for number in each.numbers.values()}
    here = there if there not in taken else max(taken) + 1
    batch.numbers[str(there)] = here
    folder.write(record)
    return here


def origin_of(record: Record, number: int) -> tuple[str, int] | None:
    """The job on the other machine, and the number there, of the take with this number here."""
    for batch in record.batches:
        for there, here in batch.numbers.items():
            if here == number and batch.id is not None:
                return batch.id, int(there)
    return None


def finished_take(folder: JobFolder, number: int) -> Take | None:
    """The take of this number when all of its files are here."""
    try:
        take = read_take(folder.take(number))
    except BadTake:
        return None
    return take if has_all_files(folder.take(number), take) else None
