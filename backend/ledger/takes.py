"""The index of finished takes; the truth about each is its take.json."""

from __future__ import annotations

from collections.abc import Sequence

from backend.ledger.database import Database
from backend.ledger.problems import NoSuchTake
from backend.ledger.rows import decoded, encoded
from bridge.messages import TakeEntry
from bridge.take import Note, Status, Take, read_take, write_take


class TakeIndex:
    """The table `takes`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, job: str, number: int, folder: str, take: Take) -> None:
        """Enter a take, or what has become of it; to be called in a transaction."""
        self._database.change(
            "INSERT INTO takes (job, number, folder, take) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (job, number) DO UPDATE SET folder = excluded.folder, take = excluded.take",
            job,
            number,
            folder,
            encoded(take),
        )

    def read(self, client: str | None, job: str | None) -> tuple[TakeEntry, ...]:
        """Takes of a client and of a job, or of all; oldest job first."""
        rows = self._database.rows(
            "SELECT takes.job, number, folder, take FROM takes JOIN jobs ON jobs.id = takes.job "
            "WHERE (?1 IS NULL OR client = ?1) AND (?2 IS NULL OR takes.job = ?2) ORDER BY jobs.serial, number",
            client,
            job,
        )
        return tuple(_entry(row) for row in rows)

    def find(self, job: str, number: int) -> TakeEntry:
        """One take. Raises NoSuchTake."""
        row = self._database.row("SELECT * FROM takes WHERE job = ? AND number = ?", job, number)
        if row is None:
            raise NoSuchTake(job, number)
        return _entry(row)

    def numbers(self, job: str) -> tuple[int, ...]:
        """Which takes of a job are finished."""
        rows = self._database.rows("SELECT number FROM takes WHERE job = ? ORDER BY number", job)
        return tuple(row["number"] for row in rows)

    def review(self, job: str, number: int, status: Status | None, notes: Sequence[Note] | None) -> TakeEntry:
        """Write what people say of a take to its take.json and then here. Raises NoSuchTake, BadTake, OutOfDisk."""
        entry = self.find(job, number)
        take = read_take(entry.folder)
        if status is not None:
            take.status = status
        if notes is not None:
            take.notes = list(notes)
        write_take(entry.folder, take)
        with self._database.writing():
            self.put(job, number, entry.folder, take)
        return TakeEntry(job=job, number=number, folder=entry.folder, take=take)


def _entry(row: object) -> TakeEntry:
    return TakeEntry(job=row["job"], number=row["number"], folder=row["folder"], take=decoded(row["take"], Take))
