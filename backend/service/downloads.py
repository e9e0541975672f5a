"""Which file of a job's folder a client means."""

from __future__ import annotations

from pathlib import Path

from bridge.files.errors import NoSuchFile


def file_of(output: Path, name: str) -> Path:
    """The regular file `name` below a job's folder; a full path, as events name it, is accepted too.

    Raises NoSuchFile when it is not there, not a file, or leads out of the folder.
    """
    refusal = NoSuchFile(f"The job has no file {name}.", remedy="Ask for one that its events or takes name.")
    if "\0" in name:
        raise refusal
    try:
        folder = output.resolve(strict=True)
        path = (folder / name).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise refusal from error
    if not path.is_relative_to(folder) or not path.is_file():
        raise refusal
    return path
