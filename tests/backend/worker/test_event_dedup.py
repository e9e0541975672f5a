import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.worker.event_dedup import SeenEvents
from contract.events import JobFailed, JobNotice, PreviewWritten
from tests.backend.ledger.specimens import job_done, plan_ready, step, take_done, whole_job


def test_a_plan_that_is_found_again_is_the_same_and_an_edited_one_is_not():
    seen = SeenEvents()
    seen.add(plan_ready())
    assert seen.is_repeat(msgspec.structs.replace(plan_ready(), origin="kept"))
    assert not seen.is_repeat(plan_ready(target_object="something else"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return whole_job(tmp_path_factory.mktemp("take"))


def reported(seen, events):
    new = []
    for event in events:
        if not seen.is_repeat(event):
            seen.add(event)
            new.append(event)
    return new


@settings(max_examples=40, deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 27), st.integers(0, 27)), max_size=5))
def test_a_job_that_is_cut_anywhere_is_reported_once(whole, cuts):
    """A resumed job reports its beginning again, then continues at any place up to the one where it was cut."""
    seen, new, reached = SeenEvents(), [], 3
    for back, forth in cuts:
        end = min(reached + forth, len(whole) - 1)
        new += reported(seen, [*whole[:3], *whole[max(3, reached - back) : end]])
        reached = end
    new += reported(seen, [*whole[:3], *whole[reached:]])
    assert new == whole


def test_steps_of_another_iteration_take_or_stage_are_new():
    seen = SeenEvents()
    seen.add(step(5))
    assert seen.is_repeat(step(5)) and seen.is_repeat(step(3)) and not seen.is_repeat(step(6))
    assert not seen.is_repeat(step(1, iteration=2))
    assert not seen.is_repeat(step(1, take=2))
    assert not seen.is_repeat(step(1, stage="inverting"))


def test_another_attempt_counts_its_steps_anew():
    seen = SeenEvents()
    retry = JobNotice(kind="retry", text="Not found; trying again.", take=1)
    for event in (step(5), step(5, take=2), step(2, stage="inverting"), retry):
        seen.add(event)
    assert not seen.is_repeat(step(1))
    assert seen.is_repeat(step(5, take=2))
    assert seen.is_repeat(step(2, stage="inverting"))
    assert seen.is_repeat(retry)


def test_an_edited_plan_is_new_and_a_finished_take_is_not(tmp_path):
    seen = SeenEvents()
    seen.add(plan_ready())
    seen.add(take_done(tmp_path))
    assert seen.is_repeat(plan_ready())
    assert not seen.is_repeat(plan_ready(target_object="whale"))
    assert seen.is_repeat(take_done(tmp_path, made=False))
    assert not seen.is_repeat(take_done(tmp_path, 2))


def test_previews_replace_each_other():
    seen = SeenEvents()
    preview = PreviewWritten(take=1, path="/p.png", iteration=1, iterations=3)
    seen.add(preview)
    assert not seen.is_repeat(preview)


def test_after_its_end_a_job_reports_all_anew():
    for end in (job_done(), JobFailed(kind="x", what="", why="", remedy="", exit_code=1)):
        seen = SeenEvents()
        for event in (plan_ready(), step(4), end):
            seen.add(event)
        assert not seen.is_repeat(plan_ready()) and not seen.is_repeat(step(1)) and not seen.is_repeat(end)
