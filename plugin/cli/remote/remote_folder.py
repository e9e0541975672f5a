"""The folder of results that came from another machine: which job there made what here."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import msgspec

from contract.atomic_file import write_atomically
from contract.errors import BadTake, BadUsage, OutOfDisk
from contract.take import TAKE_FILE, Take, read_take

STATE = ".dynvfx"


class RemoteBatch(msgspec.Struct, kw_only=True):
    """One job on the service. `asked` is what was asked for and decides whether an order is the same; `token` names
    the job to the service; `job` is its id there, once known. `takes` maps numbers there (as text) to those here."""

    asked: dict[str, Any]
    token: str
    seed: int
    count: int
    job: str | None = None
    takes: dict[str, int] = {}


class RemoteRecord(msgspec.Struct, kw_only=True):
    """What `.dynvfx/remote.json` holds. `service` is the service's public key; `order` the first order's location."""

    service: str
    shot: dict[str, Any]
    batches: list[RemoteBatch] = []
    schema: int = 1


class RemoteFolder:
    """A folder with results like a local job's, without what only the machine that made them needs."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.state = self.path / STATE
        self.timeline = self.path / "timeline.otio"
        self.media = self.path / "media"
        self._record_file = self.state / "remote.json"

    def take(self, number: int) -> Path:
        """The folder of a take here."""
        return self.path / "takes" / f"{number:02d}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """No other command works in the folder meanwhile. Raises BadUsage, OutOfDisk."""
        is_new = not self.path.exists()
        self._refuse_foreign()
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.state / "lock", timeout=0)
            lock.acquire()
        except filelock.Timeout as error:
            raise BadUsage(
                f"Another process is working in {self.path}.",
                "Two at once would write over each other's results.",
                "Wait until it has finished, or choose another folder with --output.",
            ) from error
        except OSError as error:
            raise OutOfDisk(
                f"Results cannot be written to {self.path}.",
                error.strerror or str(error),
                "Choose a folder that you may write to, on a disk with space, with --output.",
            ) from error
        try:
            yield
        finally:
            lock.release()
            if is_new and not self._record_file.exists():
                _remove_empty(self.path)

    def read(self) -> RemoteRecord | None:
        """What earlier commands left; None when there were none. Raises BadUsage when it cannot be read."""
        try:
            return msgspec.json.decode(self._record_file.read_bytes(), type=RemoteRecord)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise BadUsage(
                f"{self._record_file} cannot be read.",
                str(error),
                "Choose another folder with --output; the takes in this one stay as they are.",
            ) from error

    def write(self, record: RemoteRecord) -> None:
        """Keep the record. Raises OutOfDisk."""
        write_atomically(self._record_file, msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n")

    def number_here(self, record: RemoteRecord, batch: RemoteBatch, there: int) -> int:
        """The number that a take of a job gets here: the same one where it is free."""
        known = batch.takes.get(str(there))
        if known is not None:
            return known
        if batch.asked.get("plan_only"):
            return there  # it makes none, so none is given out
        taken = {number for each in record.batches for number in each.takes.values()}
        here = there if there not in taken else max(taken) + 1
        batch.takes[str(there)] = here
        self.write(record)
        return here

    def finished(self, number: int) -> Take | None:
        """The take of this number when all of its files are here."""
        folder = self.take(number)
        try:
            take = read_take(folder)
            complete = all((folder / each.path).stat().st_size == each.bytes for each in take.media)
        except (BadTake, OSError):
            return None
        return take if complete else None

    def _refuse_foreign(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise BadUsage(f"{self.path} is a file.", remedy="Choose a folder for the results with --output.")
        if self._record_file.exists() or not self.path.exists():
            return
        try:
            strangers = [name for name in sorted(os.listdir(self.path)) if name != STATE]
        except OSError as error:
            raise OutOfDisk(f"{self.path} cannot be read.", error.strerror or "", "Choose another folder.") from error
        local = (self.state / "job.json").exists()
        if strangers or local:
            why = f"It has {', '.join(strangers[:4])}{' ...' if len(strangers) > 4 else ''}; nothing is written over."
            raise BadUsage(
                f"The folder {self.path} is not empty and holds no job of another machine.",
                "It holds a job of this machine." if local else why,
                "Choose a new or an empty folder with --output.",
            )


def batch_for(record: RemoteRecord, asked: dict[str, Any], seed: int, count: int) -> RemoteBatch:
    """The job of the very same order, else a new one; more takes of a known order are made as one more job."""
    same = [batch for batch in record.batches if batch.asked == asked]
    covered = {seed for batch in same for seed in range(batch.seed, batch.seed + batch.count)}
    for batch in same:
        if batch.seed == seed and batch.count >= count:
            return batch
    wanted = [each for each in range(seed, seed + count) if each not in covered] or list(range(seed, seed + count))
    batch = RemoteBatch(asked=asked, token=uuid.uuid4().hex, seed=wanted[0], count=len(wanted))
    record.batches.append(batch)
    return batch


def is_take_of(record: RemoteRecord, number: int) -> tuple[str, int] | None:
    """The job on the service, and the number there, of the take with this number here."""
    for batch in record.batches:
        for there, here in batch.takes.items():
            if here == number and batch.job is not None:
                return batch.job, int(there)
    return None


def has_take(folder: Path) -> bool:
    """Whether a take's record is in a folder."""
    return (folder / TAKE_FILE).exists()


def _remove_empty(folder: Path) -> None:
    """Take a folder away in which nothing came to be."""
    for path in (folder / STATE / "lock", folder / STATE, folder):
        try:
            path.unlink() if path.is_file() else path.rmdir()
        except OSError:
            return
