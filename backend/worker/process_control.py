"""What differs between the systems: starting a process apart from the terminal, ending one, being asked to stop."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from bridge.local.detached_process import start_detached
from bridge.local.service_file import process_lives

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""SIGBREAK is what Windows sends for Ctrl-Break and to a process group that is asked to end."""


def start_apart(command: Sequence[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a process that Ctrl-C in our terminal does not reach; what it prints goes to the end of `log`.

    Raises OSError.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as sink:
        return start_detached(command, sink, environment=environment)


def end_tree(pid: int, started: float, patience: float = 5.0) -> None:
    """Kill a process and all that it started, and wait for at most `patience` seconds until they are gone.

    Nothing is done when it is gone already.
    """
    if not process_lives(pid, started):
        return
    try:
        root = psutil.Process(pid)
        doomed = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    if patience > 0:
        psutil.wait_procs(doomed, timeout=patience)


def start_time(pid: int) -> float:
    """When a process began, in seconds since 1970; 0 when it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


class StopSignals:
    """Requests to stop that come as signals, as a socket that a poll loop can wait for."""

    def __init__(self) -> None:
        self._wakeup_receiver, self._wakeup_sender = socket.socketpair()
        self._wakeup_receiver.setblocking(False)
        self._wakeup_sender.setblocking(False)

    def fileno(self) -> int:
        """For a poller."""
        return self._wakeup_receiver.fileno()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Signals wake the loop instead of ending the process. Only in the main thread."""
        before = {number: signal.signal(number, lambda *_: None) for number in STOP_SIGNALS}
        # A handler alone would not wake a poll that is restarted after it; the byte on the socket does.
        waking = signal.set_wakeup_fd(self._wakeup_sender.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(waking)
            for number, handler in before.items():
                signal.signal(number, handler)

    def received(self) -> bool:
        """Whether a signal asked for a stop since the last call."""
        try:
            return any(number in STOP_SIGNALS for number in self._wakeup_receiver.recv(256))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Let go of the sockets."""
        self._wakeup_receiver.close()
        self._wakeup_sender.close()
