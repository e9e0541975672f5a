"""One agent at a time: running the script again brings the running agent's panel to the front."""

import os
import sys
from typing import BinaryIO, Optional

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


class SingleInstance:
    """A lock that the system releases when its process ends, even by a crash."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, "agent.lock")
        self._show_request = os.path.join(folder, "show")
        self._file: Optional[BinaryIO] = None

    def acquire(self) -> bool:
        """Take the lock; False when another agent has it."""
        file = open(self._path, "a+b")  # noqa: SIM115 - held for as long as the agent runs
        try:
            if sys.platform == "win32":
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        self._file = file
        self.take_show_request()  # discard an old request
        return True

    def release(self) -> None:
        """Release the lock."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def request_show(self) -> None:
        """Ask the running agent to bring its panel to the front."""
        with open(self._show_request, "wb"):
            pass

    def take_show_request(self) -> bool:
        """Whether there was a request since the last call."""
        try:
            os.remove(self._show_request)
        except FileNotFoundError:
            return False
        return True
