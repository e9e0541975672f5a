"""The folder of a job's results: its files, its lock, and the record by which the same command continues.

The same for a job of this machine and for one whose takes come from another.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import msgspec

from bridge.local.folder_place import FolderPlace
from contract.atomic_file import write_atomically
from contract.errors import BadMedia, BadUsage, OutOfDisk, Problem
from contract.job import ClipSource, JobSpec, differences

STATE = ".dynvfx"
OTHER_FOLDER = "Choose another folder with --output, or repeat the first command to continue that job."


class Batch(msgspec.Struct, kw_only=True):
    """The takes of one job of the folder; `job` is its identity and decides whether another one is the same.

    plan: the plan's file name.
    parent: the number of the take that these follow.
    numbers: a take's seed (as text) to its number; of a job elsewhere its number there to the one here.
    request: the first take's engine request once it is known.
    token, id: how another machine's backend knows the job; it makes `takes` takes from `seed` on.
    """

    job: JobSpec
    plan: str = "plan.json"
    parent: int | None = None
    numbers: dict[str, int] = {}
    request: dict[str, Any] | None = None
    token: str = ""
    id: str | None = None
    seed: int = 0
    takes: int = 0


class Record(msgspec.Struct, kw_only=True):
    """What `.dynvfx/job.json` holds.

    location: how the clip was named, to find it again.
    service: the public key of the backend whose takes are kept here; "" for this machine's own work.
    shot: which pictures are worked on; `media` changes when their files do.
    threads: CPU threads of the first run: sums depend on them in their last bits.
    """

    location: ClipSource
    service: str = ""
    shot: dict[str, Any] = {}
    media: str = ""
    threads: int = 0
    batches: list[Batch] = []

    def refuse_other_service(self, service: str, folder: JobFolder) -> None:
        """Raises BadUsage when the folder's takes come from another backend than `service` ("": made here)."""
        if self.service != service:
            what = f"The folder {folder.path} holds another job."
            why = "It holds a job of another backend." if self.service else "It holds a job of this machine."
            raise BadUsage(what, why, OTHER_FOLDER)

    def refuse_other_shot(self, shot: dict[str, Any], media: str, folder: JobFolder) -> None:
        """Raises BadUsage when the job works on another clip, BadMedia when the clip's files have changed."""
        refuse_difference([(name, self.shot.get(name), shot[name]) for name in shot], folder)
        if self.media != media:
            raise BadMedia(
                "The clip's media files have changed since this job began.",
                "Half of it would be made from the old pictures and half from the new ones.",
                "Start again in another folder with --output.",
            )

    def find_batch(self, job: JobSpec, parent: int | None, folder: JobFolder) -> Batch | None:
        """The batch of the very same job; None when there is none yet.

        A folder takes one edit of its clip; another one is refused with BadUsage. Follow-ups are added freely.
        """
        same = [batch for batch in self.batches if (batch.job, batch.parent) == (job, parent)]
        first = next((batch for batch in self.batches if batch.parent is None), None)
        if not same and parent is None and first is not None:
            refuse_difference(differences(first.job, job), folder)
        return same[0] if same else None


class FolderMoved(Problem):
    """The folder of a job's results was moved, renamed or deleted while the job was running."""

    kind = "folder_moved"


