"""The method's errors, as the errors that bridge, panel and command line know."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import OutOfDisk, Problem
from dynvfx.errors import MethodError

DISK_ERRORS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG))


class MethodFailed(Problem):
    """An error of the method with its own `kind` and words."""

    def __init__(self, error: MethodError) -> None:
        super().__init__(error.what, error.why, error.remedy)
        self.kind = error.kind


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
