from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from backend.ledger.ledger import Ledger
from backend.ledger.schema import LEDGER_FILE
from plugin.cli.main import main
from tests.contract.sample_job import a_job


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
        assert bundle.read("program/dynvfx.log.1").decode() != "older: opened /home/anna/plate.mov\n"
        assert "torch" in json.loads(bundle.read("about.json"))["packages"]
    assert main(["logs", "--output", "a.zip"]) == 2
    assert "none is written over" in capsys.readouterr().err


def test_what_the_ledger_knows_is_left_out_without_a_service(tmp_path: Path):
    (tmp_path / "home" / "log").mkdir(parents=True, mode=0o700)
    with Ledger(tmp_path / "home" / LEDGER_FILE) as ledger:
        ledger.submit("a" * 40, "one", a_job(instruction="add a dragon", source="clip of mine.mov"))
    (tmp_path / "home/log/worker.log").write_text("add a dragon to clip of mine.mov\n")
    assert main(["logs", "--redact", "--output", "a.zip"]) == 0
    assert main(["logs", "--output", "b.zip"]) == 0
    with zipfile.ZipFile("a.zip") as redacted, zipfile.ZipFile("b.zip") as whole:
        assert re.fullmatch(rb"<text \d> to <text \d>\n", redacted.read("service/worker.log"))
        assert whole.read("service/worker.log") == b"add a dragon to clip of mine.mov\n"
