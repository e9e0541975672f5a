"""Shots and takes on their way between this machine and the service's: how far each is, stopping, trying again."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from PyQt6.QtCore import QObject, QTimer

from contract.errors import Problem
from plugin.background_runner import BackgroundRunner
from plugin.panel.models.number_text import size_text
from plugin.panel.models.observable import Field, Observable

State = Literal["running", "stopped", "failed"]
LOOK_EVERY_MS = 150


class Way:
    """What the thread that moves bytes and the window share: counts one way, the wish to stop the other way."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.reading = total, 0, False
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End it at the next chunk."""
        self._stopped.set()

    def is_stopped(self) -> bool:
        """Whether it is to end."""
        return self._stopped.is_set()

    def read(self, done: int) -> None:
        """So many bytes were read for their hash; nothing was sent yet."""
        self.reading, self.done = True, done

    def moved(self, done: int) -> None:
        """So many bytes of all are on the other side."""
        self.reading, self.done = False, done


@dataclass(frozen=True)
class Transfer:
    """One row: `done` of `total` bytes. `key` names what travels; the same thing never travels twice at once."""

    key: str
    name: str
    upload: bool
    state: State = "running"
    done: int = 0
    total: int = 0
    reading: bool = False
    problem: Problem | None = None

    @property
    def share(self) -> float:
        """How far it is, in [0, 1]."""
        return min(1.0, self.done / self.total) if self.total else 0.0


Work = Callable[[Way], Any]


@dataclass(frozen=True)
class _Order:
    work: Work
    done: Callable[[Any], None]
    failed: Callable[[Problem], None]


class TransfersModel(Observable):
    """Moves files in other threads. `rows` are what travels, what was stopped, and what went wrong and is not done."""

    rows: Field[tuple[Transfer, ...]] = Field(())

    def __init__(self, background: BackgroundRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._ways: dict[str, Way] = {}
        self._orders: dict[str, _Order] = {}
        self._numbers = itertools.count(1)
        self._look = QTimer(self)
        self._look.setInterval(LOOK_EVERY_MS)
        self._look.timeout.connect(self._see)

    def begin(
        self,
        transfer: Transfer,
        work: Work,
        done: Callable[[Any], None],
        failed: Callable[[Problem], None],
    ) -> None:
        """Begin to move something, unless it moves already; `work` gets the Way, and one of the others its outcome."""
        if transfer.key in self._ways:
            return
        way = self._ways[transfer.key] = Way(transfer.total)
        self._orders[transfer.key] = _Order(work, done, failed)
        self._put(replace(transfer, state="running", done=0, problem=None))
        self._look.start()
        self._background.run(
            lambda: work(way),
            lambda result: self._came(transfer.key, way, result),
            lambda problem: self._missed(transfer.key, way, problem),
        )

    def new_key(self, kind: str) -> str:
        """A key for something that has none of its own."""
        return f"{kind}:{next(self._numbers)}"

    def stop(self, key: str) -> None:
        """Stop moving something; what has arrived stays, and it goes on from there."""
        if key in self._ways:
            self._ways[key].stop()

    def again(self, key: str) -> None:
        """Go on with what was stopped or went wrong."""
        row, order = self.row(key), self._orders.get(key)
        if row is not None and order is not None and key not in self._ways:
            self.begin(row, order.work, order.done, order.failed)

    def dismiss(self, key: str) -> None:
        """Show it no longer; one that moves is stopped."""
        self.stop(key)
        self._orders.pop(key, None)
        self.rows = tuple(each for each in self.rows if each.key != key)

    def row(self, key: str) -> Transfer | None:
        """The row with this key."""
        return next((each for each in self.rows if each.key == key), None)

    def is_held(self, key: str) -> bool:
        """Whether somebody stopped it, so that it does not begin again unasked."""
        row = self.row(key)
        return row is not None and row.state == "stopped"

    def close(self) -> None:
        """Stop everything."""
        self._look.stop()
        for way in self._ways.values():
            way.stop()

    def _came(self, key: str, way: Way, result: Any) -> None:
        order = self._end(key, way)
        self.rows = tuple(each for each in self.rows if each.key != key)
        if order is not None:
            del self._orders[key]
            order.done(result)

    def _missed(self, key: str, way: Way, problem: Problem) -> None:
        order, row = self._end(key, way), self.row(key)
        if order is None or row is None:
            return
        stopped = problem.kind == "cancelled"
        if row.upload:
            # What waits for a shot has its own button to try again.
            self.dismiss(key)
        else:
            self._put(replace(row, state="stopped" if stopped else "failed", problem=None if stopped else problem))
        order.failed(problem)

    def _end(self, key: str, way: Way) -> _Order | None:
        if self._ways.get(key) is not way:
            return None
        del self._ways[key]
        if not self._ways:
            self._look.stop()
        return self._orders.get(key)

    def _put(self, row: Transfer) -> None:
        others = [each.key for each in self.rows]
        if row.key in others:
            self.rows = tuple(row if each.key == row.key else each for each in self.rows)
        else:
            self.rows = (*self.rows, row)

    def _see(self) -> None:
        """Take over how far the threads are, a few times a second."""
        seen = []
        for row in self.rows:
            way = self._ways.get(row.key)
            seen.append(replace(row, done=way.done, total=way.total, reading=way.reading) if way is not None else row)
        self.rows = tuple(seen)

    def text_of(self, row: Transfer) -> str:
        """What is happening, for people."""
        if row.state == "failed" and row.problem is not None:
            parts = (f"{row.name} could not be transferred.", row.problem.what, row.problem.remedy)
            return " ".join(part for part in parts if part)
        if row.state == "stopped":
            return f"{row.name} was not downloaded; the part received so far is kept."
        far = f"{size_text(row.done)} of {size_text(row.total)}"
        if row.reading:
            return f"Reading {row.name}: {far}"
        return f"{'Uploading' if row.upload else 'Downloading'} {row.name}: {far}"
