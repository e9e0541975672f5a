"""What was said about takes while the service could not hear it: kept on the disk until it has."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bridge.wire.messages import SetTake
from contract.atomic_file import write_atomically
from contract.take import Note, Status, Take


class ReviewOutbox:
    """One `SetTake` for every take that something is to be said about."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._waiting: dict[tuple[str, int], SetTake] = {}
        try:
            kept = msgspec.json.decode(file.read_bytes(), type=list[SetTake])
        except (OSError, msgspec.DecodeError):
            kept = []
        self._waiting = {(each.job, each.take): each for each in kept}

    def add(self, job: str, number: int, status: Status | None, notes: tuple[Note, ...] | None) -> None:
        """Something is to be said; it joins what waits for the same take. Raises OutOfDisk."""
        before = self._waiting.get((job, number))
        self._waiting[job, number] = SetTake(
            job=job,
            take=number,
            status=status if status is not None or before is None else before.status,
            notes=notes if notes is not None or before is None else before.notes,
        )
        self._write()

    def requests(self) -> list[SetTake]:
        """Everything that waits."""
        return list(self._waiting.values())

    def acknowledge(self, request: SetTake) -> None:
        """The service has it; what was said in the meantime still waits."""
        if self._waiting.get((request.job, request.take)) == request:
            del self._waiting[request.job, request.take]
            self._write()

    def apply(self, job: str, number: int, take: Take) -> Take:
        """A take as it is with what waits."""
        said = self._waiting.get((job, number))
        if said is None:
            return take
        status = said.status if said.status is not None else take.status
        notes = list(said.notes) if said.notes is not None else take.notes
        return msgspec.structs.replace(take, status=status, notes=notes)

    def _write(self) -> None:
        write_atomically(self._file, msgspec.json.encode(list(self._waiting.values())))
