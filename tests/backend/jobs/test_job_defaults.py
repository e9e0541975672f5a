from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backend.jobs.job_defaults import NAMES, for_service, output_of, with_models
from dynvfx.segmentation.loading import SEGMENTERS
from tests.contract.sample_job import a_follow_up, a_job


def test_every_name_of_a_model_is_known():
    assert set(NAMES) == {"tiny", *SEGMENTERS}


def test_the_same_job_has_the_same_folder(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = output_of(a_job("add  a red\tballoon", "shot.0001.mov"))
    assert folder.parent == tmp_path and folder.name.startswith("dynvfx-shot-")
    assert output_of(a_job("add a red balloon", "shot.0001.mov", takes=4, model="tiny")) == folder
    assert output_of(a_job("add a red balloon", "shot.0001.mov", seed=4)) != folder
    assert output_of(a_job("add a red balloon", "shot.0001.mov", output="o")) == Path("o")
    assert for_service(a_job("add a red balloon", "shot.0001.mov")).output == str(folder)


def test_what_is_left_open_is_filled_in(tmp_path: Path):
    assert (with_models(a_job()).model, with_models(a_job()).segmenter) == ("tiny", "tiny")
    assert with_models(a_job(model="org/name")).segmenter == "sam3"
    assert with_models(a_job(model=tmp_path)).model == str(tmp_path)
    follow_up = a_follow_up(folder="/takes/01")
    assert with_models(follow_up) == follow_up == for_service(follow_up)


def test_needs_no_torch():
    code = "import sys, backend.jobs.job_defaults; sys.exit('torch' in sys.modules or 'av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


NAMES_OF_CLIPS = ["長" * 80, "\U0001f3ac" * 60, "two\nlines\x1b[2J", "a" * 250]


@pytest.mark.parametrize("name", NAMES_OF_CLIPS)
def test_the_folder_s_name_fits_on_every_disk(name):
    folder = output_of(a_job("add a red balloon", f"{name}.mov"))
    assert len(f".{folder.name}.partial".encode()) <= 255
    assert folder.name.isprintable()
