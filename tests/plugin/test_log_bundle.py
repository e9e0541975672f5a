from __future__ import annotations

import getpass
import json
import sys
import zipfile
from pathlib import Path

import pytest

from plugin.command_line import main
from plugin.log_bundle import PROGRAM_ROOT, Redaction

SECRETS = [
    "/home/anna/Kunde X/plate.mov",
    "/mnt/footage/secret_show/shot.0001.exr",
    r"C:\Users\Anna\Documents\cut.otio",
    r"\\server\share\cut.otio",
    "file:///Volumes/show/a%20b.mov",
    "~/show/cut.otio",
]
INSTRUCTION = "add a whale to the unannounced film"


@pytest.mark.parametrize("path", SECRETS)
@pytest.mark.parametrize("form", ["opened {}", "opened '{}'", 'File "{}", line 3', "[{}]", "source={}"])
def test_no_path_outside_of_the_program_is_left(path: str, form: str):
    said = Redaction([])(form.format(path))
    for word in ("anna", "Anna", "secret_show", "server", "show", "footage"):
        assert word not in said
    assert "<path>" in said or "<text>" in said


def test_what_was_asked_for_is_left_out_in_every_spelling():
    redact = Redaction([INSTRUCTION])
    for text in (f"instruction {INSTRUCTION}.", repr(["add", "x.mov", INSTRUCTION]), json.dumps(INSTRUCTION)):
        assert "whale" not in redact(text) and "unannounced" not in redact(text)
    assert "whale" not in Redaction([])(f"command: ['add', '{INSTRUCTION}']")


def test_what_a_mistake_is_found_by_stays():
    line = f'  File "{PROGRAM_ROOT}/backend/take_job.py", line 12, in run\n'
    text = f"2026-01-01 12:00:00,123 4711 ERROR backend.worker: 3 of 17 steps, 50 %, 24000/1001 fps\n{line}"
    text += f'  File "{sys.prefix}/lib/torch/nn.py", line 1, in f\nZeroDivisionError: division by zero\n'
    said = Redaction([])(text)
    assert "backend.worker: 3 of 17 steps, 50 %, 24000/1001 fps" in said
    assert '"<program>:backend/take_job.py", line 12, in run' in said
    assert "torch/nn.py" in said and "ZeroDivisionError: division by zero" in said
    assert str(PROGRAM_ROOT) not in said


def test_the_user_s_name_is_left_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "annabel")
    assert "annabel" not in Redaction([])("user annabel logged in")


def test_the_zip_holds_all_logs_and_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture):
    for folder in ("state", "home"):
        (tmp_path / folder / "log").mkdir(parents=True)
    (tmp_path / "state/log/dynvfx.log.1").write_text("older: opened /home/anna/plate.mov\n")
    (tmp_path / "home/log/worker.log").write_text("the worker's\n")
    assert main(["logs", "--redact", "--output", "a.zip", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["redacted"] is True
    with zipfile.ZipFile("a.zip") as bundle:
        names = set(bundle.namelist())
        assert {"about.json", "program/dynvfx.log", "program/dynvfx.log.1", "service/worker.log"} <= names
        assert bundle.read("program/dynvfx.log.1").decode() == "older: opened <path>.mov\n"
        assert "torch" in json.loads(bundle.read("about.json"))["packages"]
    assert main(["logs", "--output", "a.zip"]) == 5
    assert "never written over" in capsys.readouterr().err
