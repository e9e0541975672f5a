"""Work that would hold up the loop, done in threads; the loop hears when it is through."""

from __future__ import annotations

import queue
import socket
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

Errand = Callable[[], Any]
"""Touches neither the ledger nor a socket: those are the loop's."""


class BackgroundTasks:
    """A few threads, and a socket that can be polled."""

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, "errand")
        self._through: queue.SimpleQueue[tuple[Future, Callable[[Future], None]]] = queue.SimpleQueue()
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)

    def fileno(self) -> int:
        """For a poller."""
        return self._ear.fileno()

    def run(self, errand: Errand, then: Callable[[Future], None]) -> None:
        """Do it in a thread; `then` is called by `step` with the future that holds its result or error."""
        future = self._pool.submit(errand)
        future.add_done_callback(lambda done: self._ended(done, then))

    def step(self) -> None:
        """Call whoever waits for what is through."""
        try:
            while self._ear.recv(4096):
                pass
        except BlockingIOError:
            pass
        while not self._through.empty():
            future, then = self._through.get()
            then(future)

    def close(self) -> None:
        """Wait for what is under way; nobody hears of it any more."""
        self._pool.shutdown(cancel_futures=True)
        self._ear.close()
        self._mouth.close()

    def _ended(self, future: Future, then: Callable[[Future], None]) -> None:
        self._through.put((future, then))
        try:
            self._mouth.send(b"\0")
        except BlockingIOError:
            pass  # many bytes wait there already: the loop will look
