from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QAbstractItemModelTester

from bridge.wire.messages import Job, Submit, TakeEntry
from contract.preflight import Preflight, PreflightCheck
from plugin.panel.models.takes.takes import TakesModel
from tests.contract.sample_job import a_job
from tests.plugin.panel.fake_service import FakeService, make_take


@pytest.fixture
def takes(qapp: object) -> TakesModel:
    model = TakesModel()
    model.tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    return model


def job(service: FakeService, shot: str = "k", **facts: object) -> Job:
    spec = a_job(instruction=f"add {len(service.jobs)}", source="s")
    made = service.answer(Submit(token=f"{shot}.x", spec=spec)).job
    return msgspec.structs.replace(made, **facts)


def entry(made: Job, number: int, **more: object) -> TakeEntry:
    return TakeEntry(job=made.id, number=number, folder="/f", take=make_take(made, number, **more))


def titles(takes: TakesModel) -> list[str]:
    return [card.title for card in takes.cards]


def test_running_first_then_plans_then_the_queue_then_ended_then_takes(takes: TakesModel) -> None:
    service = FakeService()
    states = ("failed", "queued", "queued", "awaiting_approval", "refining", "done")
    jobs = [job(service, state=state, position=9 - place) for place, state in enumerate(states)]
    takes.set_jobs(tuple(jobs))
    takes.set_takes((entry(jobs[5], 1), entry(jobs[5], 2)))
    assert titles(takes) == ["add 4", "add 3", "add 2", "add 1", "add 0", "T2 · add 5", "T1 · add 5"]


def test_a_take_says_what_was_unusual_about_its_shot(takes: TakesModel) -> None:
    service = FakeService()
    report = Preflight(
        frames=9, held=[], checks=[PreflightCheck("clip", "notice", "This clip is interlaced; deinterlace it.")]
    )
    made = job(service, state="done")
    takes.set_jobs((made,))
    takes.set_takes((entry(made, 1, preflight=report), entry(made, 2)))
    second, first = takes.cards
    assert first.line.endswith("1 notice") and "notice" not in second.line
    tips = [takes.data(takes.index(row), Qt.ItemDataRole.ToolTipRole) for row in (0, 1)]
    assert tips == [None, "9 frames checked, 1 notice.\n\nThis clip is interlaced; deinterlace it."]


def test_rows_that_stay_are_changed_in_place(takes: TakesModel) -> None:
    service = FakeService()
    one, two = job(service, state="queued", position=1), job(service, state="queued", position=2)
    takes.set_jobs((one, two))
    events = []
    takes.rowsInserted.connect(lambda *_: events.append("inserted"))
    takes.rowsRemoved.connect(lambda *_: events.append("removed"))
    takes.rowsMoved.connect(lambda *_: events.append("moved"))
    takes.dataChanged.connect(lambda *_: events.append("changed"))
    takes.set_job(msgspec.structs.replace(two, position=3))
    assert events == ["changed"]
    takes.set_job(msgspec.structs.replace(two, state="refining", position=None))
    assert events == ["changed", "moved", "changed"] and titles(takes) == ["add 1", "add 0"]


def test_takes_are_not_rebuilt_for_a_progress_step(takes: TakesModel, monkeypatch: pytest.MonkeyPatch) -> None:
    service = FakeService()
    done, running = job(service, state="done"), job(service, state="refining")
    takes.set_jobs((done, running))
    takes.set_takes(tuple(entry(done, number) for number in range(1, 201)))
    made = []
    monkeypatch.setattr(TakesModel, "_made_take_cards", lambda self: made.append(1) or [])
    changed = []
    takes.dataChanged.connect(lambda top, bottom, roles: changed.append(top.row()))
    for step in range(20):
        takes.set_job(msgspec.structs.replace(running, step=step + 1, steps=50))
    assert made == [] and changed == [0] * 20


def test_rows_are_limited_to_a_shot(takes: TakesModel) -> None:
    service = FakeService()
    mine, other = job(service, "mine", state="done"), job(service, "other", state="done")
    takes.set_jobs((mine, other))
    takes.set_takes((entry(mine, 1), entry(other, 1)))
    takes.show_shot("mine")
    assert titles(takes) == ["T1 · add 0"]
    takes.show_shot("")
    assert len(takes.cards) == 2


def test_lineage(takes: TakesModel) -> None:
    service = FakeService()
    made = job(service, state="done")
    takes.set_jobs((made,))
    takes.set_takes((entry(made, 1), entry(made, 2, parent="1-1"), entry(made, 3, parent="1-2")))
    assert [card.depth for card in takes.cards] == [2, 1, 0]
    assert takes.cards[0].line.endswith("follow-up of T2")


def test_dismissed_jobs_stay_hidden(takes: TakesModel) -> None:
    failed = job(FakeService(), state="failed")
    takes.set_jobs((failed,))
    takes.dismiss(failed.id)
    takes.set_jobs((failed,))
    assert takes.cards == () and takes.dismissed == {failed.id}


def test_files_of_a_take(takes: TakesModel) -> None:
    made = job(FakeService(), state="done")
    takes.set_jobs((made,))
    takes.set_takes((entry(made, 1),))
    assert takes.cards[0].movie == str(Path("/f/preview.mp4")) and takes.cards[0].folder == "/f"


def test_queue_neighbours_are_the_shown_jobs(takes: TakesModel) -> None:
    service = FakeService()
    jobs = [job(service, shot, state="queued", position=place) for place, shot in enumerate("aba", start=1)]
    takes.set_jobs(tuple(jobs))
    assert takes.neighbour_in_queue(jobs[2].id, -1) == jobs[1].id
    takes.show_shot("a")
    assert takes.neighbour_in_queue(jobs[2].id, -1) == jobs[0].id
    assert takes.neighbour_in_queue(jobs[0].id, -1) is None
