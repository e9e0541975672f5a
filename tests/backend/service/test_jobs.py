"""Jobs through a real service over its real socket, made by a worker without models."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from bridge.files.transfer import upload
from bridge.wire.client import Client
from bridge.wire.messages import (
    Approve,
    Cancel,
    Estimate,
    Follow,
    GetJob,
    GetStats,
    JobChanged,
    ListJobs,
    ListModels,
    ListTakes,
    PauseJob,
    PauseQueue,
    Ping,
    QueuePaused,
    Reorder,
    Replay,
    Retry,
    SetTake,
    Submit,
)
from contract.errors import Refusal
from contract.events import JobFailed, PlanReady, StageProgress
from contract.job import LARGEST_MASK
from contract.take import Note, read_take
from tests.backend.service.running import RunningService, job, kinds, running, script, submit, to_the_end, until
from tests.backend.service.scripted_worker import PLAN
from tests.contract.sample_job import a_follow_up, changed, painted
from tests.contract.sample_plan import a_plan

STEPS = ["progress"] * 4
TAKE = [*STEPS, "progress", "take_done"]
START = ["job_started", "model_opened", "plan_ready"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running(tmp_path_factory.mktemp("service") / "home", "--media-root", "/") as service:
        yield service


@pytest.fixture
def client(service: RunningService) -> Iterator[Client]:
    with service.client() as client:
        yield client
        for each in client.call(ListJobs()).jobs:
            client.call(Cancel(job=each.id))
        client.call(PauseQueue(on=False))
        until(lambda: client.call(Ping()).state == "idle", client)


def refused(client: Client, request: object) -> str:
    with pytest.raises(Refusal) as caught:
        client.call(request)
    assert caught.value.what
    return caught.value.kind


def test_a_job_goes_from_submit_to_done(client: Client):
    queued = submit(client, script("pause=0.01", takes=2))
    assert (queued.state, queued.attempt, queued.events) == ("queued", 1, 0)
    assert kinds(to_the_end(client, queued.id)) == [*START, *TAKE, *TAKE, "job_done"]
    done = job(client, queued.id)
    assert (done.state, done.takes_done, done.failure, done.mine) == ("done", (1, 2), None, True)
    assert client.call(ListJobs(limit=1)).jobs == (done,)
    assert client.call(ListJobs(states=("failed",))).jobs == ()
    reply = client.call(GetJob(job=done.id))
    assert reply.plan == PLAN
    assert reply.spec.instruction == done.instruction


def test_events_can_be_replayed_in_parts(client: Client):
    name = submit(client, script("")).id
    whole = to_the_end(client, name)
    pages = [client.call(Replay(job=name, first=first, limit=4)) for first in range(1, len(whole) + 1, 4)]
    assert [each for page in pages for each in page.events] == whole
    assert {page.last for page in pages} == {len(whole)}
    assert client.call(Replay(job=name, first=len(whole) + 1)).events == ()


def test_the_same_token_names_the_same_job(client: Client):
    first = submit(client, script(""), token="again")
    to_the_end(client, first.id)
    second = submit(client, script("steps=9"), token="again")
    assert (second.id, second.state) == (first.id, "done")


def test_a_running_job_is_cancelled_and_goes_on_when_it_is_retried(client: Client):
    name = submit(client, script("steps=30 pause=0.05")).id
    until(lambda: job(client, name).step >= 3, client)
    assert client.call(Cancel(job=name)).outcome == "cancelled"
    cancelled = job(client, name)
    assert cancelled.state == "cancelled"
    assert client.call(Cancel(job=name)).outcome == "cancelled"
    until(lambda: client.call(Ping()).state == "idle", client)
    events = to_the_end(client, name)
    assert events[-1].event.kind == "cancelled"
    assert len(events) == cancelled.events, "a cancelled job said something"
    again = client.call(Retry(job=name)).job
    assert (again.state, again.attempt) == ("queued", 2)
    later = to_the_end(client, name, cancelled.events + 1)
    assert kinds(later)[-1] == "job_done"
    steps = [each.event.step for each in events + later if isinstance(each.event, StageProgress)]
    assert steps[:-1] == sorted(set(steps[:-1])), "a stored step was done again"


def test_a_waiting_job_is_cancelled(client: Client):
    client.call(PauseQueue())
    name = submit(client, script("")).id
    assert client.call(Cancel(job=name)).outcome == "cancelled"
    client.call(PauseQueue(on=False))
    assert kinds(to_the_end(client, name)) == ["error"]


def test_nothing_is_left_to_cancel(client: Client):
    name = submit(client, script("")).id
    to_the_end(client, name)
    assert client.call(Cancel(job=name)).outcome == "already_done"
    assert client.call(Cancel(job="0123456789ab")).outcome == "not_found"
    assert job(client, name).state == "done"


def test_cancelling_is_answered_at_once_also_while_the_worker_is_deaf(client: Client, service: RunningService):
    name = submit(client, script("steps=400 pause=0.05 deaf=1")).id
    other = submit(client, script("")).id
    until(lambda: job(client, name).step >= 2, client)
    before = service.worker_pids()
    began = time.monotonic()
    assert client.call(Cancel(job=name)).outcome == "cancelled"
    assert client.call(Cancel(job=other)).outcome == "cancelled"
    assert time.monotonic() - began < 4.0
    until(lambda: service.worker_pids() != before, client)
    assert kinds(to_the_end(client, submit(client, script("")).id))[-1] == "job_done"


def test_a_plan_waits_for_approval_and_can_be_edited(client: Client):
    name = submit(client, script("", after_plan="wait")).id
    until(lambda: job(client, name).state == "awaiting_approval", client)
    assert client.call(GetJob(job=name)).spec.after_plan == "wait"
    assert refused(client, Approve(job=name, plan=a_plan(target_object=""))) == "bad_plan"
    edited = msgspec.structs.replace(PLAN, composite_caption="a street with more")
    approved = client.call(Approve(job=name, plan=edited))
    assert (approved.job.state, approved.plan) == ("queued", edited)
    assert kinds(to_the_end(client, name))[-1] == "job_done"
    assert refused(client, Approve(job=name)) == "illegal_move"


def test_a_job_that_awaits_approval_can_be_cancelled(client: Client):
    name = submit(client, script("", after_plan="wait")).id
    until(lambda: job(client, name).state == "awaiting_approval", client)
    assert client.call(Cancel(job=name)).outcome == "cancelled"


def test_a_failed_job_offers_to_be_tried_again(client: Client):
    name = submit(client, script("fail_at=3 kind=out_of_memory")).id
    failed = to_the_end(client, name)
    assert isinstance(failed[-1].event, JobFailed)
    seen = job(client, name)
    assert (seen.state, seen.failure.kind, seen.failure.offers) == ("failed", "out_of_memory", ("again", "small"))
    assert client.call(Cancel(job=name)).outcome == "already_done"
    again = client.call(Retry(job=name, footprint="small")).job
    assert (again.footprint, again.failure) == ("small", None)
    to_the_end(client, name, len(failed) + 1)
    assert job(client, name).state == "done"
    assert refused(client, Retry(job=name)) == "illegal_move"


def test_a_paused_job_goes_on_where_it_was_with_every_event_once(client: Client, service: RunningService):
    name = submit(client, script("steps=12 pause=0.05")).id
    until(lambda: job(client, name).step >= 3, client)
    assert client.call(PauseJob(job=name)).job.state == "paused"
    other = submit(client, script("steps=1")).id
    assert kinds(to_the_end(client, other))[-1] == "job_done"
    with service.client() as second:
        assert job(second, name).state == "paused", "every client sees it"
        assert second.call(PauseJob(job=name)).job.state == "paused"
        assert second.call(Retry(job=name)).job.attempt == 1
    events = to_the_end(client, name)
    assert kinds(events) == [*START, *["progress"] * kinds(events)[3:].index("notice"), "notice",
                             *kinds(events)[3 + kinds(events)[3:].index("notice") + 1 :]]  # fmt: skip
    steps = [each.event.step for each in events if isinstance(each.event, StageProgress)]
    assert steps == [*range(1, 13), 1]
    assert kinds(events).count("notice") == 1 and kinds(events)[-1] == "job_done"
    with pytest.raises(Refusal) as caught:
        client.call(PauseJob(job=name))
    assert (caught.value.kind, caught.value.exit_code) == ("illegal_move", 2)


def test_the_pause_of_the_queue_reaches_every_client_at_once(client: Client, service: RunningService):
    with service.client() as second:
        pushed: list = []
        second.session.on_push = pushed.append
        client.call(PauseQueue())
        until(lambda: QueuePaused(on=True) in pushed, second)
        with service.client() as third:
            assert third.welcome.paused
        client.call(PauseQueue(on=False))
        until(lambda: QueuePaused(on=False) in pushed, second)


def test_a_paused_queue_starts_nothing_and_can_be_reordered(client: Client):
    client.call(PauseQueue())
    assert client.call(Ping()).paused
    names = [submit(client, script("")).id for _ in range(3)]
    assert [job(client, name).position for name in names] == [1, 2, 3]
    assert client.call(Reorder(job=names[2], before=names[0])).job.position == 1
    assert client.call(Reorder(job=names[0])).job.position == 3
    client.call(PauseQueue(on=False))
    for name in names:
        to_the_end(client, name)
    started = {name: client.call(Replay(job=name, limit=1)).events[0].time for name in names}
    assert sorted(names, key=started.get) == [names[2], names[1], names[0]]


def test_followed_jobs_are_pushed(client: Client):
    changes = []
    client.session.on_push = changes.append
    client.call(Follow())
    name = submit(client, script("pause=0.02")).id
    until(
        lambda: any(
            isinstance(each, JobChanged) and (each.job.id, each.job.state) == (name, "done") for each in changes
        ),
        client,
    )
    seen = [each.job for each in changes if isinstance(each, JobChanged) and each.job.id == name]
    assert [each.events for each in seen] == sorted(each.events for each in seen)
    assert seen[-1] == job(client, name)


def test_what_people_say_of_a_take_is_kept_with_it(client: Client):
    name = submit(client, script("")).id
    to_the_end(client, name)
    note = Note(text="too dark", first=2, last=4, author="Ada")
    (entry,) = client.call(SetTake(job=name, take=1, status="retake", notes=(note,))).takes
    assert (entry.take.status, entry.take.notes) == ("retake", [note])
    assert read_take(entry.folder).status == "retake"
    assert client.call(ListTakes(job=name)).takes == (entry,)
    assert entry in client.call(ListTakes()).takes
    assert refused(client, SetTake(job=name, take=7, status="approved")) == "not_found"


def test_a_take_is_refined_by_its_job_and_number(client: Client):
    name = submit(client, script("")).id
    to_the_end(client, name)
    follow_up = submit(client, a_follow_up("make it larger", job=name, number=1))
    parent = job(client, name)
    assert follow_up.output == parent.output
    to_the_end(client, follow_up.id)


def test_a_follow_up_within_limits(client: Client, tmp_path: Path):
    name = submit(client, script("")).id
    to_the_end(client, name)
    out = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (1500, 2500), np.uint8)
    Image.fromarray(noise).save(out, "PNG")
    png = out.getvalue()
    assert 3_700_000 < len(png) <= LARGEST_MASK
    limits = {"region": (0.0, 0.0, 0.5, 1.0), "levels": (679,)}
    spec = a_follow_up("larger", job=name, number=1, **limits, **painted(1, png))
    assert refused(client, Submit(token="too early", spec=spec)) == "not_uploaded"
    send(client, tmp_path, png)
    follow_up = submit(client, spec)
    kept = client.call(GetJob(job=follow_up.id)).spec
    assert (kept.edit, kept.levels, kept.inputs) == (spec.edit, spec.levels, spec.inputs)
    to_the_end(client, follow_up.id)
    for wrong in (b"no picture", png + bytes(LARGEST_MASK)):
        send(client, tmp_path, wrong)
        spec = changed(spec, **painted(1, wrong))
        assert refused(client, Submit(token=f"wrong {len(wrong)}", spec=spec)) == "bad_usage"


def send(client: Client, folder: Path, content: bytes) -> None:
    """Upload these bytes."""
    (folder / "input").write_bytes(content)
    upload(client.call, folder / "input", chunk_bytes=client.welcome.limits.chunk_bytes)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"instruction": "  "}, "bad_request"),
        ({"takes": 0}, "bad_usage"),
        ({"takes": 65}, "bad_usage"),
        ({"quality": "best"}, "bad_request"),
        ({"scope": "explosion"}, "bad_request"),
        ({"seed": -1}, "bad_usage"),
        ({"seed": 2**31}, "bad_usage"),
        ({"part": (4, 2)}, "bad_usage"),
        ({"rate": "1/0"}, "bad_usage"),
        ({"region": (0.5, 0.0, 0.5, 1.0)}, "bad_usage"),
        ({"region": (0.0, 0.0, 1.0, 1.2)}, "bad_usage"),
        ({"levels": (439, 679)}, "bad_usage"),
        ({"plan": a_plan(instruction="")}, "bad_plan"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_at_once(client: Client, changes: dict, kind: str):
    before = client.call(ListJobs()).jobs
    spec = script("", **{key: value for key, value in changes.items() if key != "instruction"})
    if "instruction" in changes:
        spec = changed(spec, **changes)
    assert refused(client, Submit(token="nonsense", spec=spec)) == kind
    assert client.call(ListJobs()).jobs == before


@pytest.mark.parametrize(
    "request_",
    [
        GetJob(job="0123456789ab"),
        Retry(job="x"),
        Approve(job=""),
        Reorder(job="x"),
        Replay(job="x"),
        ListTakes(job="x"),
    ],
)
def test_what_is_not_there_is_not_found(client: Client, request_: object):
    assert refused(client, request_) == "not_found"


def test_a_refinement_needs_its_take(client: Client):
    assert refused(client, Submit(token="r", spec=a_follow_up("larger"))) == "bad_usage"
    assert refused(client, Submit(token="r", spec=a_follow_up("larger", job="x", number=1))) == "not_found"


def test_the_queue_has_an_end(client: Client):
    client.call(PauseQueue())
    limit = client.welcome.limits.queue
    for _ in range(limit):
        submit(client, script(""))
    assert refused(client, Submit(token="one more", spec=script(""))) == "queue_full"
    for each in client.call(ListJobs(states=("queued",), limit=1000)).jobs:
        client.call(Cancel(job=each.id))


def test_an_estimate_counts_forwards_and_asks_the_rules(client: Client):
    def asked(**changes: object) -> Estimate:
        values = {"model": "tiny", "quality": "draft", "takes": 1, "width": 1920, "height": 1080, "frames": 25}
        return Estimate(**{**values, "rate": "25", **changes})

    one, two = client.call(asked()), client.call(asked(takes=2))
    assert 0 < one.forwards < two.forwards < 2 * one.forwards, "the inversion is shared between takes"
    assert (one.model_width, one.model_height, one.model_frames, one.model_rate) == (160, 96, 9, "25/3")
    assert (one.seconds, one.memory_bytes) == (None, None)
    assert refused(client, asked(frames=1000)) == "clip_too_long"
    assert refused(client, asked(quality="best")) == "bad_usage"
    assert refused(client, asked(model="unknown/missing")) == "model_unavailable"


def test_the_service_reports_what_it_has(client: Client):
    stats = client.call(GetStats())
    assert stats.clients == 1
    assert [worker.device for worker in stats.workers] == ["cpu"]
    assert stats.disk_free > 0 and stats.cache_limit > 0 and stats.uptime > 0
    names = [model.name for model in client.call(ListModels()).models]
    assert names[0] == "tiny"


def test_a_plan_that_was_written_is_reported_once(client: Client):
    name = submit(client, script("")).id
    plans = [each for each in to_the_end(client, name) if isinstance(each.event, PlanReady)]
    assert len(plans) == 1
