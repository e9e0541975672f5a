"""The index of finished takes; the truth about each is its take.json."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from backend.ledger.database import Database
from backend.ledger.errors import NoSuchTake
from backend.ledger.rows import decoded, encoded
from bridge.wire.messages import TakeEntry
from contract.errors import BadTake
from contract.take import TAKE_FILE, Note, Status, Take, read_take, write_take


class TakeIndex:
    """The table `takes`. Another program may write a take.json too: changes there are taken over when it is read.

    A take whose folder is gone (deleted, or on a disk that is not there) is left out of answers but kept here.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, job: str, number: int, folder: str, take: Take) -> None:
        """Enter a take, or what has become of it; to be called in a transaction."""
        self._database.change(
            "INSERT INTO takes (job, number, folder, take, model, stamp) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (job, number) DO UPDATE SET folder = excluded.folder, take = excluded.take,"
            " model = excluded.model, stamp = excluded.stamp",
            job,
            number,
            folder,
            encoded(take),
            take.model,
            _stamp(folder) or "",
        )

    def read(self, client: str | None, job: str | None) -> tuple[TakeEntry, ...]:
        """Takes of a client and of a job, or of all; oldest job first."""
        rows = self._database.rows(
            "SELECT takes.* FROM takes JOIN jobs ON jobs.id = takes.job "
            "WHERE (?1 IS NULL OR client = ?1) AND (?2 IS NULL OR takes.job = ?2) ORDER BY jobs.serial, number",
            client,
            job,
        )
        return self._current(rows)

    def find(self, job: str, number: int) -> TakeEntry:
        """One take. Raises NoSuchTake."""
        found = self._current(self._database.rows("SELECT * FROM takes WHERE job = ? AND number = ?", job, number))
        if not found:
            raise NoSuchTake(job, number)
        return found[0]

    def made_with(self, model: str, limit: int) -> tuple[Take, ...]:
        """The newest takes of a model, newest first, whether or not their folders are still there."""
        rows = self._database.rows("SELECT take FROM takes WHERE model = ? ORDER BY serial DESC LIMIT ?", model, limit)
        return tuple(decoded(row["take"], Take) for row in rows)

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

    def _current(self, rows: Sequence[sqlite3.Row]) -> tuple[TakeEntry, ...]:
        """Entries as their take.json has them now. One that is damaged is shown as it was before."""
        entries, changed = [], []
        for row in rows:
            stamp = _stamp(row["folder"])
            if stamp is None:
                continue
            take = None
            if stamp != row["stamp"]:
                try:
                    take = read_take(row["folder"])
                except BadTake:
                    pass
            entry = TakeEntry(
                job=row["job"], number=row["number"], folder=row["folder"], take=take or decoded(row["take"], Take)
            )
            entries.append(entry)
            if take is not None:
                changed.append(entry)
        if changed:
            with self._database.writing():
                for entry in changed:
                    self.put(entry.job, entry.number, entry.folder, entry.take)
        return tuple(entries)


def _stamp(folder: str) -> str | None:
    """Another text after take.json was replaced; None when there is none."""
    try:
        found = (Path(folder) / TAKE_FILE).stat()
    except OSError:
        return None
    return f"{found.st_mtime_ns}:{found.st_size}:{found.st_ino}"
