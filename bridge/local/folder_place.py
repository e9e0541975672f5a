"""Notices that a folder was moved, renamed or deleted while it was in use, and finds it again where the system can."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

_F_GETPATH, _LONGEST_PATH = 50, 1024
"""Of macOS's fcntl: the path of an open file, and room for it."""


class FolderPlace:
    """Where the folder `path`, which exists, is. `close` it in the end. Raises OSError.

    Windows does not let a folder with open files be moved, so only its deletion can be noticed there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity = _identity(path)
        self._handle = os.open(path, os.O_RDONLY) if os.name == "posix" else None

    @property
    def is_unchanged(self) -> bool:
        """Whether the folder is where it was."""
        return self._is_at(self.path)

    def find(self) -> Path | None:
        """Where the folder is now; None when it was deleted, or the system cannot tell."""
        if self.is_unchanged:
            return self.path
        with contextlib.suppress(OSError):
            found = self._path_of_handle()
            if found is not None and self._is_at(found):
                return found
        return None

    def close(self) -> None:
        """Release the folder; may be called twice."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _is_at(self, path: Path) -> bool:
        try:
            return _identity(path) == self._identity
        except OSError:
            return False

    def _path_of_handle(self) -> Path | None:
        if self._handle is None:
            return None
        if sys.platform == "linux":
            return Path(os.readlink(f"/proc/self/fd/{self._handle}"))
        if sys.platform == "darwin":
            import fcntl

            found = fcntl.fcntl(self._handle, _F_GETPATH, bytes(_LONGEST_PATH))
            return Path(os.fsdecode(found.rstrip(b"\0")))
        return None


def _identity(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_dev, facts.st_ino
