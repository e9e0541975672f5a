"""How a job's error is kept, and errors of the system that people can do something about."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.wire.messages import Failure
from contract.errors import OutOfDisk, Problem
from dynvfx.errors import OutOfMemory

DISK_ERRORS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG))


class WorkerDied(Problem):
    """The worker's process died at the job, several times at the same place."""

    kind = "worker_died"


def failure_of(problem: Problem, *, is_small: bool = False) -> Failure:
    """What is kept of a failed job; where memory may have been too small, a smaller footprint is offered, once."""
    lacks_memory = isinstance(problem, OutOfMemory | WorkerDied)
    return Failure.of(problem, offers=("again", "small") if lacks_memory and not is_small else ("again",))


@contextmanager
def full_disk_as_problem() -> Iterator[None]:
    """Raise OutOfDisk where the system says that a disk is full, or not to be written to."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise OutOfDisk(
            f"{error.filename or 'A file'} could not be written.",
            error.strerror or str(error),
            "Free some space, or choose another folder, then give the same command again: it continues.",
        ) from error
