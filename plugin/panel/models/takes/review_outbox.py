"""Statuses and notes that the backend does not have yet, kept on disk until it acknowledges them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bridge.wire.messages import SetTake
from contract.atomic_file import write_atomically
from contract.take import Note, Status, Take


class ReviewOutbox:
    """One `SetTake` for every take with unsent changes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._waiting: dict[tuple[str, int], SetTake] = {}
        try:
            kept = msgspec.json.decode(file.read_bytes(), type=list[SetTake])
        except (OSError, msgspec.DecodeError):
            kept = []
        self._waiting = {(each.job, each.take): each for each in kept}

    def add(self, job: str, number: int, status: Status | None, notes: tuple[Note, ...] | None) -> None:
        """Add a status or notes, merged with unsent ones of the same take. Raises OutOfDisk."""
        before = self._waiting.get((job, number))
        self._waiting[job, number] = SetTake(
            job=job,
            take=number,
            status=status if status is not None or before is None else before.status,
            notes=notes if notes is not None or before is None else before.notes,
        )
        self._write()

    def requests(self) -> list[SetTake]:
        """All unsent changes."""
        return list(self._waiting.values())

    def acknowledge(self, request: SetTake) -> None:
        """Drop a change that the backend has received; newer changes of the take stay."""
        if self._waiting.get((request.job, request.take)) == request:
            del self._waiting[request.job, request.take]
            self._write()

    def apply(self, job: str, number: int, take: Take) -> Take:
        """A take with its unsent changes."""
        unsent = self._waiting.get((job, number))
        if unsent is None:
            return take
        status = unsent.status if unsent.status is not None else take.status
        notes = list(unsent.notes) if unsent.notes is not None else take.notes
        return msgspec.structs.replace(take, status=status, notes=notes)

    def _write(self) -> None:
        write_atomically(self._file, msgspec.json.encode(list(self._waiting.values())))
