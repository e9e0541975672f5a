"""What a worker makes of the supervisor's message: the job, and what it may read."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from backend.jobs.media_roots import OutsideMediaRoots
from backend.worker.messages import Run
from backend.worker.worker_jobs import files_of, spec_of
from tests.contract.sample_job import a_follow_up, a_job, changed, painted
from tests.contract.sample_plan import a_plan


def test_a_clip_is_found_among_the_uploads(tmp_path: Path):
    spec = a_job(source="clip.mov", part=(1, 8), seed=5)
    run = Run(job="a", spec=spec, output=str(tmp_path / "out"), media=str(tmp_path / "in"))
    assert spec_of(run) == changed(spec, source=str(tmp_path / "in" / "clip.mov"), output=tmp_path / "out")
    here = changed(spec, source=str(tmp_path / "clip.mov"))
    assert spec_of(msgspec.structs.replace(run, spec=here)).start == here.start


def test_a_follow_up_joins_its_take():
    plan = a_plan(target_object="red balloon")
    spec = a_follow_up("more", folder="/results/takes/01", **painted(2, b"png"))
    run = Run(job="a", spec=spec, output="/results", approved_plan=plan, inputs={"mask.png": "/inputs/mask.png"})
    assert spec_of(run) == spec
    assert (files_of(run).approved, files_of(run).inputs) == (plan, {"mask.png": Path("/inputs/mask.png")})


def test_what_a_job_may_read(tmp_path: Path):
    for name in ("uploads", "root", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.mov").write_bytes(b"1")
    run = Run(
        job="a",
        spec=a_follow_up("more", folder=str(tmp_path / "root/takes/01")),
        output=str(tmp_path / "out"),
        media=str(tmp_path / "uploads"),
        media_roots=(str(tmp_path / "root"),),
    )
    check = files_of(run).check
    check(tmp_path / "uploads/clip.mov")
    check(tmp_path / "root/clip.mov")
    with pytest.raises(OutsideMediaRoots):
        check(tmp_path / "elsewhere/clip.mov")
    with pytest.raises(OutsideMediaRoots):
        files_of(msgspec.structs.replace(run, media=None)).check(tmp_path / "uploads/clip.mov")
    assert files_of(msgspec.structs.replace(run, media_roots=None)).check is None
