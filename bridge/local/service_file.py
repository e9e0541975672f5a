"""How a program finds the service of its user: a small file in the state folder, there while the service runs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import psutil

SERVICE_FILE = "service.json"


class ServiceFile(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service listens. `key` is its public key (Z85), `started` its process's start (seconds since 1970)."""

    address: str
    key: str
    pid: int
    started: float
    version: str

    def ready_line(self) -> str:
        """What the service prints when it can be reached."""
        return f"listening {self.address} key {self.key}"


def read_service_file(home: Path) -> ServiceFile | None:
    """The service whose state folder is `home`, if its process lives; a file that a killed one left is no service."""
    try:
        found = msgspec.json.decode((home / SERVICE_FILE).read_bytes(), type=ServiceFile)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if process_lives(found.pid, found.started) else None


def process_lives(pid: int, started: float) -> bool:
    """Whether the process of this number is still the one that began at `started`: numbers are given out again."""
    try:
        process = psutil.Process(pid)
        return bool(abs(process.create_time() - started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
