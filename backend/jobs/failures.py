"""The method's errors, as the errors that bridge, panel and command line know."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.wire.messages import Failure
from contract.errors import OutOfDisk, Problem
from contract.exit_codes import exit_code
from dynvfx.errors import MethodError

DISK_ERRORS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG))


class MethodFailed(Problem):
    """An error of the method with its own `kind` and words."""

    def __init__(self, error: MethodError) -> None:
        super().__init__(error.what, error.why, error.remedy)
        self.kind = error.kind


def failure_of(problem: Problem, *, is_small: bool = False) -> Failure:
    """A Problem as what is kept of a failed job; after too little memory a smaller footprint is offered, once."""
    offers = ("again", "small") if problem.kind == "out_of_memory" and not is_small else ("again",)
    return Failure(
        kind=problem.kind,
        what=problem.what,
        why=problem.why,
        remedy=problem.remedy,
        exit_code=exit_code(problem),
        offers=offers,
    )


@contextmanager
def as_problems() -> Iterator[None]:
    """Let nothing but Problems out: the method's errors are translated, and so is a full or read-only disk."""
    try:
        yield
    except MethodError as error:
        raise MethodFailed(error) from error
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise OutOfDisk(
            f"{error.filename or 'A file'} could not be written.",
            error.strerror or str(error),
            "Free some space, or choose another folder, then give the same command again: it goes on.",
        ) from error
