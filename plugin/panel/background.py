"""Work that would hold the window up, in a thread of its own; what came out is told in the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, QRunnable, Qt, QThreadPool, pyqtSignal

from contract.errors import Problem

Work = Callable[[], Any]
Done = Callable[[Any], None]
Failed = Callable[[Problem], None]


class Background(QObject):
    """Runs work in a pool of threads. `run` tells `done` the result or `failed` the Problem."""

    def __init__(self, threads: int = 2, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._running: set[_Told] = set()

    def run(self, work: Work, done: Done, failed: Failed) -> None:
        """Begin `work` soon. Errors that are no Problem go to sys.excepthook."""
        told = _Told()
        self._running.add(told)

        def finish(result: object, problem: object) -> None:
            self._running.discard(told)
            failed(problem) if isinstance(problem, Problem) else done(result)

        told.finished.connect(finish, Qt.ConnectionType.QueuedConnection)
        self._pool.start(_Task(work, told))

    def wait(self) -> None:
        """Wait for what is running, and forget what has not begun."""
        self._pool.clear()
        self._pool.waitForDone(5000)


class Immediately:
    """The same without threads, for tests and for work that is quick."""

    def run(self, work: Work, done: Done, failed: Failed) -> None:
        """Do `work` now."""
        try:
            result = work()
        except Problem as problem:
            failed(problem)
        else:
            done(result)

    def wait(self) -> None:
        """Nothing is ever running."""


class _Told(QObject):
    finished = pyqtSignal(object, object)


class _Task(QRunnable):
    def __init__(self, work: Work, told: _Told) -> None:
        super().__init__()
        self._work, self._told = work, told

    def run(self) -> None:
        try:
            result, problem = self._work(), None
        except Problem as raised:
            result, problem = None, raised
        self._told.finished.emit(result, problem)
