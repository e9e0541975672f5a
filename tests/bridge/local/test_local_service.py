from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from bridge.local import local_service
from bridge.local.local_service import ServiceNotStarted, command_for, connect, file_system_roots, find, start
from bridge.local.service_file import SERVICE_FILE, ServiceFile
from contract.errors import Unreachable


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def use_program(patch: pytest.MonkeyPatch, code: str) -> None:
    """What is started is this program instead of a service."""
    patch.setattr(local_service, "command_for", lambda *facts: [sys.executable, "-c", code])


def test_none_runs_at_first(home: Path):
    assert find(home) is None
    with pytest.raises(Unreachable, match="No backend runs"):
        connect(home, program="test", start_one=False)


def test_a_service_that_fails_says_why(home: Path, monkeypatch: pytest.MonkeyPatch):
    use_program(monkeypatch, "import sys; print('dynvfx: The port is taken. Choose another.'); sys.exit(2)")
    with pytest.raises(ServiceNotStarted) as caught:
        start(home)
    assert "exit code 2" in caught.value.why and "The port is taken." in caught.value.why
    assert caught.value.remedy


def test_of_a_traceback_only_its_end_is_shown(home: Path, monkeypatch: pytest.MonkeyPatch):
    use_program(monkeypatch, "raise RuntimeError('no such thing')")
    with pytest.raises(ServiceNotStarted) as caught:
        start(home)
    assert "RuntimeError: no such thing" in caught.value.why
    assert "Traceback" not in caught.value.why and "File" not in caught.value.why


def test_one_that_never_answers_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch):
    use_program(monkeypatch, "import time; time.sleep(5)")
    with pytest.raises(ServiceNotStarted, match="does not answer"):
        start(home, patience=0.3)


def test_what_it_says_of_itself_is_found(home: Path, monkeypatch: pytest.MonkeyPatch):
    own = psutil.Process()
    there = ServiceFile(address="tcp://127.0.0.1:1", key="k", pid=own.pid, started=own.create_time(), version="0")
    home.mkdir(mode=0o700)
    (home / SERVICE_FILE).write_bytes(msgspec.json.encode(there))
    use_program(monkeypatch, "pass")
    assert start(home) == there == find(home)


def test_the_command_names_everything(home: Path):
    words = command_for(home, 30.0, [Path("/a"), Path("/b c")])
    assert words[1:3] == ["-m", "backend"]
    assert words[3:] == ["--home", str(home), "--media-root", "/a", "--media-root", "/b c", "--until-idle", "30"]
    assert "--until-idle" not in command_for(home, None, [])


def test_there_is_a_file_system():
    roots = file_system_roots()
    assert roots and all(root.is_absolute() for root in roots)
