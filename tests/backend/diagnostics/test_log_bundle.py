import json
import re
import zipfile

import pytest

from backend.diagnostics import log_bundle
from backend.diagnostics.log_bundle import default_name, find_logs, machine_summary, write_bundle
from backend.diagnostics.redaction import Redaction
from contract.errors import BadUsage, OutOfDisk


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "state" / "older").mkdir(parents=True)
    (tmp_path / "state" / "dynvfx.log").write_text("INFO whale in /mnt/film/a.mov\n")
    (tmp_path / "state" / "older" / "dynvfx.log.1").write_bytes(b"INFO \xff\n")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "worker.log").write_text("INFO worker\n")
    return {"program": tmp_path / "state", "service": tmp_path / "home", "none": tmp_path / "nowhere"}


def content(path):
    with zipfile.ZipFile(path) as bundle:
        assert bundle.testzip() is None
        return {name: bundle.read(name).decode() for name in bundle.namelist()}


def test_a_bundle_has_all_logs_and_a_summary(folders, tmp_path):
    bundle = write_bundle(tmp_path / "logs.zip", folders)
    assert bundle.logs == ("program/dynvfx.log", "program/older/dynvfx.log.1", "service/worker.log")
    found = content(bundle.path)
    assert set(found) == {"about.json", *bundle.logs}
    assert found["program/dynvfx.log"] == "INFO whale in /mnt/film/a.mov\n"
    assert found["program/older/dynvfx.log.1"] == "INFO \ufffd\n"
    about = json.loads(found["about.json"])
    assert about["redacted"] is False and about["processors"] >= 1 and "msgspec" in about["packages"]
    assert about["disks"][0] == {"folder": str(folders["program"]), "free": about["disks"][0]["free"]}
    assert about["disks"][2]["free"] > 0


def test_a_redacted_bundle_has_nothing_private_anywhere(folders, tmp_path):
    bundle = write_bundle(tmp_path / "logs.zip", folders, Redaction(["whale"], names=[]))
    found = content(bundle.path)
    assert re.fullmatch(r"INFO <text 1> in <path \d>.mov\n", found["program/dynvfx.log"])
    assert json.loads(found["about.json"])["redacted"] is True
    assert not any(str(tmp_path) in text or "whale" in text for text in found.values())


def test_the_summary_names_variables_but_not_their_values(monkeypatch):
    monkeypatch.setenv("DYNVFX_ASSISTANT_KEY", "very-secret")
    summary = machine_summary()
    assert "DYNVFX_ASSISTANT_KEY" in summary["variables"]
    assert "very-secret" not in json.dumps(summary)


def test_a_graphics_driver_that_does_not_answer_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda program: str(tmp_path / "nvidia-smi"))
    assert machine_summary()["graphics"][0].startswith("nvidia-smi: ")
    monkeypatch.setattr("shutil.which", lambda program: None)
    assert machine_summary()["graphics"] == []


def test_of_a_long_log_the_end_is_taken_from_a_lines_beginning(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(log_bundle, "LARGEST", 20)
    (folders["service"] / "worker.log").write_text("".join(f"line {number}\n" for number in range(10)))
    bundle = write_bundle(tmp_path / "logs.zip", folders)
    assert content(bundle.path)["service/worker.log"] == "line 8\nline 9\n"


def test_links_out_of_the_folders_are_not_followed_and_no_file_comes_twice(folders, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (folders["service"] / "out.log").symlink_to(tmp_path / "secret")
    (folders["service"] / "same.log").symlink_to(folders["service"] / "worker.log")
    names = [name for name, _ in find_logs({**folders, "again": folders["program"]})]
    assert len(names) == 3 and not any("out.log" in name or name.startswith("again") for name in names)


def test_an_existing_file_is_not_written_over(folders, tmp_path):
    (tmp_path / "logs.zip").write_text("mine")
    with pytest.raises(BadUsage):
        write_bundle(tmp_path / "logs.zip", folders)
    assert (tmp_path / "logs.zip").read_text() == "mine"


def test_nothing_is_left_of_a_bundle_that_fails(folders, tmp_path):
    with pytest.raises(OutOfDisk):
        write_bundle(tmp_path / "no" / "logs.zip", folders)

    def full(text):
        raise OSError(28, "No space left on device")

    with pytest.raises(OutOfDisk) as caught:
        write_bundle(tmp_path / "logs.zip", folders, full)
    assert "No space left" in caught.value.why
    assert not (tmp_path / "logs.zip").exists()


def test_a_log_that_cannot_be_read_is_reported_in_its_place(folders, tmp_path, monkeypatch):
    logs = [*find_logs(folders), ("service/gone.log", tmp_path / "gone.log")]
    monkeypatch.setattr(log_bundle, "find_logs", lambda _: iter(logs))
    assert "cannot be read" in content(write_bundle(tmp_path / "logs.zip", folders).path)["service/gone.log"]


def test_names_hold_the_time():
    assert default_name().startswith("dynvfx-logs-2") and default_name().endswith(".zip")
