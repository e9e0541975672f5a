"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from contract.errors import OutOfDisk


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Replace `path` by `content` in one step; missing folders are made. Raises OutOfDisk when it cannot be written."""
    path = Path(path)
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as sink:
            partial = sink.name
            sink.write(content)
            sink.flush()
            os.fsync(sink.fileno())
        # Temporary files are private; a result is for everybody whom the umask allows.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)
        os.replace(partial, path)
    except OSError as error:
        if partial is not None and os.path.exists(partial):
            os.unlink(partial)
        raise OutOfDisk(
            f"{path} could not be written.",
            error.strerror or str(error),
            "Free some space, or choose a folder that you may write to.",
        ) from error
