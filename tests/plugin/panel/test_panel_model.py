"""The panel's models over a scriptable backend, without widgets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.wire.messages import Approve, Cancel, Failure, PauseQueue, Retry, SetTake, Submit
from contract.events import FoundMask, PreviewWritten, ShotChecked
from contract.preflight import Preflight, PreflightCheck
from contract.take import Note
from plugin.hosts.otio_files import OtioFiles
from plugin.panel.models.panel.panel_model import PanelModel
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.review.follow_up import FollowUp
from plugin.panel.thumbnails.thumbnails import Thumbnails
from plugin.panel.widgets.zones.plan_form import PlanForm
from tests.contract.sample_job import changed
from tests.plugin.movies import write_movie
from tests.plugin.panel.fake_service import PLAN, FakeService, FakeServices, refusal
from tests.plugin.panel.immediate_background import ImmediateBackground

Until = Callable[[Callable[[], bool]], None]


@pytest.fixture
def opened(panel: PanelModel, cut: Path, until: Until) -> PanelModel:
    panel.begin(cut)
    until(lambda: panel.backend.ready and panel.ask.estimate is not None)
    return panel


@pytest.fixture
def planned(opened: PanelModel, service: FakeService, until: Until) -> PanelModel:
    opened.ask.instruction = "add a red balloon"
    opened.make_plan()
    until(lambda: bool(opened.plan.job))
    service.plan(opened.plan.job)
    until(lambda: opened.plan.state == "ready")
    return opened


def requests(service: FakeService, kind: type) -> list:
    return [each for each in service.requests if isinstance(each, kind)]


def finish(panel: PanelModel, service: FakeService, until: Until, folder: Path, number: int = 1) -> str:
    """Generate and finish one take; returns its id."""
    before = set(service.jobs) - {panel.plan.job}
    panel.generate()
    until(lambda: any(service.jobs[job].state == "queued" for job in set(service.jobs) - before))
    job = next(iter(set(service.jobs) - before))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("layer.mov", "composite.mov", "preview.mp4"):
        write_movie(folder / name, panel.shot.shot.frame_count, panel.shot.shot.frame_rate)
    take = service.finish_take(job, number, folder)
    service.finish(job)
    until(lambda: any(card.kind == "take" and card.id == take.id for card in panel.takes.cards))
    until(lambda: all(card.kind == "take" for card in panel.takes.cards))
    return take.id


def test_the_shot_and_its_estimate_are_shown_before_anything_is_submitted(opened: PanelModel) -> None:
    facts = dict(opened.shot.facts)
    assert facts["Length"] == "18 frames, 0.75 s" and facts["Handles"] == "2 before, 4 after"
    assert facts["Model input"] == "25 frames of 160 × 96 at 8 fps"
    assert "1 min 35 s" in opened.ask.estimate_line and "120 MB disk" in opened.ask.estimate_line
    assert opened.plan_hindrance == "Describe what to add."


def test_a_plan_can_be_made_before_the_models_are_listed(
    panel: PanelModel, service: FakeService, cut: Path, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel.backend, "list_models", lambda: None)
    panel.begin(cut)
    until(lambda: panel.backend.ready and panel.shot.shot is not None)
    assert panel.ask.models == () and panel.ask.model_name == ""
    panel.ask.instruction = "add a red balloon"
    panel.make_plan()
    until(lambda: bool(panel.plan.job))
    assert [each.spec.model for each in requests(service, Submit)] == [None]


def test_nothing_is_generated_before_approval(opened: PanelModel, service: FakeService, until: Until) -> None:
    opened.ask.instruction = "add a red balloon"
    assert "plan first" in opened.generate_hindrance
    opened.generate()
    assert requests(service, Submit) == []
    opened.make_plan()
    until(lambda: bool(opened.plan.job))
    submitted = requests(service, Submit)[0]
    assert (
        submitted.spec.after_plan == "wait"
        and submitted.spec.start.clip == "1"
        and submitted.spec.output.endswith("001-add-a-red-balloon")
    )
    assert submitted.token.startswith(opened.shot.key + ".")


def test_the_plan_is_shown_and_approved_as_edited(planned: PanelModel, service: FakeService, until: Until) -> None:
    assert planned.plan.source_objects == ("man in a coat", "lamp post") and not planned.plan.edited
    planned.plan.set_objects("man in a coat, dog\ndog")
    planned.plan.target_object = "large red balloon"
    job = planned.plan.job
    planned.generate()
    until(lambda: bool(requests(service, Approve)))
    sent = service.approved[job]
    assert sent.source_objects == ("man in a coat", "dog") and sent.target_object == "large red balloon"
    assert sent.assistant == "person" and sent.composite_caption == PLAN.composite_caption
    assert planned.history.entries == ("add a red balloon",)


def test_an_unedited_plan_is_approved_as_it_is(planned: PanelModel, service: FakeService, until: Until) -> None:
    job = planned.plan.job
    planned.generate()
    until(lambda: job in service.approved)
    assert service.approved[job] is None


def test_the_negative_prompt_is_part_of_the_job(planned: PanelModel, service: FakeService, until: Until) -> None:
    planned.ask.negative = " text, watermark "
    planned.generate()
    until(lambda: len(requests(service, Submit)) == 2)
    assert requests(service, Submit)[1].spec.edit.negative == "text, watermark"


def test_changed_settings_after_the_plan_make_another_job_with_the_plan(
    planned: PanelModel, service: FakeService, until: Until
) -> None:
    held = planned.plan.job
    planned.ask.takes = 3
    planned.generate()
    until(lambda: len(requests(service, Submit)) == 2)
    second = requests(service, Submit)[1]
    assert (
        second.spec.after_plan == "generate"
        and second.spec.takes == 3
        and second.spec.plan.target_object == "red balloon"
    )
    assert requests(service, Cancel) == [Cancel(job=held)]


def test_another_instruction_needs_another_plan(planned: PanelModel) -> None:
    planned.ask.instruction = "add fire"
    assert "changed" in planned.generate_hindrance


def test_masks_are_shown_with_the_plan(opened: PanelModel, service: FakeService, until: Until) -> None:
    opened.ask.instruction = "add a red balloon"
    opened.make_plan()
    until(lambda: bool(opened.plan.job))
    masks = (
        FoundMask(phrase="lamp post", role="source", coverage=0.1, frame=3, path="m.png"),
        FoundMask(phrase="red balloon", role="target", coverage=0, frame=0, path=None),
    )
    service.plan(opened.plan.job, masks=masks)
    until(lambda: opened.plan.state == "ready" and bool(opened.plan.masks))
    assert opened.plan.masks == masks


def test_what_was_found_out_about_the_shot_is_shown_with_the_plan(
    opened: PanelModel, service: FakeService, until: Until
) -> None:
    report = Preflight(
        frames=9,
        held=[(4, 4)],
        checks=[
            PreflightCheck("pictures", "fine", "Every picture of the 9 frames is whole."),
            PreflightCheck("pictures", "notice", "Frame 4 repeats the picture before: the file has none of its own."),
        ],
    )
    form = PlanForm(opened, Thumbnails(ImmediateBackground()))
    opened.ask.instruction = "add a red balloon"
    opened.make_plan()
    until(lambda: bool(opened.plan.job))
    service.push_event(opened.plan.job, ShotChecked(report=report))
    service.plan(opened.plan.job)
    until(lambda: opened.plan.state == "ready")
    assert opened.plan.checked == report
    assert form.checked.text() == "9 frames checked, 1 notice."
    assert form.checked.toolTip().splitlines() == [check.text for check in report.checks]
    opened.drop_plan()
    assert opened.plan.checked is None and form.checked.isHidden()


def test_a_failed_plan_shows_why(opened: PanelModel, service: FakeService, until: Until) -> None:
    opened.ask.instruction = "add a whale"
    opened.make_plan()
    until(lambda: bool(opened.plan.job))
    failure = Failure(
        kind="outside_vocabulary", what="tiny cannot generate 'whale'.", why="", remedy="Ask for fire.", exit_code=2
    )
    service.fail(opened.plan.job, failure)
    until(lambda: opened.plan.state == "failed")
    assert opened.plan.problem.what == "tiny cannot generate 'whale'." and opened.takes.cards == ()


def test_a_refused_job_shows_why(opened: PanelModel, service: FakeService, until: Until) -> None:
    service.refusals[Submit] = refusal("queue_full", "The queue is full.", "", "Wait.")
    opened.ask.instruction = "add fire"
    opened.make_plan()
    until(lambda: opened.plan.state == "failed")
    assert opened.plan.problem.kind == "queue_full"


def test_a_running_job_reports_stage_step_time_and_picture(
    planned: PanelModel, service: FakeService, until: Until
) -> None:
    job = planned.plan.job
    planned.generate()
    service.progress(job, 10)
    service.push_event(job, PreviewWritten(take=1, path="p.png", iteration=1, iterations=3))
    until(lambda: planned.takes.cards[0].picture == "p.png")
    card = planned.takes.cards[0]
    assert card.line == "Denoising, pass 1 of 3, step 10 of 50 · 42 s left" and card.actions == ("pause", "cancel")
    assert 0.2 < card.progress < 0.3
    service.push_event(job, PreviewWritten(take=1, path="p.png", iteration=2, iterations=3))
    until(lambda: planned.takes.cards[0].stamp == card.stamp + 1)


def test_pausing_keeps_the_job_in_the_list_and_cancelling_does_not(
    planned: PanelModel, service: FakeService, until: Until
) -> None:
    job = planned.plan.job
    planned.generate()
    service.progress(job, 1)
    planned.jobs.pause(job)
    until(lambda: [card.state for card in planned.takes.cards] == ["paused"])
    assert service.jobs[job].state == "paused", "the backend knows it, and so does every client"
    assert planned.takes.cards[0].actions == ("retry", "cancel")
    planned.jobs.retry(job)
    until(lambda: planned.takes.cards[0].state == "queued")
    planned.jobs.cancel(job)
    until(lambda: planned.takes.cards == ())
    assert planned.message == "Cancelled."


def test_a_paused_job_is_still_listed_after_a_restart(
    planned: PanelModel, service: FakeService, services: FakeServices, until: Until, cut: Path, tmp_path: Path
) -> None:
    job = planned.plan.job
    planned.generate()
    service.progress(job, 1)
    planned.jobs.pause(job)
    until(lambda: [card.state for card in planned.takes.cards] == ["paused"])
    planned.close()
    again = PanelModel(
        OtioFiles(tmp_path / "placed"), services, SettingsStore(tmp_path / "panel"), ImmediateBackground()
    )
    again.begin(cut)
    until(lambda: [card.state for card in again.takes.cards] == ["paused"])
    assert "retry" in again.takes.cards[0].actions
    again.jobs.retry(job)
    until(lambda: again.takes.cards[0].state == "queued")
    again.close()


def test_a_refused_pause_of_the_queue_is_reported(opened: PanelModel, service: FakeService, until: Until) -> None:
    service.refusals[PauseQueue] = refusal("not_allowed", "Only its owner pauses the queue.")
    shown = []
    opened.backend.changed.connect(shown.append)
    opened.backend.pause_queue(True)
    until(lambda: opened.problem is not None)
    assert opened.problem.kind == "not_allowed" and not opened.backend.paused and "paused" in shown


def test_out_of_memory_offers_a_retry_with_less(planned: PanelModel, service: FakeService, until: Until) -> None:
    job = planned.plan.job
    planned.generate()
    failure = Failure(
        kind="out_of_memory", what="Memory ran out.", why="", remedy="", exit_code=5, offers=("again", "small")
    )
    service.fail(job, failure)
    until(lambda: planned.takes.cards and planned.takes.cards[0].state == "failed")
    assert planned.takes.cards[0].actions == ("retry", "retry_small", "dismiss")
    planned.jobs.retry(job, small=True)
    until(lambda: requests(service, Retry) == [Retry(job=job, footprint="small")])


def test_the_queue_is_reordered(planned: PanelModel, service: FakeService, until: Until) -> None:
    for instruction in ("a", "b", "c"):
        planned._submit(
            planned.shot.shot, changed(planned.ask.spec(), instruction=instruction, quality="draft"), PLAN, "generate"
        )
    until(lambda: len(planned.takes.cards) == 4)
    names = [card.title for card in planned.takes.cards if card.state == "queued"]
    assert names == ["a", "b", "c"]
    planned.jobs.move(planned.takes.cards[3].job, -1)
    until(lambda: [card.title for card in planned.takes.cards][1:] == ["a", "c", "b"])
    planned.jobs.move(planned.takes.cards[1].job, 1)
    until(lambda: [card.title for card in planned.takes.cards][1:] == ["c", "a", "b"])


def test_a_take_is_noted_placed_and_approved(
    planned: PanelModel, service: FakeService, until: Until, tmp_path: Path
) -> None:
    take = finish(planned, service, until, tmp_path / "takes" / "01")
    planned.decisions.set_notes(take, (Note(text="brighter", first=2, last=4),))
    until(lambda: [note.text for note in next(iter(service.entries.values())).take.notes] == ["brighter"])
    planned.decisions.approve_and_place(take)
    until(lambda: next(iter(service.entries.values())).take.status == "approved")
    assert planned.placements.current.track_number == 2
    assert "T1" in planned.placements.status_text and "cut.dynvfx.otio" in planned.placements.status_text
    assert planned.takes.cards[0].placed


def test_swapping_is_one_call(planned: PanelModel, service: FakeService, until: Until, tmp_path: Path) -> None:
    first = finish(planned, service, until, tmp_path / "takes" / "01")
    second = finish(planned, service, until, tmp_path / "takes" / "02")
    planned.decisions.approve_and_place(first)
    planned.decisions.approve_and_place(second)
    until(lambda: [card.placed for card in planned.takes.cards] == [True, False])
    assert planned.placements.current.take == second


def test_a_take_without_files_is_reported_not_placed(
    planned: PanelModel, service: FakeService, until: Until, tmp_path: Path
) -> None:
    take = finish(planned, service, until, tmp_path / "takes" / "01")
    (tmp_path / "takes" / "01" / "layer.mov").unlink()
    planned.decisions.approve_and_place(take)
    assert planned.problem.kind == "bad_take" and planned.placements.current is None


def test_changes_made_while_the_backend_is_away_are_not_lost(
    planned: PanelModel, service: FakeService, until: Until, tmp_path: Path
) -> None:
    take = finish(planned, service, until, tmp_path / "takes" / "01")
    service.die()
    until(lambda: not planned.backend.ready)
    planned.decisions.set_status(take, "rejected")
    assert planned.takes.cards[0].state == "rejected" and requests(service, SetTake) == []
    until(lambda: planned.backend.ready)
    until(lambda: next(iter(service.entries.values())).take.status == "rejected")


def test_a_follow_up_names_its_parent(planned: PanelModel, service: FakeService, until: Until, tmp_path: Path) -> None:
    take = finish(planned, service, until, tmp_path / "takes" / "01")
    planned.follow_up(take, FollowUp("make it blue"))
    until(lambda: len(requests(service, Submit)) == 2)
    spec = requests(service, Submit)[1].spec
    assert (spec.start.job, spec.start.number, spec.instruction) == (next(iter(service.entries))[0], 1, "make it blue")


def test_the_backend_dies_and_every_event_arrives_once(planned: PanelModel, service: FakeService, until: Until) -> None:
    job = planned.plan.job
    planned.generate()
    service.progress(job, 1)
    until(lambda: planned.takes.jobs[job].job.step == 1)
    service.die()
    until(lambda: planned.backend.state == "silent")
    assert planned.backend.fix == "retry" and "does not answer" in planned.backend.headline
    service.progress(job, 2)
    until(lambda: planned.backend.ready)
    service.progress(job, 3)
    until(lambda: planned.takes.jobs[job].job.step == 3)
    assert planned.takes.jobs[job].next_event == len(service.events[job]) + 1
