import pytest

from backend.ledger.states import MOVES, IllegalMove, check_move, state_after
from contract.events import JobFailed, JobNotice
from contract.states import ENDED, RUNNING, STATES
from tests.backend.ledger.specimens import job_done, job_started, model_opened, plan_ready, step, whole_job


def reachable(start: str) -> set[str]:
    found, new = set(), {start}
    while new:
        found |= new
        new = {after for state in new for after in MOVES[state]} - found
    return found


def test_the_table_has_every_state():
    assert set(MOVES) == set(STATES)
    assert set().union(*MOVES.values()) == set(STATES)
    assert not any(state in allowed for state, allowed in MOVES.items())


def test_the_whole_way_through_is_allowed():
    way = ["queued", "preparing", "planning", "awaiting_approval", *RUNNING[2:], "done"]
    for state, wanted in zip(way, way[1:], strict=False):
        check_move("job", state, wanted)


def test_any_job_that_has_not_ended_can_fail_and_be_cancelled():
    for state in set(STATES) - set(ENDED):
        assert {"failed", "cancelled"} <= MOVES[state]


def test_a_paused_job_goes_on_in_the_queue():
    assert {state for state in STATES if "paused" in MOVES[state]} == {"queued", *RUNNING}
    assert MOVES["paused"] == {"queued", "failed", "cancelled"}


def test_only_failed_and_cancelled_jobs_come_back():
    assert MOVES["done"] == frozenset()
    assert MOVES["failed"] == MOVES["cancelled"] == {"queued"}


def test_every_job_can_be_done_and_every_running_one_queued_again():
    for state in set(STATES) - {"done"}:
        assert "done" in reachable(state)
    assert all("queued" in MOVES[state] for state in RUNNING)


def test_nothing_is_done_that_was_not_planned_or_delivered():
    assert {state for state in STATES if "done" in MOVES[state]} == {"preparing", "planning", "delivering"}
    assert not MOVES["queued"] & {"done", "awaiting_approval"}


def test_an_illegal_move_says_what_is_legal():
    with pytest.raises(IllegalMove) as caught:
        check_move("ab12", "done", "queued")
    assert caught.value.kind == "illegal_move"
    assert "ab12 is done" in caught.value.what
    assert "nowhere" in caught.value.why
    check_move("ab12", "done", "done")


def test_events_lead_through_the_states(tmp_path):
    state, seen = "preparing", []
    for event in whole_job(tmp_path / "01"):
        state = state_after(event, state)
        if not seen or seen[-1] != state:
            seen.append(state)
    assert seen == [*RUNNING, "done"]


def test_the_next_take_goes_back_behind_the_plan_only():
    state = "delivering"
    for event, expected in (
        (step(1, 1, take=2, stage="segmenting"), "delivering"),
        (step(1, 2, take=2, stage="encoding"), "encoding"),
        (step(1, 2, take=2), "refining"),
        (step(1, 2, take=2, stage="encoding"), "refining"),
    ):
        state = state_after(event, state)
        assert state == expected


def test_what_a_resumed_job_reports_again_does_not_lead_back():
    for event in (job_started(), model_opened(), plan_ready(), JobNotice(kind="media", text="hm")):
        assert state_after(event, "refining") == "refining"


def test_ends():
    cancelled = JobFailed(kind="cancelled", what="", why="", remedy="", exit_code=130)
    assert state_after(cancelled, "refining") == "cancelled"
    assert state_after(JobFailed(kind="bad_media", what="", why="", remedy="", exit_code=3), "preparing") == "failed"
    assert state_after(job_done(), "preparing") == "done"
