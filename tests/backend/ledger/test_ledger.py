import pytest

from backend.ledger.errors import NoSuchJob, NoSuchTake, QueueFull
from backend.ledger.ledger import Ledger
from backend.ledger.rows import Steps
from backend.ledger.states import IllegalMove
from contract.errors import BadTake
from contract.events import JobStarted, StageProgress
from contract.take import Note, read_take, write_take
from tests.backend.ledger.specimens import (
    ANNA,
    BERT,
    CLEO,
    FAILURE,
    PLAN,
    Clock,
    finish_take,
    job_done,
    job_started,
    model_opened,
    plan_ready,
    spec,
    started,
    step,
    submitted,
    take_done,
    whole_job,
    write_specimen,
)
from tests.contract.sample_job import a_follow_up
from tests.contract.sample_plan import a_plan


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite", clock=Clock(), queue_limit=3) as ledger:
        yield ledger


def reopened(ledger: Ledger) -> Ledger:
    ledger.close()
    return Ledger(ledger._database.path, clock=Clock())


def test_a_new_job_is_all_that_was_asked_for(ledger):
    row, created = ledger.submit(
        ANNA, "one", spec(takes=2, output="/out", model="wan", after_plan="wait"), device="cpu"
    )
    assert (
        created and row.state == "queued" and row.position == 1 and row.spec.after_plan == "wait" and row.attempt == 1
    )
    assert (row.source, row.model, row.output, row.device) == ("/footage/clip.mov", "wan", "/out", "cpu")
    assert row.created == row.changed == 1001.0
    assert row.spec == spec(takes=2, output="/out", model="wan", after_plan="wait")
    assert ledger.job(row.id) == row


def test_the_same_token_names_the_same_job(ledger):
    first, _ = ledger.submit(ANNA, "one", spec())
    again, created = ledger.submit(ANNA, "one", spec(instruction="something else"))
    assert (again, created) == (first, False)
    assert ledger.submit(BERT, "one", spec())[1]


def test_a_full_queue_refuses_new_jobs_but_knows_old_ones(ledger):
    jobs = [submitted(ledger, token=str(number)) for number in range(3)]
    with pytest.raises(QueueFull) as caught:
        submitted(ledger, token="more")
    assert caught.value.kind == "queue_full"
    assert submitted(ledger, token="1") == jobs[1]
    submitted(ledger, client=BERT)
    ledger.cancel(jobs[0])
    submitted(ledger, token="more")


def test_a_change_of_a_take_has_the_source_and_model_of_its_job(ledger):
    parent = submitted(ledger, model="wan")
    row, _ = ledger.submit(ANNA, "two", a_follow_up(instruction="make it red", job=parent, number=1))
    assert (row.source, row.model) == ("/footage/clip.mov", "wan")
    assert ledger.submit(ANNA, "three", a_follow_up(instruction="x", folder="/takes/01"))[0].source == ""


def test_lists_are_newest_first_by_client_and_state(ledger):
    one, two, three = submitted(ledger), submitted(ledger, BERT), submitted(ledger, token="two")
    ledger.cancel(three)
    assert [row.id for row in ledger.jobs()] == [three, two, one]
    assert [row.id for row in ledger.jobs(ANNA)] == [three, one]
    assert [row.id for row in ledger.jobs(None, ["queued"], 1)] == [two]
    assert [row.id for row in ledger.jobs(ANNA, ["cancelled", "failed"])] == [three]
    assert ledger.counts() == {"queued": 2, "cancelled": 1}


def test_unknown_jobs_are_a_typed_error(ledger):
    assert ledger.find("none") is None
    for call in (ledger.job, ledger.retry, ledger.approve, ledger.interrupt, ledger.reorder):
        with pytest.raises(NoSuchJob) as caught:
            call("none")
        assert caught.value.kind == "not_found"
    with pytest.raises(NoSuchJob):
        ledger.record("none", job_started())


def test_a_move_notes_facts_and_refuses_what_is_no_fact(ledger):
    job = submitted(ledger)
    row = ledger.move(job, "preparing", device="cuda:0", output="/made", source="/else.mov", model="tiny")
    assert (row.state, row.device, row.output, row.source) == ("preparing", "cuda:0", "/made", "/else.mov")
    with pytest.raises(TypeError):
        ledger.move(job, "planning", attempt=9)
    assert ledger.job(job) == row
    with pytest.raises(IllegalMove):
        ledger.move(job, "awaiting_approval_of_mother")


