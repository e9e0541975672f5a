from __future__ import annotations

from pathlib import Path

import pytest

from backend.demo.demonstration import CLIPS, LEAD_IN, demo_clip, demo_job
from backend.jobs.sources import open_source
from contract.errors import BadMedia
from dynvfx.backbones.tiny.backbone import TinyBackbone
from dynvfx.backbones.tiny.phrases import find_content


def test_the_demonstration_is_an_order_that_the_shipped_model_can_carry_out(tmp_path: Path):
    job = demo_job(tmp_path / "demo output")
    source = open_source(job.start.source, unpacked=tmp_path / "media")
    assert source.shot.record_start == LEAD_IN
    assert source.shot.frame_count == source.info.frame_count
    assert Path(source.info.path).parent == tmp_path / "demo output"
    info = source.info
    TinyBackbone.rules.choose(info.width, info.height, info.frame_count, info.rate)
    assert find_content(job.instruction) in TinyBackbone.family.vocabulary
    assert demo_job(tmp_path / "demo output") == job


def test_the_clip_s_licence_is_shipped_with_it():
    assert demo_clip().name in (CLIPS / "SOURCE.md").read_text("utf-8")


def test_a_missing_clip_is_reported(tmp_path: Path):
    with pytest.raises(BadMedia, match="clip is missing"):
        demo_clip(tmp_path)
