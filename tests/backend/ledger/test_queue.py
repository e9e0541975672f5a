from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.ledger.queue import Waiting, queue_order

CLIENTS = ("anna", "bert", "cleo")


@st.composite
def queues(draw):
    clients = draw(st.lists(st.sampled_from(CLIENTS), max_size=14))
    places = draw(st.permutations(range(len(clients))))
    return [
        Waiting(f"job{serial}", client, places[serial], serial, draw(st.integers(0, 5)) == 0)
        for serial, client in enumerate(clients)
    ]


turns = st.dictionaries(st.sampled_from(CLIENTS), st.integers(1, 9), max_size=3)


@settings(max_examples=60, deadline=None)
@given(queues(), turns)
def test_every_job_has_one_place(waiting, turns):
    assert Counter(queue_order(waiting, turns)) == Counter(job.id for job in waiting)


@settings(max_examples=60, deadline=None)
@given(queues(), turns)
def test_interrupted_jobs_go_first_and_clients_keep_their_own_order(waiting, turns):
    order = queue_order(waiting, turns)
    jobs = {job.id: job for job in waiting}
    interrupted = [job.id for job in waiting if job.interrupted]
    assert order[: len(interrupted)] == interrupted
    for client in CLIENTS:
        places = [jobs[job].place for job in order[len(interrupted) :] if jobs[job].client == client]
        assert places == sorted(places)


@settings(max_examples=60, deadline=None)
@given(queues(), turns)
def test_no_client_is_served_twice_before_another_that_waits(waiting, turns):
    jobs = {job.id: job for job in waiting}
    order = [jobs[job].client for job in queue_order(waiting, turns) if not jobs[job].interrupted]
    left = Counter(order)
    since: Counter[str] = Counter()
    for client in order:
        others = [other for other in left if other != client and left[other]]
        assert all(since[client] <= since[other] for other in others)
        since[client] += 1
        left[client] -= 1


@settings(max_examples=60, deadline=None)
@given(queues(), turns)
def test_the_shown_order_is_the_one_in_which_jobs_start(waiting, turns):
    shown, begun, last = queue_order(waiting, turns), [], dict(turns)
    left = {job.id: job for job in waiting}
    while left:
        job = left.pop(queue_order(left.values(), last)[0])
        begun.append(job.id)
        if not job.interrupted:
            last[job.client] = max(last.values(), default=0) + 1
    assert begun == shown


def test_who_was_served_last_waits_longest():
    waiting = [Waiting("a", "anna", 1, 1), Waiting("b", "bert", 1, 2), Waiting("c", "cleo", 1, 3)]
    assert queue_order(waiting, {"anna": 2, "bert": 1}) == ["c", "b", "a"]
