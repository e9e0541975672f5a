from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from backend.diagnostics import doctor_service
from backend.diagnostics.doctor_service import client_findings, host_findings, service_findings
from bridge.local.folders import key_folder
from bridge.local.service_file import SERVICE_FILE, ServiceFile
from bridge.wire.keys import KeyFolder
from contract.finding import Finding


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DYNVFX_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def finding(subject: str) -> Finding:
    return next(each for each in service_findings() if each.subject == subject)


def test_without_a_service_nothing_is_broken():
    assert {each.state for each in service_findings()} <= {"fine", "missing"}
    assert "none runs" in finding("Service").text


def test_secret_keys_are_never_shown(home: Path):
    keys = KeyFolder(key_folder(home))
    said = repr([*client_findings(), *service_findings()])
    assert keys.client_pair().secret not in said and keys.service_pair().secret not in said


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_key_that_others_can_read_is_named(home: Path):
    keys = KeyFolder(key_folder(home))
    keys.client_pair()
    (keys.folder / "client.key").chmod(0o644)
    (found,) = client_findings()
    assert (found.subject, found.state) == ("Keys", "broken") and "chmod" in found.remedy


def test_a_service_that_does_not_answer(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor_service, "ANSWER_WITHIN", 0.3)
    keys = KeyFolder(key_folder(home))
    own = psutil.Process()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = ServiceFile(
            address=f"tcp://127.0.0.1:{silent.getsockname()[1]}",
            key=keys.service_pair().public,
            pid=own.pid,
            started=own.create_time(),
            version="0",
        )
        (home / SERVICE_FILE).write_bytes(msgspec.json.encode(there))
        found = finding("Service")
    assert found.state == "broken" and str(own.pid) in found.text and found.remedy


def test_a_dead_service_s_address_is_no_service(home: Path):
    finding("Service")
    dead = ServiceFile(address="tcp://127.0.0.1:9", key="k", pid=own_dead_pid(), started=1.0, version="0")
    (home / SERVICE_FILE).write_bytes(msgspec.json.encode(dead))
    assert "left its address behind" in finding("Service").text


def own_dead_pid() -> int:
    return next(number for number in range(2_000_000, 4_000_000) if not psutil.pid_exists(number))


def test_hosts_are_found_where_they_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "Resolve"
    program.touch()
    monkeypatch.setattr(doctor_service, "HOSTS", {"DaVinci Resolve": {sys.platform: (str(program),)}, "Blender": {}})
    monkeypatch.setenv("PATH", str(tmp_path))
    resolve, blender = host_findings()
    assert (resolve.state, resolve.text) == ("fine", str(program))
    assert (blender.state, bool(blender.remedy)) == ("missing", True)
