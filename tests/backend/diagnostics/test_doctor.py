from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from backend.delivery import ffmpeg
from backend.diagnostics import doctor
from dynvfx.training.digests import digests


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNVFX_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("DYNVFX_HOME", str(tmp_path / "home"))
    for name in ("URL", "KEY", "MODEL"):
        monkeypatch.delenv(f"DYNVFX_ASSISTANT_{name}", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_every_trouble_comes_with_a_remedy():
    found = list(doctor.examine())
    assert {"Python", "Memory", "ffmpeg", "Packages", "Shipped model", "VFX assistant", "Keys", "Service"} <= {
        f.subject for f in found
    }
    assert all(finding.remedy for finding in found if finding.state == "broken")
    assert next(f for f in found if f.subject == "ffmpeg").state == "fine"


def test_damaged_weights_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "WEIGHTS", tmp_path)
    assert [f.state for f in doctor._weights()] == ["broken"]
    (tmp_path / "a.bin").write_bytes(b"weights")
    digests = {"a.bin": hashlib.sha256(b"weights").hexdigest()}
    (tmp_path / "sha256.json").write_text(json.dumps(digests))
    assert [f.state for f in doctor._weights()] == ["fine"]
    (tmp_path / "a.bin").write_bytes(b"weighty")
    (tmp_path / "sha256.json").write_text(json.dumps({**digests, "gone.bin": "0"}))
    (finding,) = doctor._weights()
    assert finding.state == "broken" and "a.bin, gone.bin" in finding.text


def test_the_shipped_weights_are_listed():
    listed = json.loads((doctor.WEIGHTS / "sha256.json").read_text("utf-8"))
    assert listed == digests(doctor.WEIGHTS), "run: python -m dynvfx.training.digests"
    assert [f.state for f in doctor._weights()] == ["fine"]


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DYNVFX_ASSISTANT_KEY", "sk-secret")
    monkeypatch.setenv("DYNVFX_ASSISTANT_MODEL", "some-model")
    (finding,) = doctor._assistant()
    assert finding.state == "fine" and "DYNVFX_ASSISTANT_KEY" in finding.text
    assert "secret" not in repr(finding)


def test_too_little_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "MEMORY_NEEDED", 1 << 60)
    assert [f.state for f in doctor._memory()] == ["broken"]


def test_an_ffmpeg_without_the_encoders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho ffmpeg version 7\necho ' V..... png PNG'\n")
    program.chmod(0o755)
    monkeypatch.setattr(ffmpeg, "ffmpeg_program", lambda: str(program))
    (finding,) = doctor._ffmpeg()
    assert finding.state == "broken" and "prores_ks" in finding.text and "png," not in finding.text
