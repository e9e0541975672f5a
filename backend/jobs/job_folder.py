"""A job's folder: what stands where, who may work in it, and the record that lets the same command go on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import msgspec

from contract.atomic_file import write_atomically
from contract.errors import BadMedia, BadUsage, OutOfDisk

RECORD_SCHEMA = 1


class Batch(msgspec.Struct, kw_only=True):
    """The takes of one command. `order` is what was asked for, in plain values, and decides whether it is the same.

    `plan` is the plan's file name; `numbers` maps a take's seed (as text) to its number; `request` is the first take's
    request once it is known; `parent` is the number of the take that these follow.
    """

    order: dict[str, Any]
    plan: str
    numbers: dict[str, int] = {}
    request: dict[str, Any] | None = None
    parent: int | None = None


class Record(msgspec.Struct, kw_only=True):
    """What `.dynvfx/job.json` holds. `shot` says which pictures are worked on, `media` that the files are the same,
    `location` how the clip was named, to find it again.

    `threads` is the number of CPU threads of the first run: sums depend on it in their last bits.
    """

    shot: dict[str, Any]
    media: str
    threads: int
    location: dict[str, Any]
    batches: list[Batch] = []
    schema: int = RECORD_SCHEMA


class JobFolder:
    """A folder with a job's results: `timeline.otio`, `plan.json`, `takes/01` ..., and `.dynvfx` for its state."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.state = self.path / ".dynvfx"
        self.timeline = self.path / "timeline.otio"
        self.media = self.path / "media"

    def take(self, number: int) -> Path:
        """The folder of a take; numbers begin at 1."""
        return self.path / "takes" / f"{number:02d}"

    def preview(self, number: int) -> Path:
        """The picture of a take that is being made."""
        return self.state / f"preview-{number:02d}.png"

    def masks(self, plan: str) -> Path:
        """The folder with pictures of what a plan's phrases name; `plan` is the plan's file name."""
        return self.path / "masks" / Path(plan).stem

    def painted(self, sha256: str) -> Path:
        """The painted mask with this SHA-256."""
        return self.state / "painted" / f"{sha256}.png"

    @property
    def states(self) -> Path:
        """Where the engine keeps what it needs to go on."""
        return self.state / "states"

    @contextmanager
    def held(self, patience: float = 0.0) -> Iterator[None]:
        """Nobody else works in the folder meanwhile; it vanishes again if it is new and nothing came of the work.

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
            if not self._record_file.exists() and not had_state:
                shutil.rmtree(self.path if is_new else self.state, ignore_errors=True)

    def read(self) -> Record | None:
        """The record of earlier runs; None when this is the first. Raises BadUsage when it is damaged or newer."""
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
        """The lowest take number above all that are spoken for or stand in the folder."""
        taken = [number for batch in record.batches for number in batch.numbers.values()]
        folder = self.path / "takes"
        found = [int(each.name) for each in folder.iterdir() if each.name.isdecimal()] if folder.is_dir() else []
        return max([0, *taken, *found]) + 1

    @property
    def _record_file(self) -> Path:
        return self.state / "job.json"

    def _refuse_foreign(self) -> None:
        try:
            strangers = [] if self._record_file.exists() or not self.path.exists() else sorted(os.listdir(self.path))
        except OSError as error:
            raise _not_writable(self.path, error) from error
        strangers = [name for name in strangers if name != ".dynvfx"]
        if strangers:
            raise BadUsage(
                f"The folder {self.path} is not empty and holds no job of this program.",
                f"It has {', '.join(strangers[:4])}{' ...' if len(strangers) > 4 else ''}; nothing is written over.",
                "Choose a new or an empty folder with --output.",
            )


def refuse_other_shot(record: Record, shot: dict[str, Any], media: str, folder: JobFolder) -> None:
    """Raises BadUsage when the folder's job works on another clip, BadMedia when the clip's files have changed."""
    _refuse_difference(record.shot, shot, folder)
    if record.media != media:
        raise BadMedia(
            "The clip's media files have changed since this job began.",
            "Half of it would be made from the old pictures and half from the new ones.",
            "Start again in another folder with --output.",
        )


def find_batch(record: Record, order: dict[str, Any], kind: str, folder: JobFolder) -> Batch | None:
    """The batch of the very same order; None when there is none yet.

    A folder takes one order of the kind "add"; another one is refused with BadUsage. Refinements are added freely.
    """
    same = next((batch for batch in record.batches if batch.order == order), None)
    if same is None and kind == "add" and record.batches:
        _refuse_difference(record.batches[0].order, order, folder)
    return same


def _refuse_difference(there: dict[str, Any], here: dict[str, Any], folder: JobFolder) -> None:
    # What an order does not say (a box, say) is left out of it.
    differing = [name for name in here | there if there.get(name) != here.get(name)]
    if not differing:
        return
    shown = "; ".join(f"{name}: {_short(there.get(name))} there, {_short(here.get(name))} here" for name in differing)
    raise BadUsage(
        f"The folder {folder.path} holds another job.",
        f"It differs in {shown}.",
        "Choose another folder with --output, or repeat the first command to go on with that job.",
    )


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def plan_name(numbers: Sequence[int]) -> str:
    """The plan's file: plan.json for the first takes, plan-03.json for a refinement that begins with take 3."""
    return "plan.json" if min(numbers) == 1 else f"plan-{min(numbers):02d}.json"


def _not_writable(path: Path, error: OSError) -> OutOfDisk:
    return OutOfDisk(
        f"Results cannot be written to {path}.",
        error.strerror or str(error),
        "Choose a folder that you may write to, on a disk with space, with --output.",
    )
