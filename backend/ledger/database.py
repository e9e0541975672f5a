"""The ledger's file: one process at a time, whole transactions, on the disk when they return, and typed errors."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import filelock

from backend.ledger.disk_reserve import DiskReserve
from backend.ledger.errors import LedgerDamaged, LedgerInUse, LedgerTooNew
from backend.ledger.schema import APPLICATION
from contract.errors import OutOfDisk

_FULL = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class Database:
    """An SQLite file in WAL mode that this process has to itself until `close`. For one thread.

    Raises LedgerInUse, LedgerDamaged (the file is moved aside first, so that the next start makes a new one),
    LedgerTooNew and OutOfDisk. `tables` are the statements that make a new file, which has the version `version`.
    """

    def __init__(self, path: Path, tables: Sequence[str], version: int) -> None:
        self.path = path
        self._depth = 0
        self._connection: sqlite3.Connection | None = None
        self._reserve: DiskReserve | None = None
        self._lock = filelock.FileLock(_beside(path, "lock"), timeout=0)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        except filelock.Timeout as error:
            raise self._in_use() from error
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error
        with ExitStack() as opening:
            opening.callback(self.close)
            self._open(tables, version)
            opening.pop_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: all of it is on the disk when the block has ended, nothing of it when it raises.

        A block within another one is part of that.
        """
        if self._depth:
            yield
            return
        with self._explained():
            connection = self._opened
            connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                connection.execute("COMMIT")
            finally:
                self._depth = 0
                # Not after a commit; after some errors SQLite has rolled back by itself.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        if self._reserve is not None:
            self._reserve.regain()

    def change(self, statement: str, *values: Any) -> int:
        """Carry out a statement within `writing`; returns how many rows it changed."""
        if not self._depth:
            raise RuntimeError("a change outside of a transaction")
        with self._explained():
            return self._opened.execute(statement, values).rowcount

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._explained():
            return self._opened.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query."""
        rows = self.rows(query, *values)
        return rows[0] if rows else None

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the ledger is closed")
        return self._connection

    def close(self) -> None:
        """Release the file; may be called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.release()

    def _open(self, tables: Sequence[str], version: int) -> None:
        try:
            with self._explained():
                self._connect()
                self._check(version)
        except LedgerDamaged as error:
            raise self._set_aside(error) from error
        self._reserve = DiskReserve(_beside(self.path, "reserve"))
        if self._pragma("user_version") == 0:
            self._create(tables, version)
        self._reserve.regain()

    def _connect(self) -> None:
        connection = sqlite3.connect(self.path, timeout=1, isolation_level=None)
        self._connection = connection
        connection.row_factory = sqlite3.Row
        # Set before the file is touched: without a memory file shared between processes it works on network disks too.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # macOS: only this makes the drive flush its own cache.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute("PRAGMA foreign_keys = ON")

    def _check(self, newest: int) -> None:
        """Whether the file is a ledger, sound, and not newer than this program."""
        version, application = self._pragma("user_version"), self._pragma("application_id")
        if (version or self.row("SELECT 1 FROM sqlite_schema")) and application != APPLICATION:
            raise LedgerDamaged(f"{self.path} is another program's file.")
        if version > newest:
            raise LedgerTooNew(
                f"{self.path} was written by a newer version of this program.",
                f"It has version {version}; this program knows version {newest}.",
                "Update this program.",
            )
        found = self.rows("PRAGMA quick_check(1)")[0][0]
        if found != "ok":
            raise LedgerDamaged(f"{self.path} is damaged.", str(found))

    def _create(self, tables: Sequence[str], version: int) -> None:
        with self.writing():
            for statement in tables:
                self.change(statement)
            self.change(f"PRAGMA user_version = {version}")
            self.change(f"PRAGMA application_id = {APPLICATION}")

    def _pragma(self, name: str) -> int:
        return int(self.rows(f"PRAGMA {name}")[0][0])

    def _set_aside(self, error: LedgerDamaged) -> LedgerDamaged:
        """Move the file and its log away, so that a new one can begin and this one be examined."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        kept = _beside(self.path, time.strftime("damaged-%Y%m%d-%H%M%S"))
        # SQLite finds a log by its file's name.
        for ending in ("-wal", "-journal", "-shm", ""):
            part = self.path.with_name(self.path.name + ending)
            if part.exists():
                shutil.move(part, kept.with_name(kept.name + ending))
        return LedgerDamaged(
            error.what,
            " ".join(part for part in (error.why, f"It was moved to {kept}.") if part),
            "Start again: a new list of jobs begins. Takes are in their own folders and are not touched; "
            "a job submitted again into its folder continues where it stopped.",
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """SQLite's errors as Problems; what only a mistake in this program can cause stays as it is."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _FULL:
                problem = self._unwritable(str(error))
                if self._reserve is not None:
                    self._reserve.release()
                raise problem from error
            if code in _BUSY:
                raise self._in_use() from error
            if code in _DAMAGED:
                raise LedgerDamaged(
                    f"{self.path} is damaged.", f"{error}.", "Start the backend again: it sets the file aside."
                ) from error
            raise

    def _in_use(self) -> LedgerInUse:
        return LedgerInUse(
            f"{self.path} is in use.",
            "Another backend has it open; two would start the same jobs.",
            "Use the one that runs, or stop it first.",
        )

    def _unwritable(self, why: str) -> OutOfDisk:
        try:
            free = f" {shutil.disk_usage(self.path.parent).free} bytes are free there; {DiskReserve.BYTES} are needed."
        except OSError:
            free = ""
        return OutOfDisk(
            f"{self.path} could not be written.",
            f"{why[:1].upper()}{why[1:]}.{free}",
            f"Free some space on the disk of {self.path.parent}, and see that you may write there; "
            "waiting jobs continue after that.",
        )


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.stem}.{ending}{path.suffix if ending not in ('lock', 'reserve') else ''}")
