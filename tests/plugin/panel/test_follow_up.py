"""From the review's request to the follow-up's job and its plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PyQt6.QtGui import QImage

from bridge.wire.messages import Approve, Failure, Retry, Submit
from contract.job import LARGEST_MASK, MASK_FILE, PaintedMask, TakeSource
from contract.take import Take
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.review.follow_up import FollowUp
from plugin.panel.review.mask_paint import MaskPaint
from plugin.review_media.pictures import Picture
from tests.plugin.movies import write_movie
from tests.plugin.panel.fake_service import PLAN, FakeService

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def parent(panel: PanelModel, service: FakeService, cut: Path, until: Until, tmp_path: Path) -> Take:
    """A finished take of the shot."""
    panel.begin(cut)
    until(lambda: panel.backend.ready and panel.ask.estimate is not None)
    panel.ask.instruction = "add a red balloon"
    panel.make_plan()
    until(lambda: bool(panel.plan.job))
    job = panel.plan.job
    service.plan(job)
    until(lambda: panel.plan.state == "ready")
    panel.generate()
    until(lambda: job in service.approved)
    folder = tmp_path / "takes" / "01"
    folder.mkdir(parents=True)
    write_movie(folder / "composite.mov", 18)
    take = service.finish_take(job, 1, folder)
    service.finish(job)
    until(lambda: len(panel.takes.entries) == 1)
    panel.plan.clear()
    return take


def wanted(take: Take, tmp_path: Path, **changes: object) -> FollowUp:
    return FollowUp(**{"instruction": take.instruction, **changes})


def orders(service: FakeService) -> list[Submit]:
    found = [each for each in service.requests if isinstance(each, Submit)]
    return [each for each in found if isinstance(each.spec.start, TakeSource)]


def test_a_painted_matte_becomes_part_of_the_job(
    panel: PanelModel, service: FakeService, parent: Take, until: Until, tmp_path: Path
) -> None:
    paint = MaskPaint()
    paint.begin_empty(4, Picture(np.zeros((48, 64, 4), np.uint8), 64, 48))
    paint.stroke((0.25, 0.5), (0.75, 0.5))
    panel.follow_up(parent.id, wanted(parent, tmp_path, mask=paint.png(), mask_frame=paint.frame))
    until(lambda: len(orders(service)) == 1)
    spec = orders(service)[0].spec
    assert spec.edit.mask == PaintedMask(frame=4)
    image = QImage.fromData(service.uploaded[spec.input_file(MASK_FILE).sha256])
    assert (image.width(), image.height(), image.isGrayscale()) == (64, 48, True)
    assert image.pixelColor(32, 24).red() == 255 and image.pixelColor(32, 4).red() == 0


def test_the_same_instruction_keeps_the_plan_and_starts_at_once(
    panel: PanelModel, service: FakeService, parent: Take, until: Until, tmp_path: Path
) -> None:
    panel.follow_up(parent.id, wanted(parent, tmp_path, region=(0.1, 0.1, 0.5, 0.5), skip=2))
    until(lambda: len(orders(service)) == 1)
    order = orders(service)[0]
    assert (
        order.spec.after_plan == "generate"
        and order.spec.plan == PLAN
        and order.spec.edit.region == (0.1, 0.1, 0.5, 0.5)
    )
    assert order.spec.levels == (679, 559, 439) and panel.plan.state == "none"


def held(panel: PanelModel, service: FakeService, parent: Take, until: Until, tmp_path: Path) -> str:
    """A follow-up with another instruction, whose plan is ready."""
    panel.follow_up(parent.id, wanted(parent, tmp_path, instruction="make it blue"))
    until(lambda: bool(panel.plan.job))
    assert orders(service)[0].spec.after_plan == "wait" and panel.plan.state == "waiting"
    job = panel.plan.job
    service.plan(job)
    until(lambda: panel.plan.state == "ready")
    return job


def test_another_instruction_has_its_plan_approved_first(
    panel: PanelModel, service: FakeService, parent: Take, until: Until, tmp_path: Path
) -> None:
    job = held(panel, service, parent, until, tmp_path)
    assert panel.ask.instruction == "make it blue"
    panel.plan.target_object = "blue balloon"
    panel.generate()
    until(lambda: any(isinstance(each, Approve) and each.job == job for each in service.requests))
    assert service.approved[job].target_object == "blue balloon" and len(orders(service)) == 1


def test_changed_settings_still_make_a_follow_up(
    panel: PanelModel, service: FakeService, parent: Take, until: Until, tmp_path: Path
) -> None:
    held(panel, service, parent, until, tmp_path)
    panel.ask.takes = 3
    panel.generate()
    until(lambda: len(orders(service)) == 2)
    second = orders(service)[1]
    assert (
        second.spec.after_plan == "generate"
        and second.spec.takes == 3
        and second.spec.plan.target_object == "red balloon"
    )
    assert second.spec.start == orders(service)[0].spec.start


def test_a_failed_plan_is_tried_again(
    panel: PanelModel, service: FakeService, parent: Take, until: Until, tmp_path: Path
) -> None:
    panel.follow_up(parent.id, wanted(parent, tmp_path, instruction="make it blue"))
    until(lambda: bool(panel.plan.job))
    job = panel.plan.job
    failure = Failure(kind="model_unavailable", what="No network.", why="", remedy="", exit_code=4, offers=("again",))
    service.fail(job, failure)
    until(lambda: panel.plan.state == "failed")
    assert panel.plan.can_try_again
    panel.try_plan_again()
    until(lambda: Retry(job=job, footprint=None) in service.requests)
    service.plan(job)
    until(lambda: panel.plan.state == "ready")
    assert len(orders(service)) == 1 and panel.plan.job == job


def test_a_large_matte_is_scaled_down() -> None:
    paint = MaskPaint()
    noise = np.random.default_rng(0).integers(0, 255, (2200, 3000), np.uint8)
    paint.begin(0, Picture(noise, 3000, 2200))
    paint.stroke((0.2, 0.2), (0.3, 0.2))
    png = paint.png()
    image = QImage.fromData(png)
    assert len(png) <= LARGEST_MASK and (image.width(), image.height()) == (1500, 1100)
