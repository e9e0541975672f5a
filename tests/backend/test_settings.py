from __future__ import annotations

import logging
from pathlib import Path

from backend.settings import LOG_BYTES, find_settings, start_logging, stop_logging


def test_the_state_folder_can_be_moved(tmp_path: Path):
    assert find_settings({"DYNVFX_STATE": str(tmp_path)}).log_file == tmp_path / "log" / "dynvfx.log"
    assert find_settings({}).state.name == "dynvfx"


def test_the_log_rotates(tmp_path: Path):
    settings = find_settings({"DYNVFX_STATE": str(tmp_path)})
    assert start_logging(settings, verbose=False)
    for _ in range(3):
        logging.getLogger("test").info("x" * (LOG_BYTES // 2))
    stop_logging()
    assert {path.name for path in settings.log_file.parent.iterdir()} == {"dynvfx.log", "dynvfx.log.1", "dynvfx.log.2"}


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path):
    (tmp_path / "log").write_text("a file where the folder should be")
    assert not start_logging(find_settings({"DYNVFX_STATE": str(tmp_path)}), verbose=False)
    stop_logging()


def test_verbose_shows_the_log_without_request_headers(tmp_path: Path, capsys):
    start_logging(find_settings({"DYNVFX_STATE": str(tmp_path)}), verbose=True)
    logging.getLogger("dynvfx.engine.take").debug("a step")
    logging.getLogger("openai._base_client").debug("Authorization: Bearer secret")
    stop_logging()
    said = capsys.readouterr().err
    assert "a step" in said and "secret" not in said
