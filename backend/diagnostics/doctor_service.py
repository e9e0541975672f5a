"""Checks of what the service needs: its folder, keys and port, the service that runs, and the hosts around it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from bridge.local.folders import key_folder, state_folder
from bridge.local.named_backend import NamedBackend
from bridge.local.service_file import SERVICE_FILE, read_service_file
from bridge.wire.client import Client
from bridge.wire.keys import OWNER, KeyFolder, KeyPair
from bridge.wire.messages import GetStats, Ping, Pong, Stats, Worker
from contract.errors import Problem
from contract.finding import Finding

GIGA = 1_000_000_000
DISK_NEEDED = 5 * GIGA
ANSWER_WITHIN = 5.0
HOSTS: dict[str, dict[str, tuple[str, ...]]] = {
    "DaVinci Resolve": {
        "linux": ("/opt/resolve/bin/resolve", "/home/resolve/bin/resolve"),
        "darwin": ("/Applications/DaVinci Resolve/DaVinci Resolve.app",),
        "win32": (r"%ProgramFiles%\Blackmagic Design\DaVinci Resolve\Resolve.exe",),
    },
    "Blender": {
        "linux": ("/usr/bin/blender", "/snap/bin/blender", "/opt/blender/blender"),
        "darwin": ("/Applications/Blender.app",),
        "win32": (r"%ProgramFiles%\Blender Foundation",),
    },
}
"""Where the hosts' installers put them, by sys.platform."""


def client_findings() -> Iterator[Finding]:
    """What every program of this user needs: its keys, and connections of this machine to itself."""
    try:
        keys = KeyFolder(key_folder(state_folder()))
        pair, authorized = keys.client_pair(), keys.authorized()
    except Problem as problem:
        yield _of(problem, "Keys")
        return
    others = [name or "unnamed" for name in authorized.values() if name != OWNER]
    let_in = f"; authorised besides you: {', '.join(others)}" if others else "; no key besides yours is authorised"
    yield Finding("Keys", "fine", f"yours begins with {pair.public[:8]}, only you read {keys.folder}{let_in}")
    yield _loopback()


def service_findings() -> Iterator[Finding]:
    """The backend of this machine: its disk, and whether the one that runs answers."""
    try:
        home = state_folder()
        keys = KeyFolder(key_folder(home))
        keys.service_pair()
    except Problem as problem:
        yield _of(problem, "Keys of the backend")
        return
    yield _disk(home)
    yield _service(home, keys)


def remote_finding(backend: NamedBackend) -> Finding:
    """Whether the backend of another machine answers."""
    try:
        pair = KeyFolder(key_folder(state_folder())).client_pair()
        pong, stats, took = _asked(backend.address, backend.key, pair)
    except Problem as problem:
        return _of(problem, "Backend of another machine")
    text = f"{backend.address}, answers in {took * 1000:.0f} ms{_activity(pong, stats)}"
    return Finding("Backend of another machine", "fine", text)


def _of(problem: Problem, subject: str) -> Finding:
    return Finding(subject, "broken", " ".join(filter(None, (problem.what, problem.why))), problem.remedy)


def host_findings() -> Iterator[Finding]:
    """The programs that the panel works in."""
    for name, places in HOSTS.items():
        candidates = [os.path.expandvars(place) for place in places.get(sys.platform, ())]
        program = name.lower() if name == "Blender" else ""
        found = (shutil.which(program) if program else None) or next(filter(os.path.exists, candidates), None)
        if found:
            yield Finding(name, "fine", str(found))
        else:
            remedy = "The command line and .otio files work without it."
            yield Finding(name, "missing", "not found where its installer puts it (optional)", remedy)


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(home).free
    text = f"{free / GIGA:.1f} GB free for jobs, uploads and the stage cache ({home})"
    if free < DISK_NEEDED:
        return Finding("Disk of the backend", "missing", text, "Make room, or name another folder in DYNVFX_HOME.")
    return Finding("Disk of the backend", "fine", text)


def _loopback() -> Finding:
    try:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port), timeout=2):
                return Finding("Ports", "fine", "programs on this machine can reach each other at 127.0.0.1")
    except OSError as error:
        return Finding(
            "Ports",
            "broken",
            f"Nothing can be reached at 127.0.0.1: {error.strerror or error}",
            "Let your firewall or sandbox allow connections of this machine to itself; --in-process needs none.",
        )


def _service(home: Path, keys: KeyFolder) -> Finding:
    found = read_service_file(home)
    if found is None:
        left = " (one that was killed left its address behind)" if (home / SERVICE_FILE).exists() else ""
        return Finding("Service", "fine", f"none runs now{left}; it is started when it is needed")
    try:
        pong, stats, took = _asked(found.address, found.key, keys.client_pair())
    except Problem as problem:
        return Finding(
            "Service",
            "broken",
            f"process {found.pid} listens at {found.address} and does not answer: {problem.what}",
            problem.remedy or f"End process {found.pid}; its jobs continue when it is started again.",
        )
    text = f"version {found.version}, process {found.pid}, {found.address}, answers in {took * 1000:.0f} ms"
    return Finding("Service", "fine", text + _activity(pong, stats))


def _asked(address: str, key: str, pair: KeyPair) -> tuple[object, object, float]:
    """A backend's answers to Ping and GetStats, and the seconds until the first. Raises Problem."""
    program, own = "dynvfx doctor", version("dynvfx")
    with Client(address, key, pair, program=program, version=own, wait=ANSWER_WITHIN) as client:
        began = time.monotonic()
        pong = client.call(Ping(), timeout=ANSWER_WITHIN)
        took = time.monotonic() - began
        return pong, client.call(GetStats(), timeout=ANSWER_WITHIN), took


def _activity(pong: object, stats: object) -> str:
    """What a backend is doing, as the rest of a sentence."""
    text = ""
    if isinstance(pong, Pong):
        text += f"; {pong.state}, {pong.running} running, {pong.queued} waiting"
        text += " (paused)" if pong.paused else ""
        text += "".join(f"; {_worker(worker)}" for worker in pong.workers)
    if isinstance(stats, Stats):
        text += f"; cache {stats.cache_bytes / GIGA:.1f} of {stats.cache_limit / GIGA:.0f} GB"
    return text


def _worker(worker: Worker) -> str:
    model = f", {worker.model}" if worker.model else ""
    return f"worker on {worker.device}: {worker.state}{model}"