def test_a_whole_job_is_recorded_and_kept(ledger, tmp_path):
    job = started(ledger)
    whole = whole_job(tmp_path / "takes" / "01")
    numbered = [ledger.record(job, event).event for event in whole]
    assert [each.number for each in numbered] == list(range(1, len(whole) + 1))
    row = ledger.job(job)
    assert (row.state, row.events, row.takes_done) == ("done", len(whole), (1,))
    ledger = reopened(ledger)
    assert [each.event for each in ledger.events(job)] == whole
    assert list(ledger.events(job)) == numbered
    assert ledger.events(job, 5, 2) == tuple(numbered[4:6])
    assert ledger.events(job, len(whole) + 1) == ledger.events("none") == ()
    assert ledger.job(job) == row
    ledger.close()


def test_progress_is_at_hand_and_found_again_after_a_restart(ledger):
    job = started(ledger)
    ledger.record(job, step(3, iteration=2))
    expected = Steps(take=1, stage="refining", iteration=2, iterations=3, step=3, steps=10, seconds_left=10.0)
    assert ledger.job(job).steps == expected
    assert ledger.to_job(ledger.job(job), ANNA).step == 3
    ledger = reopened(ledger)
    ledger.recover()
    assert ledger.job(job).steps == expected
    ledger.close()


def test_repeats_are_not_recorded_but_still_move_the_job(ledger, tmp_path):
    job = started(ledger)
    write_specimen(tmp_path / "01")
    for event in (job_started(), model_opened(), plan_ready(), step(4), take_done(tmp_path / "01")):
        assert ledger.record(job, event).event
    assert ledger.job(job).recorded == 5
    ledger.interrupt(job)
    ledger = reopened(ledger)
    ledger.move(job, "preparing")
    for event, state in (
        (job_started(), "preparing"),
        (plan_ready(), "planning"),
        (step(4), "refining"),
        (take_done(tmp_path / "01", made=False), "refining"),
    ):
        assert ledger.record(job, event, 0).event is None
        assert ledger.job(job).state == state
    assert ledger.job(job).events == 5
    assert ledger.record(job, step(4), 4).event is None, "the ledger has this entry of the journal"
    assert ledger.record(job, step(5), 6).event.number == 6
    ledger.close()


def test_what_comes_late_of_a_job_that_is_not_running_is_dropped(ledger):
    job = started(ledger)
    ledger.cancel(job)
    assert ledger.record(job, step(1)).event is None
    assert ledger.job(job).events == 1
    with pytest.raises(IllegalMove):
        ledger.append(job, step(1))


def test_an_event_and_a_state_in_one(ledger):
    job = started(ledger)
    with pytest.raises(IllegalMove):
        ledger.append(job, plan_ready(), "queuing")
    assert ledger.job(job).events == 0
    assert ledger.append(job, plan_ready(), "awaiting_approval").number == 1
    assert ledger.job(job).state == "awaiting_approval"


def test_a_failure_is_state_facts_and_event(ledger):
    job = started(ledger)
    numbered = ledger.fail(job, FAILURE, log="/log")
    row = ledger.job(job)
    assert (row.state, row.failure, row.device) == ("failed", FAILURE, None)
    assert ledger.events(job) == (numbered,)
    assert (numbered.event.kind, numbered.event.exit_code, numbered.event.log) == ("out_of_memory", 5, "/log")
    with pytest.raises(IllegalMove):
        ledger.fail(job, FAILURE)
    row = ledger.retry(job, "small")
    assert (row.state, row.failure, row.attempt, row.footprint) == ("queued", None, 2, "small")
    ledger.move(job, "preparing")
    assert ledger.record(job, step(1)).event.number == 2
    assert ledger.retry(submitted_and_cancelled(ledger)).footprint == "normal"


def submitted_and_cancelled(ledger):
    job = submitted(ledger, token="cancelled")
    ledger.cancel(job)
    return job


def test_cancelling_in_every_state(ledger):
    assert ledger.cancel("none") == ("not_found", None)
    job = submitted(ledger)
    outcome, event = ledger.cancel(job)
    assert (outcome, event.event.kind, event.event.exit_code) == ("cancelled", "cancelled", 130)
    assert ledger.cancel(job) == ("cancelled", None)
    running = started(ledger, token="two")
    ledger.record(running, step(1))
    assert ledger.cancel(running)[1].number == 2
    held = started(ledger, token="three")
    ledger.move(held, "awaiting_approval")
    assert ledger.cancel(held)[0] == "cancelled"
    done = started(ledger, token="four")
    ledger.record(done, job_done())
    assert ledger.cancel(done) == ("already_done", None)
    failed = started(ledger, token="five")
    ledger.fail(failed, FAILURE)
    assert ledger.cancel(failed) == ("already_done", None)


