from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import msgspec

from contract.finding import Finding
from contract.take import Note
from plugin.panel.models.ask.history import LONGEST, History
from plugin.panel.models.ask.plan import PlanModel
from plugin.panel.models.backend.checks import ChecksModel
from plugin.panel.models.number_text import duration_text, rate_text, size_text
from plugin.panel.models.observable import Field, Observable
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.models.takes.review_outbox import ReviewOutbox
from tests.contract.sample_job import a_job
from tests.plugin.panel.fake_service import PLAN, FakeService, make_take

Until = Callable[[Callable[[], bool]], None]


def test_fields_report_only_of_changes() -> None:
    class Model(Observable):
        name: Field[str] = Field("a")

    model, reported = Model(), []
    model.changed.connect(reported.append)
    model.name = "a"
    model.name = "b"
    model.name = "b"
    assert reported == ["name"] and model.name == "b" and Model().name == "a"


def test_history_holds_each_instruction_once_newest_first() -> None:
    history = History(("b", "a"))
    history.add("  a  ")
    history.add(" ")
    assert history.entries == ("a", "b")
    for number in range(LONGEST + 5):
        history.add(str(number))
    assert len(history.entries) == LONGEST


def test_settings_survive_and_ignore_values_of_another_type(tmp_path: Path) -> None:
    settings = SettingsStore(tmp_path)
    for name, value in (("text", "ä “x”"), ("list", ("a", "b")), ("truth", True), ("number", 7), ("none", None)):
        settings.set(name, value)
    settings.set_bytes("bytes", b"\x00\xff")
    settings.flush()
    again = SettingsStore(tmp_path)
    assert again.get("text", "") == "ä “x”" and again.get("list", ()) == ("a", "b")
    assert again.get("truth", False) is True and again.get("number", 0) == 7 and again.get("none", "x") == "x"
    assert again.get("text", 0) == 0 and again.get("number", ()) == () and again.get_bytes("bytes") == b"\x00\xff"


def test_a_plan_knows_whether_it_was_edited() -> None:
    plan = PlanModel()
    plan.show(PLAN)
    plan.ready()
    assert not plan.edited and plan.as_edited() is None and plan.hindrance == ""
    plan.scope = "full_frame"
    assert plan.as_edited().scope == "full_frame" and plan.as_edited().assistant == "person"
    plan.composite_caption = " "
    assert plan.hindrance


def test_unacknowledged_changes_are_kept_on_disk(tmp_path: Path) -> None:
    outbox = ReviewOutbox(tmp_path / "review_outbox.json")
    note = Note(text="x", first=0, last=1)
    outbox.add("j", 1, "approved", None)
    outbox.add("j", 1, None, (note,))
    again = ReviewOutbox(tmp_path / "review_outbox.json")
    assert again.requests() == outbox.requests() and again.requests()[0].status == "approved"
    service = FakeService()
    job = _job(service)
    assert again.apply("j", 1, make_take(job, 1)).notes == [note]
    request = again.requests()[0]
    again.add("j", 1, "rejected", None)
    again.acknowledge(request)
    assert again.requests()[0].status == "rejected"
    again.acknowledge(again.requests()[0])
    assert ReviewOutbox(tmp_path / "review_outbox.json").requests() == []


def _job(service: FakeService) -> object:
    from bridge.wire.messages import Submit

    return service.answer(Submit(token="k.1", spec=a_job(instruction="x", source="s"))).job


def test_the_check_is_read_line_by_line(qapp: object, until: Until) -> None:
    findings = (
        Finding("Memory", "fine", "8 GB"),
        Finding("GPU", "missing", "none", "Check its driver."),
        Finding("ffmpeg", "broken", "it: fails", "Reinstall it."),
    )
    report = "a library's warning\n" + "".join(f"{msgspec.json.encode(each).decode()}\n" for each in findings)
    checks = ChecksModel((sys.executable, "-c", f"print({report!r}, end='')"))
    checks.run()
    until(lambda: checks.state == "broken")
    assert checks.findings == findings


def test_a_check_that_cannot_start_is_reported(qapp: object, until: Until) -> None:
    checks = ChecksModel(("/no/such/program",))
    checks.run()
    until(lambda: checks.state == "broken")
    assert checks.findings[0].state == "broken"


def test_numbers_as_text() -> None:
    assert [duration_text(each) for each in (7.6, 95, 4800)] == ["8 s", "1 min 35 s", "1 h 20 min"]
    assert [size_text(each) for each in (12, 2_100_000_000, 999_700)] == ["12 B", "2.1 GB", "1.0 MB"]
    assert [rate_text(each) for each in (Fraction(24000, 1001), Fraction(25))] == ["23.976", "25"]