class JobFolder:
    """A folder with a job's results: `timeline.otio`, `plan.json`, `takes/01` ..., and `.dynvfx` for its state."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.state = self.path / STATE
        self.states = self.state / "states"
        """Where the engine keeps what it needs to continue."""
        self.preflight = self.state / "preflight.json"
        """What was found out about the shot."""
        self.trial = self.path / "trial"
        """Where one frame is delivered and removed again, before any work."""
        self.timeline = self.path / "timeline.otio"
        self.media = self.path / "media"
        self._takes = self.path / "takes"
        self._record_file = self.state / "job.json"
        self._place: FolderPlace | None = None

    def take(self, number: int) -> Path:
        """The folder of a take; numbers begin at 1."""
        return self._takes / f"{number:02d}"

    def preview(self, number: int) -> Path:
        """The picture of a take that is being made."""
        return self.state / f"preview-{number:02d}.png"

    def masks(self, plan: str) -> Path:
        """The folder with pictures of what a plan's phrases name; `plan` is the plan's file name."""
        return self.path / "masks" / Path(plan).stem

    def input(self, sha256: str) -> Path:
        """The input with this SHA-256, kept for later runs."""
        return self.state / "inputs" / sha256

    @contextmanager
    def locked(self, patience: float = 0.0) -> Iterator[None]:
        """No other process works in the folder meanwhile; it vanishes again if it is new and nothing came of the work.

        Raises BadUsage when another process is still at work after `patience` seconds, or when the folder holds
        something else; OutOfDisk.
        """
        is_new, had_state = not self.path.exists(), self.state.exists()
        if not is_new and not self.path.is_dir():
            raise BadUsage(f"{self.path} is a file.", remedy="Choose a folder for the results with --output.")
        self._refuse_foreign()
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.state / "lock", timeout=patience)
            lock.acquire()
            self._place = place = FolderPlace(self.path)
        except filelock.Timeout as error:
            raise BadUsage(
                f"Another process is working in {self.path}.",
                "Two at once would write over each other's results.",
                "Wait until it has finished, or choose another folder with --output.",
            ) from error
        except OSError as error:
            raise _not_writable(self.path, error) from error
        try:
            yield
        finally:
            lock.release()
            unchanged = place.is_unchanged
            place.close()
            if not unchanged:
                self._remove_strays()
            elif not (self._record_file.exists() or had_state or self._takes.exists()):
                shutil.rmtree(self.path if is_new else self.state, ignore_errors=True)

    def require_in_place(self) -> None:
        """Raises FolderMoved when the locked folder is no longer where it was."""
        if self._place is None or self._place.is_unchanged:
            return
        found = self._place.find()
        if found is None:
            why = f"{self.path} is missing."
            remedy = "If you moved it, move it back and start the job again: it continues."
        else:
            why = f"{self.path} is now {found}; what is finished is there."
            command = f"give the same command with --output {shlex.quote(str(found))}"
            remedy = f"Rename it back and start the job again, or {command} : it continues."
        raise FolderMoved(
            "The folder of the results was moved, renamed or deleted while the job was running.", why, remedy
        )

    def _remove_strays(self) -> None:
        """Remove what the last step wrote to the old place of a folder that was moved, if nothing else is there."""
        strays = [each.name for each in self.path.iterdir()] if self.path.is_dir() else []
        only_ours = all(name in (STATE, "masks") or re.fullmatch(r"plan(-\d+)?\.json", name) for name in strays)
        # A folder that another job has made there meanwhile has its lock or its record.
        if strays and only_ours and not (self.state / "lock").exists() and not self._record_file.exists():
            shutil.rmtree(self.path, ignore_errors=True)

    def read(self) -> Record | None:
        """The record of earlier runs; None when this is the first. Raises BadUsage when it is damaged."""
        try:
            return msgspec.json.decode(self._record_file.read_bytes(), type=Record)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
            raise BadUsage(
                f"{self._record_file} cannot be read.",
                str(error),
                "Choose another folder with --output; the takes in this one stay as they are.",
            ) from error

    def write(self, record: Record) -> None:
        """Keep the record. Raises OutOfDisk."""
        write_atomically(self._record_file, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")

    def free_number(self, record: Record) -> int:
        """The lowest take number above all that were given out or are in the folder."""
        taken = [number for batch in record.batches for number in batch.numbers.values()]
        folder = self._takes
        found = [int(each.name) for each in folder.iterdir() if each.name.isdecimal()] if folder.is_dir() else []
        return max([0, *taken, *found]) + 1

    def _refuse_foreign(self) -> None:
        try:
            strangers = [] if self._record_file.exists() or not self.path.exists() else sorted(os.listdir(self.path))
        except OSError as error:
            raise _not_writable(self.path, error) from error
        strangers = [name for name in strangers if name != STATE]
        if strangers:
            raise BadUsage(
                f"The folder {self.path} is not empty and holds no job of this program.",
                f"It has {', '.join(strangers[:4])}{' ...' if len(strangers) > 4 else ''}; nothing is written over.",
                "Choose a new or an empty folder with --output.",
            )


def refuse_difference(pairs: list[tuple[str, Any, Any]], folder: JobFolder) -> None:
    """Raises BadUsage when any of these (name, value there, value here) differ."""
    differing = [(name, there, here) for name, there, here in pairs if there != here]
    if differing:
        shown = "; ".join(f"{name}: {_short(there)} there, {_short(here)} here" for name, there, here in differing)
        raise BadUsage(f"The folder {folder.path} holds another job.", f"It differs in {shown}.", OTHER_FOLDER)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _not_writable(path: Path, error: OSError) -> OutOfDisk:
    return OutOfDisk(
        f"Results cannot be written to {path}.",
        error.strerror or str(error),
        "Choose a folder that you may write to, on a disk with space, with --output.",
    )