def test_approval_queues_the_job_again_with_the_plan(ledger):
    job = ledger.submit(ANNA, "one", spec(after_plan="wait"))[0].id
    other = submitted(ledger, token="two")
    with pytest.raises(IllegalMove):
        ledger.approve(job)
    ledger.move(job, "preparing")
    ledger.append(job, plan_ready(), "awaiting_approval")
    assert ledger.recover() == ()
    row = ledger.approve(job, PLAN)
    assert (row.state, row.spec.after_plan, row.plan) == ("queued", "generate", PLAN)
    assert [each.id for each in ledger.queue()] == [job, other]


def test_approval_without_a_plan_keeps_the_earlier_one(ledger):
    job = ledger.submit(ANNA, "one", spec(after_plan="wait"), plan=a_plan(target_object="whale"))[0].id
    ledger.move(job, "preparing")
    ledger.move(job, "awaiting_approval")
    assert ledger.approve(job).plan == a_plan(target_object="whale")


def test_a_paused_job_goes_on_in_the_same_attempt(ledger):
    job, other = started(ledger), submitted(ledger, token="two")
    ledger.record(job, job_started())
    ledger.record(job, step(1))
    stored = ledger.pause_job(job)
    row = ledger.job(job)
    assert (row.state, row.device, stored.number, stored.event.kind) == ("paused", None, 3, "paused")
    assert ledger.pause_job(job) is None and ledger.job(job).events == 3
    assert ledger.record(job, step(2)).event is None, "what its worker still did comes again from the journal"
    assert [each.id for each in ledger.queue()] == [other]
    ledger = reopened(ledger)
    assert ledger.recover() == () and ledger.job(job).state == "paused"
    row = ledger.retry(job)
    assert (row.state, row.attempt, row.journal, row.recorded) == ("queued", 1, 1, 2)
    assert [each.id for each in ledger.queue()] == [job, other]
    ledger.move(job, "preparing")
    assert ledger.record(job, step(2), 3).event.number == 4
    assert [type(each.event) for each in ledger.events_of_this_attempt(job)][:2] == [JobStarted, StageProgress]
    ledger.pause_job(other)
    assert ledger.cancel(other)[0] == "cancelled"
    with pytest.raises(IllegalMove):
        ledger.pause_job(other)
    ledger.close()


def test_deaths_in_a_row_are_counted_until_there_is_progress(ledger):
    job = started(ledger)
    for deaths in (1, 2):
        row = ledger.interrupt(job, died=True)
        assert (row.deaths, row.attempt, row.state, row.device) == (deaths, deaths + 1, "queued", None)
        ledger.move(job, "preparing")
        ledger.record(job, job_started())
    ledger.record(job, step(1))
    assert ledger.job(job).deaths == 0
    ledger.interrupt(job)
    assert (ledger.job(job).deaths, ledger.job(job).attempt) == (0, 3)
    with pytest.raises(IllegalMove):
        ledger.interrupt(job)


def test_what_ran_when_the_service_ended_goes_first_after_it(ledger):
    waiting = submitted(ledger, BERT)
    jobs = [started(ledger, client, client) for client in (ANNA, CLEO)]
    held = started(ledger, token="held")
    ledger.move(held, "awaiting_approval")
    ledger = reopened(ledger)
    assert [row.id for row in ledger.recover()] == jobs
    assert [row.id for row in ledger.queue()] == [*jobs, waiting]
    assert ledger.job(jobs[0]).changed == 1002.0 and ledger.job(jobs[0]).attempt == 1
    assert ledger.job(held).state == "awaiting_approval"
    assert ledger.recover() == ()
    ledger.close()


def run_queue(ledger):
    """Start and finish whatever is next, until nothing is; the clients and tokens in that order."""
    order = []
    while (row := next(iter(ledger.queue()), None)) is not None:
        order.append((row.client, row.token))
        ledger.move(row.id, "preparing")
        ledger.move(row.id, "done")
    return order


def test_clients_take_turns_over_a_restart(ledger):
    for token in "123":
        submitted(ledger, ANNA, token)
    ledger.move(next(iter(ledger.queue()), None).id, "preparing")
    submitted(ledger, BERT, "1")
    submitted(ledger, CLEO, "1")
    submitted(ledger, BERT, "2")
    ledger = reopened(ledger)
    assert [row.position for row in ledger.queue()] == [1, 2, 3, 4, 5]
    shown = [(row.client, row.token) for row in ledger.queue()]
    assert run_queue(ledger) == shown == [(BERT, "1"), (CLEO, "1"), (ANNA, "2"), (BERT, "2"), (ANNA, "3")]
    ledger.close()


