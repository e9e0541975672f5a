"""Uploads and downloads between this machine and the backend's: progress, stopping, trying again."""

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
UPDATE_EVERY_MS = 150


class TransferControl:
    """Shared by a transfer's thread and the window: the thread sets the progress, the window can stop it."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.reading = total, 0, False
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Stop at the next chunk."""
        self._stopped.set()

    def is_stopped(self) -> bool:
        """Whether it was stopped."""
        return self._stopped.is_set()

    def read(self, done: int) -> None:
        """Report `done` bytes read for their hash; nothing is sent yet."""
        self.reading, self.done = True, done

    def moved(self, done: int) -> None:
        """Report `done` bytes transferred in all."""
        self.reading, self.done = False, done


@dataclass(frozen=True)
class Transfer:
    """One row: `done` of `total` bytes. `key` names the content; it is never transferred twice at once."""

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
        """The transferred share in [0, 1]."""
        return min(1.0, self.done / self.total) if self.total else 0.0


Work = Callable[[TransferControl], Any]


@dataclass(frozen=True)
class _Order:
    work: Work
    done: Callable[[Any], None]
    failed: Callable[[Problem], None]


class TransfersModel(Observable):
    """Runs transfers in other threads. `rows` are the running, stopped and failed ones."""

    rows: Field[tuple[Transfer, ...]] = Field(())

    def __init__(self, background: BackgroundRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self._controls: dict[str, TransferControl] = {}
        self._orders: dict[str, _Order] = {}
        self._numbers = itertools.count(1)
        self._timer = QTimer(self)
        self._timer.setInterval(UPDATE_EVERY_MS)
        self._timer.timeout.connect(self._update)

    def begin(
        self,
        transfer: Transfer,
        work: Work,
        done: Callable[[Any], None],
        failed: Callable[[Problem], None],
    ) -> None:
        """Start a transfer, unless it is running; `work` gets its progress object, `done` or `failed` the outcome."""
        if transfer.key in self._controls:
            return
        control = self._controls[transfer.key] = TransferControl(transfer.total)
        self._orders[transfer.key] = _Order(work, done, failed)
        self._put(replace(transfer, state="running", done=0, problem=None))
        self._timer.start()
        self._background.run(
            lambda: work(control),
            lambda result: self._finished(transfer.key, control, result),
            lambda problem: self._failed(transfer.key, control, problem),
        )

    def new_key(self, kind: str) -> str:
        """A new key for a transfer without one of its own."""
        return f"{kind}:{next(self._numbers)}"

    def stop(self, key: str) -> None:
        """Stop a transfer; the part received is kept, and `again` resumes it."""
        if key in self._controls:
            self._controls[key].stop()

    def again(self, key: str) -> None:
        """Resume a stopped or failed transfer."""
        row, order = self.row(key), self._orders.get(key)
        if row is not None and order is not None and key not in self._controls:
            self.begin(row, order.work, order.done, order.failed)

    def dismiss(self, key: str) -> None:
        """Remove a transfer from the list; a running one is stopped."""
        self.stop(key)
        self._orders.pop(key, None)
        self.rows = tuple(each for each in self.rows if each.key != key)

    def row(self, key: str) -> Transfer | None:
        """The row with this key."""
        return next((each for each in self.rows if each.key == key), None)

    def is_held(self, key: str) -> bool:
        """Whether it was stopped, so that it must not restart by itself."""
        row = self.row(key)
        return row is not None and row.state == "stopped"

    def close(self) -> None:
        """Stop everything."""
        self._timer.stop()
        for control in self._controls.values():
            control.stop()

    def _finished(self, key: str, control: TransferControl, result: Any) -> None:
        order = self._end(key, control)
        self.rows = tuple(each for each in self.rows if each.key != key)
        if order is not None:
            del self._orders[key]
            order.done(result)

    def _failed(self, key: str, control: TransferControl, problem: Problem) -> None:
        order, row = self._end(key, control), self.row(key)
        if order is None or row is None:
            return
        stopped = problem.kind == "cancelled"
        if row.upload:
            # The plan that waits for the upload has its own button to try again.
            self.dismiss(key)
        else:
            self._put(replace(row, state="stopped" if stopped else "failed", problem=None if stopped else problem))
        order.failed(problem)

    def _end(self, key: str, control: TransferControl) -> _Order | None:
        if self._controls.get(key) is not control:
            return None
        del self._controls[key]
        if not self._controls:
            self._timer.stop()
        return self._orders.get(key)

    def _put(self, row: Transfer) -> None:
        others = [each.key for each in self.rows]
        if row.key in others:
            self.rows = tuple(row if each.key == row.key else each for each in self.rows)
        else:
            self.rows = (*self.rows, row)

    def _update(self) -> None:
        """Update the rows from the threads' progress, a few times a second."""
        rows = []
        for row in self.rows:
            control = self._controls.get(row.key)
            if control is not None:
                row = replace(row, done=control.done, total=control.total, reading=control.reading)
            rows.append(row)
        self.rows = tuple(rows)

    def text_of(self, row: Transfer) -> str:
        """A row's state as text."""
        if row.state == "failed" and row.problem is not None:
            parts = (f"{row.name} could not be transferred.", row.problem.what, row.problem.remedy)
            return " ".join(part for part in parts if part)
        if row.state == "stopped":
            return f"{row.name} was not downloaded; the part received so far is kept."
        far = f"{size_text(row.done)} of {size_text(row.total)}"
        if row.reading:
            return f"Reading {row.name}: {far}"
        return f"{'Uploading' if row.upload else 'Downloading'} {row.name}: {far}"
