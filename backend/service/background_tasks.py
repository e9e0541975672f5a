"""Work that would hold up the loop, done in threads; a socket wakes the loop when some is done."""

from __future__ import annotations

import queue
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

Task = Callable[[], Any]
"""Touches neither the ledger nor a ZeroMQ socket: those are the loop's."""


class BackgroundTasks:
    """A few threads, and a socket that can be polled."""

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, "background")
        self._done: queue.SimpleQueue[tuple[Future, Callable[[Future], None]]] = queue.SimpleQueue()
        self._wakeup_reader, self._wakeup_writer = socket.socketpair()
        self._wakeup_reader.setblocking(False)
        self._wakeup_writer.setblocking(False)

    def fileno(self) -> int:
        """For a poller."""
        return self._wakeup_reader.fileno()

    def run(self, task: Task, then: Callable[[Future], None]) -> None:
        """Do it in a thread; `then` is called by `step` with the future that holds its result or error."""
        future = self._pool.submit(task)
        future.add_done_callback(lambda done: self._ended(done, then))

    def step(self) -> None:
        """Call `then` of every task that is done."""
        try:
            while self._wakeup_reader.recv(4096):
                pass
        except BlockingIOError:
            pass
        while not self._done.empty():
            future, then = self._done.get()
            then(future)

    def close(self) -> None:
        """Wait for what is under way; its `then` is not called any more."""
        self._pool.shutdown(cancel_futures=True)
        self._wakeup_reader.close()
        self._wakeup_writer.close()

    def _ended(self, future: Future, then: Callable[[Future], None]) -> None:
        self._done.put((future, then))
        try:
            self._wakeup_writer.send(b"\0")
        except BlockingIOError:
            pass  # many bytes wait there already: the loop will look