def test_a_flood_of_one_client_does_not_keep_another_waiting(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for number in range(100):
            submitted(ledger, ANNA, str(number))
        ledger.move(next(iter(ledger.queue()), None).id, "preparing")
        assert ledger.job(submitted(ledger, BERT)).position == 1


def test_reordering_within_a_client(ledger):
    one, two, three = (submitted(ledger, token=token) for token in "123")
    assert ledger.reorder(three, one).position == 1
    assert [row.id for row in ledger.queue()] == [three, one, two]
    assert ledger.reorder(three).position == 3
    assert ledger.reorder(one, one).position == 1
    other = submitted(ledger, BERT)
    with pytest.raises(IllegalMove):
        ledger.reorder(one, other)
    ledger.move(one, "preparing")
    with pytest.raises(IllegalMove):
        ledger.reorder(one, two)
    with pytest.raises(IllegalMove):
        ledger.reorder(two, one)


def test_what_is_put_before_an_interrupted_job_is_started_before_it(ledger):
    one = started(ledger, token="1")
    two = submitted(ledger, token="2")
    ledger.interrupt(one)
    assert [row.id for row in ledger.queue()] == [one, two]
    ledger.reorder(two, one)
    assert [row.id for row in ledger.queue()] == [two, one]
    assert not ledger.job(one).interrupted


def test_an_interrupted_job_does_not_take_its_clients_turn_again(ledger):
    interrupted = started(ledger, ANNA, "1")
    started(ledger, BERT, "1")
    submitted(ledger, ANNA, "2")
    submitted(ledger, BERT, "2")
    ledger.interrupt(interrupted)
    assert run_queue(ledger) == [(ANNA, "1"), (ANNA, "2"), (BERT, "2")]


def test_a_paused_queue_stays_paused(ledger):
    assert not ledger.queue_paused
    ledger.pause_queue()
    ledger = reopened(ledger)
    assert ledger.queue_paused
    ledger.pause_queue(False)
    assert not ledger.queue_paused
    ledger.close()


def test_what_other_clients_see(ledger):
    row = ledger.job(submitted(ledger, token="secret"))
    mine, others = ledger.to_job(row, ANNA), ledger.to_job(row, BERT)
    assert (mine.token, mine.mine, mine.position, mine.instruction) == ("secret", True, 1, "add a balloon")
    assert (others.token, others.mine) == ("", False)


def test_takes_of_clients_and_jobs(ledger, tmp_path):
    entries = []
    for client, number in ((ANNA, 1), (ANNA, 2), (BERT, 1)):
        job = started(ledger, client, f"{number}")
        finish_take(ledger, job, tmp_path / f"{client}{number}", number)
        entries.append((job, number))
    assert [(entry.job, entry.number) for entry in ledger.takes()] == entries
    assert [(entry.job, entry.number) for entry in ledger.takes(ANNA)] == entries[:2]
    assert [entry.take.name for entry in ledger.takes(job=entries[2][0])] == ["balloon 1"]
    assert ledger.takes(BERT, entries[0][0]) == ()
    assert [take.seed for take in ledger.measured("tiny", 2)] == [1, 2]
    assert ledger.measured("wan") == ()
    with pytest.raises(NoSuchTake):
        ledger.take(entries[0][0], 9)


def test_a_review_is_in_take_json_and_in_the_ledger(ledger, tmp_path):
    job = started(ledger)
    finish_take(ledger, job, tmp_path)
    note = Note(text="too big", first=0, last=4)
    entry = ledger.set_take(job, 1, "approved", [note])
    assert entry.take.status == read_take(tmp_path).status == "approved"
    ledger.set_take(job, 1, "rejected")
    ledger = reopened(ledger)
    assert ledger.take(job, 1).take.status == "rejected"
    assert ledger.take(job, 1).take.notes == read_take(tmp_path).notes == [note]
    ledger.set_take(job, 1, notes=[])
    assert read_take(tmp_path).notes == []
    ledger.close()


def test_take_json_is_the_truth(ledger, tmp_path):
    job = started(ledger)
    take = finish_take(ledger, job, tmp_path)
    take.status = "retake"
    take.extra = {"of_tomorrow": 1}
    write_take(tmp_path, take)
    assert ledger.take(job, 1).take.status == "retake"
    assert ledger.set_take(job, 1, notes=[]).take.extra == {"of_tomorrow": 1}
    (tmp_path / "take.json").write_text("{")
    assert ledger.takes()[0].take.status == "retake"
    with pytest.raises(BadTake):
        ledger.set_take(job, 1, "approved")
    (tmp_path / "take.json").unlink()
    assert ledger.takes() == ()
    assert ledger.job(job).takes_done == (1,)
    write_take(tmp_path, take)
    assert len(ledger.takes()) == 1


def test_a_take_that_cannot_be_read_is_not_recorded(ledger, tmp_path):
    job = started(ledger)
    with pytest.raises(BadTake):
        ledger.record(job, take_done(tmp_path / "nowhere"))
    assert (ledger.job(job).events, ledger.takes()) == (0, ())
