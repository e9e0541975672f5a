"""Work that would block the window, in other threads; results are delivered in the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, QRunnable, Qt, QThreadPool, pyqtSignal

from contract.errors import Problem

Work = Callable[[], Any]
Done = Callable[[Any], None]
Failed = Callable[[Problem], None]


class Background(QObject):
    """Runs work in a pool of threads. `run` calls `done` with the result or `failed` with the Problem."""

    def __init__(self, threads: int = 2, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._running: set[_Completion] = set()

    def run(self, work: Work, done: Done, failed: Failed) -> None:
        """Start `work` as soon as a thread is free. Errors other than Problem go to sys.excepthook."""
        completion = _Completion()
        self._running.add(completion)

        def finish(result: object, problem: object) -> None:
            self._running.discard(completion)
            failed(problem) if isinstance(problem, Problem) else done(result)

        completion.finished.connect(finish, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]  # stubs
        self._pool.start(_Task(work, completion))

    def wait(self) -> None:
        """Wait for running work; work that has not started is dropped."""
        self._pool.clear()
        self._pool.waitForDone(5000)


class _Completion(QObject):
    finished = pyqtSignal(object, object)


class _Task(QRunnable):
    def __init__(self, work: Work, completion: _Completion) -> None:
        super().__init__()
        self._work, self._completion = work, completion

    def run(self) -> None:
        try:
            result, problem = self._work(), None
        except Problem as raised:
            result, problem = None, raised
        self._completion.finished.emit(result, problem)
