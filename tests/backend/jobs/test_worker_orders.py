from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from backend.jobs.media_roots import OutsideMediaRoots
from backend.jobs.orders import AddOrder, RefineOrder
from backend.jobs.worker_orders import order_of, reading_of
from backend.worker.messages import Run
from bridge.wire.messages import AddSpec, EditedMask, RefineSpec
from contract.errors import BadUsage
from tests.contract.sample_plan import a_plan

PLAN = a_plan(target_object="red balloon")


def test_every_field_of_an_order_for_new_content(tmp_path: Path):
    spec = AddSpec(
        instruction="add a red balloon",
        takes=2,
        seed=5,
        quality="draft",
        scope="full_frame",
        assistant="offline",
        plan=PLAN,
        layer="png",
        segmenter="motion",
        footprint="small",
        region=(0.0, 0.25, 0.5, 1.0),
        levels=(679, 439),
        source="clip.mov",
        clip="2",
        part=(1, 8),
        model="large",
        media_folders=("/media",),
        rate="24000/1001",
        download=True,
    )
    order = order_of(Run(job="a", spec=spec, output=str(tmp_path / "out"), media=str(tmp_path / "in"), hold=True))
    assert isinstance(order, AddOrder)
    assert (order.plan.target_object, order.plan_only, order.approved) == ("red balloon", True, None)
    assert (order.source, order.output) == (str(tmp_path / "in" / "clip.mov"), tmp_path / "out")
    assert (order.rate, order.media_folders) == (Fraction(24000, 1001), (Path("/media"),))
    plain = (
        "instruction",
        "takes",
        "seed",
        "quality",
        "scope",
        "assistant",
        "layer",
        "segmenter",
        "footprint",
        "region",
        "levels",
    )
    for name in (*plain, "clip", "part", "model", "download"):
        assert getattr(order, name) == getattr(spec, name), name


def test_a_follow_up_names_its_take():
    mask = EditedMask(frame=2, png=b"png")
    spec = RefineSpec(instruction="more", take_folder="/results/takes/01", mask=mask)
    order = order_of(Run(job="a", spec=spec, output="/results", approved_plan=PLAN))
    assert isinstance(order, RefineOrder)
    assert order.mask == mask
    assert (order.take_folder, order.approved.target_object) == (Path("/results/takes/01"), "red balloon")
    with pytest.raises(BadUsage):
        order_of(Run(job="a", spec=msgspec.structs.replace(spec, take_folder=None), output="/results"))


def test_what_a_job_may_read(tmp_path: Path):
    for name in ("uploads", "root", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.mov").write_bytes(b"1")
    spec = RefineSpec(instruction="more", take_folder=str(tmp_path / "root/takes/01"))
    run = Run(
        job="a",
        spec=spec,
        output=str(tmp_path / "out"),
        media=str(tmp_path / "uploads"),
        media_roots=(str(tmp_path / "root"),),
    )
    check = reading_of(run).check
    check(tmp_path / "uploads/clip.mov")
    check(tmp_path / "root/clip.mov")
    with pytest.raises(OutsideMediaRoots):
        check(tmp_path / "elsewhere/clip.mov")
    with pytest.raises(OutsideMediaRoots):
        reading_of(msgspec.structs.replace(run, media=None)).check(tmp_path / "uploads/clip.mov")
    assert reading_of(msgspec.structs.replace(run, media_roots=None)).check is None
