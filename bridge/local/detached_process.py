"""Starts a process that outlives this one's terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS = 0


def start_detached(
    command: Sequence[str],
    output: BinaryIO,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process that neither Ctrl-C in this terminal nor the terminal's end reaches. Raises OSError.

    output: an open file that gets its stdout and stderr
    folder: its working folder; None: this process's
    environment: all of its environment variables; None: this process's
    """
    return subprocess.Popen(
        command,
        cwd=folder,
        env=None if environment is None else dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        creationflags=_CREATION_FLAGS,
        start_new_session=sys.platform != "win32",
    )
