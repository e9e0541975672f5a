"""One service for each state folder: the lock that says so, and the file by which it is found."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import msgspec

from backend.worker.process_control import start_time
from bridge.local.service_file import SERVICE_FILE, ServiceFile, read_service_file
from contract.atomic_file import write_atomically
from contract.errors import Problem

LOCK_FILE = "service.lock"
PATIENCE = 10.0
"""Seconds for which a service that is just starting is waited for."""


class AlreadyRunning(Problem):
    """A service runs in this state folder; `service_file` says where."""

    kind = "already_running"

    def __init__(self, service_file: ServiceFile) -> None:
        super().__init__(f"A backend is running already (process {service_file.pid}).", remedy="Use that one.")
        self.service_file = service_file


class ServiceStuck(Problem):
    """Something holds the state folder and does not say where it listens."""

    kind = "service_stuck"


@contextlib.contextmanager
def only_service(
    home: Path, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
) -> Iterator[None]:
    """Be the one service of `home`. Raises AlreadyRunning, or ServiceStuck when the other one cannot be found."""
    lock = filelock.FileLock(home / LOCK_FILE)
    until = clock() + PATIENCE
    while True:
        try:
            lock.acquire(timeout=0)
            break
        except filelock.Timeout as error:
            if (running := read_service_file(home)) is not None:
                raise AlreadyRunning(running) from error
            if clock() > until:
                raise ServiceStuck(
                    f"Another process holds {home / LOCK_FILE} and does not answer.",
                    "It may be a backend that is just ending, or one that hangs.",
                    "Try again; if it stays so, end the other backend's process.",
                ) from error
            sleep(0.05)
    try:
        yield
    finally:
        (home / SERVICE_FILE).unlink(missing_ok=True)
        lock.release()


def announce(home: Path, address: str, key: str, version: str) -> ServiceFile:
    """Write down where this process listens. Raises OutOfDisk."""
    pid = os.getpid()
    found = ServiceFile(address=address, key=key, pid=pid, started=start_time(pid), version=version)
    write_atomically(home / SERVICE_FILE, msgspec.json.encode(found))
    return found
