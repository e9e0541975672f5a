"""Finding this user's own service, and starting one that ends by itself when it is no longer needed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

from bridge.local.backend_packages import require_backend
from bridge.local.detached_process import start_detached
from bridge.local.folders import key_folder, state_folder
from bridge.local.service_file import ServiceFile, process_lives, read_service_file
from bridge.wire.client import Client
from bridge.wire.keys import KeyFolder
from contract.errors import Problem, Unreachable

PATIENCE = 60.0
"""Seconds within which a service has to say where it listens; a slow disk needs many the first time."""
ANSWER_WITHIN = 15.0
"""Seconds for which a service that runs is waited for."""
UNTIL_IDLE = 30.0
"""Seconds after which a service that was started here ends, once no client is connected and no job is left."""
START_LOG = Path("log") / "service-start.log"
"""What a service that was started here prints, below its home."""
ROOT = Path(__file__).resolve().parents[2]


class ServiceNotStarted(Problem):
    """No service could be started."""

    kind = "service_not_started"


def find(home: Path | None = None) -> ServiceFile | None:
    """The service that runs for this user, None when there is none. Raises NotPrivate."""
    return read_service_file(home or state_folder())


def start(
    home: Path | None = None,
    *,
    until_idle: float | None = UNTIL_IDLE,
    media_roots: Sequence[Path] = (),
    patience: float = PATIENCE,
) -> ServiceFile:
    """Start a service apart from this process and return where it listens; one that runs already is as good.

    It may read media below `media_roots`; none given: everything that its user may read. `until_idle` None lets it run
    until it is asked to stop. Raises BackendNotInstalled, ServiceNotStarted with the end of its log, NotPrivate.
    """
    require_backend()
    home = home or state_folder()
    command = command_for(home, until_idle, media_roots or file_system_roots())
    log = home / START_LOG
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as sink:
            # The packages are found in ROOT, whatever lies in the caller's folder.
            process = start_detached(command, sink, folder=ROOT)
    except OSError as error:
        raise ServiceNotStarted(
            "The backend could not be started.",
            f"{error.strerror or error}.",
            "Free some space or memory, or work without it: --in-process.",
        ) from error
    until = time.monotonic() + patience
    while time.monotonic() < until:
        ended = process.poll() is not None
        found = read_service_file(home)
        if found is not None:
            return found
        if ended:
            break
        time.sleep(0.05)
    why = f"It ended with exit code {process.returncode}." if process.poll() is not None else "It does not answer."
    raise _not_started(why, home)


def connect(
    home: Path | None = None,
    *,
    program: str,
    start_one: bool = True,
    until_idle: float | None = UNTIL_IDLE,
    media_roots: Sequence[Path] = (),
) -> Client:
    """A client of the service that runs for this user, which is started when there is none and `start_one` is set.

    Raises BackendNotInstalled, ServiceNotStarted, Unreachable (no answer, or none runs and none may be started),
    NotPrivate, Refusal.
    """
    home = home or state_folder()
    found = read_service_file(home)
    if found is None and not start_one:
        raise Unreachable("No backend runs on this machine.", "", "`dynvfx backend` starts one; so does `dynvfx add`.")
    found = found or start(home, until_idle=until_idle, media_roots=media_roots)
    try:
        return _client_of(found, home, program)
    except Unreachable:
        # One that was just ending has taken its file away: another one can be had.
        if not start_one or read_service_file(home) == found:
            raise
    found = start(home, until_idle=until_idle, media_roots=media_roots)
    try:
        return _client_of(found, home, program)
    except Unreachable as problem:
        if process_lives(found.pid, found.started):
            raise
        raise _not_started("It ended at once.", home) from problem


def _client_of(found: ServiceFile, home: Path, program: str) -> Client:
    pair = KeyFolder(key_folder(home)).client_pair()
    return Client(found.address, found.key, pair, program=program, version=version("dynvfx"), wait=ANSWER_WITHIN)


def command_for(home: Path, until_idle: float | None, media_roots: Sequence[Path]) -> list[str]:
    """What starts a service."""
    command = [sys.executable, "-m", "backend", "--home", os.fspath(home)]
    command += [word for root in media_roots for word in ("--media-root", os.fspath(root))]
    return command if until_idle is None else [*command, "--until-idle", f"{until_idle:g}"]


def file_system_roots() -> list[Path]:
    """All there is: `/`, or every drive on Windows."""
    if os.name == "nt":
        return [Path(each.mountpoint) for each in psutil.disk_partitions(all=True)]
    return [Path("/")]


def _not_started(why: str, home: Path) -> ServiceNotStarted:
    tail = _log_tail(home / START_LOG)
    return ServiceNotStarted(
        "The backend could not be started.",
        f"{why} The end of its log: {tail}" if tail else why,
        "`dynvfx doctor` says what is wrong; --in-process works without the backend.",
    )


def _log_tail(log: Path) -> str:
    """The end of a log, to be shown in one paragraph; of a traceback only what it comes to."""
    try:
        lines = log.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    lines = [line.strip() for line in lines if line.strip()]
    shown = lines[-1:] if any(line.startswith("Traceback") for line in lines) else lines[-6:]
    return " ".join(line.removeprefix("dynvfx: ") for line in shown)[-600:]
