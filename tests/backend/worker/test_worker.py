"""Jobs in real worker processes: what they report, how they end, and what they leave for the next one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from backend.worker.link import SupervisorChannel
from backend.worker.messages import ORPHANED, QUIT, START_AGAIN, CancelRun, Heartbeat, Ready, Run, Shutdown
from bridge.local.job_folder import JobFolder
from contract.events import JobDone, JobNotice, JobStarted, MasksFound, PlanReady, StageProgress, TakeDone
from contract.plan import Plan
from contract.take import read_take
from tests.backend.jobs.small_jobs import INSTRUCTION, TARGET, write_movie
from tests.backend.worker.worker_process import PATIENCE, WorkerProcess, context, worker
from tests.contract.sample_job import a_follow_up, a_job
from tests.contract.sample_plan import a_plan

MakeRun = Callable[..., Run]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worker")
    write_movie(folder / "street.mp4")
    return folder


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[WorkerProcess]:
    """One worker for the tests that leave it as they found it."""
    with worker(folder / "shared") as process:
        yield process


@pytest.fixture
def run_of(folder: Path, tmp_path: Path) -> MakeRun:
    """Runs of the test's own jobs, which share the cache of the test."""

    def make(job: str, /, plan: Plan | None = None, **spec: Any) -> Run:
        asked = {"instruction": INSTRUCTION, "quality": "draft", "assistant": "offline", **spec}
        return Run(
            job=job,
            spec=a_job(source=str(folder / "street.mp4"), **asked),
            output=str(tmp_path / job),
            approved_plan=plan,
            cache=str(tmp_path / "cache"),
            cache_bytes=10**9,
        )

    return make


def digests(run: Run) -> dict[str, str]:
    return {each.path: each.sha256 for each in read_take(Path(run.output) / "takes" / "01").media}


def stages(events: list) -> list[str]:
    return list(dict.fromkeys(event.stage for event in events if isinstance(event, StageProgress)))


def test_two_jobs_share_the_open_model_and_the_inversion(shared: WorkerProcess, run_of: MakeRun):
    opened = shared.count("open")
    before = shared.count("forward")
    first, ended = shared.carry_out(run_of("first"))
    assert (ended.outcome, ended.failure, ended.leaving) == ("done", None, False)
    assert (type(first[0]), type(first[-1])) == (JobStarted, JobDone)
    assert isinstance(shared.messages[0], Heartbeat) and any(isinstance(word, Ready) for word in shared.messages)
    forwards = shared.count("forward") - before
    inverted = sum(isinstance(event, StageProgress) and event.stage == "inverting" for event in first)
    assert inverted > 0

    before = shared.count("forward")
    second, ended = shared.carry_out(run_of("second", seed=3))
    assert ended.outcome == "done"
    assert shared.count("open") - opened <= 1
    assert shared.count("forward") - before == forwards - inverted
    assert stages(second) == ["checking", "segmenting", "encoding", "refining", "finishing", "delivering"]
    assert "reused" in [event.kind for event in second if isinstance(event, JobNotice)]
    take = [event for event in second if isinstance(event, TakeDone)]
    assert [(each.take, each.seed, each.made) for each in take] == [(1, 3, True)]


def test_a_cache_changes_no_byte(shared: WorkerProcess, run_of: MakeRun):
    plain = Run(job="plain", spec=run_of("plain").spec, output=run_of("plain").output)
    shared.carry_out(plain)
    shared.carry_out(run_of("warm", seed=9))
    shared.carry_out(run_of("reusing"))
    assert digests(plain) == digests(run_of("reusing"))


def test_cancelled_within_one_step_and_gone_on_with(shared: WorkerProcess, run_of: MakeRun):
    run = run_of("cancelled", model="gated:5")
    before, words = shared.count("forward"), len(shared.messages)
    shared.link.send(run)
    shared.reach_gate(before + 5)
    shared.link.send(CancelRun(job="another"))
    shared.link.send(CancelRun(job=run.job))
    shared.beats(3)
    shared.open_gate()
    events, ended = shared.end_of(run, words)
    assert ended.outcome == "cancelled"
    # Inverting takes one forward a step: the one under way was finished, and stored, and no other begun.
    assert shared.count("forward") == before + 5
    assert isinstance(events[-1], StageProgress) and (events[-1].stage, events[-1].step) == ("inverting", 5)

    events, ended = shared.carry_out(run)
    assert ended.outcome == "done"
    steps = [event.step for event in events if isinstance(event, StageProgress) and event.stage == "inverting"]
    assert steps[0] == 6
    whole = run_of("whole")
    shared.carry_out(Run(job="whole", spec=whole.spec, output=whole.output))
    assert digests(run) == digests(whole)


def test_a_cancelled_job_that_waits_is_not_begun(shared: WorkerProcess, run_of: MakeRun):
    run = run_of("late", model="gated:2")
    shared.counts.with_suffix(".gate").unlink(missing_ok=True)
    before = shared.count("forward")
    shared.link.send(run)
    shared.reach_gate(before + 2)
    waiting = run_of("waiting")
    words = len(shared.messages)
    shared.link.send(waiting)
    shared.link.send(CancelRun(job=waiting.job))
    shared.beats(3)
    shared.open_gate()
    assert shared.end_of(run, words)[1].outcome == "done"
    events, ended = shared.end_of(waiting, words)
    assert (events, ended.outcome) == ([], "cancelled")
    assert not Path(waiting.output).exists()


def test_held_with_plan_and_masks_until_approved(shared: WorkerProcess, run_of: MakeRun):
    searches, forwards = shared.count("search"), shared.count("forward")
    events, ended = shared.carry_out(run_of("held", after_plan="wait"))
    assert ended.outcome == "awaiting_approval"
    assert not any(isinstance(event, JobDone) for event in events) and stages(events) == ["checking"]
    ready, masks = (next(event for event in events if isinstance(event, kind)) for kind in (PlanReady, MasksFound))
    assert [mask.role for mask in masks.masks][-1] == "target" and masks.masks[-1].phrase == TARGET
    assert shared.count("forward") == forwards and shared.count("search") == searches + 1

    edited = msgspec.structs.replace(ready.plan, composite_caption="A red balloon, edited by hand.")
    before = shared.count("search")
    events, ended = shared.carry_out(run_of("held", plan=edited))
    assert ended.outcome == "done"
    assert next(event for event in events if isinstance(event, PlanReady)).origin == "given"
    assert read_take(Path(run_of("held").output) / "takes/01").plan == edited
    # The masks of the same phrases were kept: what is searched now is only what the iterations draw.
    refined = sum(
        isinstance(event, StageProgress) and event.stage == "refining" and event.step == event.steps for event in events
    )
    assert shared.count("search") - before == refined + 1

    # Retried with the same approval, the finished take stands.
    events, ended = shared.carry_out(run_of("held", plan=edited))
    assert ended.outcome == "done"
    assert [event.made for event in events if isinstance(event, TakeDone)] == [False]


def test_pictures_of_found_masks(shared: WorkerProcess, run_of: MakeRun, tmp_path: Path):
    shared.carry_out(run_of("made"))
    # A take of this job shows a balloon, so in a clip of it the phrase finds a look-alike.
    made = Path(run_of("made").output) / "takes/01"
    clip = made / str(read_take(made).composite)
    run = run_of("again", after_plan="wait")
    spec = a_job(source=str(clip), instruction=INSTRUCTION, quality="draft", assistant="offline", after_plan="wait")
    events, _ = shared.carry_out(Run(job="again", spec=spec, output=run.output))
    mask = next(event for event in events if isinstance(event, MasksFound)).masks[-1]
    assert (mask.phrase, mask.role) == (TARGET, "target")
    assert 0 < mask.coverage < 1 and mask.frame >= 0
    with Image.open(mask.path) as picture:
        assert picture.size == (24, 16)


def test_a_follow_up_joins_its_take(shared: WorkerProcess, run_of: MakeRun):
    first = run_of("parent")
    shared.carry_out(first)
    spec = a_follow_up(
        instruction="add another red balloon",
        quality="draft",
        assistant="offline",
        folder=str(Path(first.output) / "takes/01"),
    )
    events, ended = shared.carry_out(Run(job="child", spec=spec, output=first.output))
    assert ended.outcome == "done"
    assert [event.take for event in events if isinstance(event, TakeDone)] == [2]


def test_media_outside_the_roots_is_not_read(shared: WorkerProcess, run_of: MakeRun, folder: Path, tmp_path: Path):
    inside = tmp_path / "media"
    inside.mkdir()
    run = run_of("outside")
    limited = Run(job=run.job, spec=run.spec, output=run.output, media_roots=(str(inside),))
    _, ended = shared.carry_out(limited)
    assert (ended.outcome, ended.failure.kind, ended.leaving) == ("failed", "outside_media_roots", False)
    assert not Path(run.output).exists()
    # An upload is found by its name below the job's media folder.
    write_movie(inside / "clip.mp4")
    spec = a_job(source="clip.mp4", instruction=INSTRUCTION, quality="draft", assistant="offline", after_plan="end")
    _, ended = shared.carry_out(
        Run(job="uploaded", spec=spec, output=str(tmp_path / "uploaded"), media=str(inside), media_roots=())
    )
    assert ended.outcome == "done"


def test_problems_end_the_job_and_not_the_worker(shared: WorkerProcess, run_of: MakeRun, tmp_path: Path):
    missing = a_job(source=str(tmp_path / "gone.mp4"), instruction=INSTRUCTION)
    _, ended = shared.carry_out(Run(job="missing", spec=missing, output=str(tmp_path / "missing")))
    assert (ended.outcome, ended.failure.exit_code, ended.failure.offers) == ("failed", 3, ("again",))
    assert ended.failure.what and ended.failure.remedy and not ended.leaving
    _, ended = shared.carry_out(run_of("no plan", plan=a_plan(target_object=" ")))
    assert ended.failure.kind == "bad_plan"


def test_heartbeats_report_a_model_that_loads(shared: WorkerProcess, run_of: MakeRun):
    before = len(shared.messages)
    shared.carry_out(run_of("slow", model="slow", after_plan="end"))
    loading = [word for word in shared.messages[before:] if isinstance(word, Heartbeat) and word.state == "loading"]
    # A beat may also fall into the moment in which the segmenter is opened.
    assert sum((beat.job, beat.model) == ("slow", "slow") for beat in loading) >= 2
    assert {beat.job for beat in loading} == {"slow"}


def test_asked_to_quit_it_stops_after_the_step(run_of: MakeRun, tmp_path: Path):
    with worker(tmp_path / "worker") as process:
        run = run_of("stopped", model="gated:3")
        process.link.send(run)
        process.reach_gate(3)
        process.link.send(Shutdown())
        process.beats(3)
        process.open_gate()
        events, ended = process.end_of(run, 0)
        assert (ended.outcome, ended.leaving) == ("stopped", False)
        assert process.count("forward") == 3
        assert process.exit_code() == QUIT


def test_killed_and_started_again_it_gives_the_same_bytes(shared: WorkerProcess, run_of: MakeRun, tmp_path: Path):
    whole, run = run_of("whole"), run_of("killed", model="gated:60")
    shared.carry_out(Run(job="whole", spec=whole.spec, output=whole.output))
    with worker(tmp_path / "first") as process:
        process.link.send(run)
        process.reach_gate(60)
        process.process.kill()
        assert process.exit_code() not in (QUIT, START_AGAIN)
    with worker(tmp_path / "second") as process:
        process.counts.with_suffix(".gate").touch()
        events, ended = process.carry_out(run)
        assert ended.outcome == "done"
        assert stages(events)[0] == "segmenting" and "inverting" not in stages(events)
    assert digests(run) == digests(whole)


def test_out_of_memory_offers_a_smaller_footprint(run_of: MakeRun, tmp_path: Path):
    run = run_of("full", model="full")
    with worker(tmp_path / "first") as process:
        _, ended = process.carry_out(run)
        assert (ended.outcome, ended.failure.kind, ended.leaving) == ("failed", "out_of_memory", True)
        assert ended.failure.offers == ("again", "small")
        assert process.exit_code() == START_AGAIN
    with worker(tmp_path / "second") as process:
        small = run_of("full", model="full", footprint="small")
        _, ended = process.carry_out(small)
        assert ended.outcome == "done"
    assert read_take(Path(run.output) / "takes/01").footprint == "small"


def test_a_mistake_in_the_program_is_reported_and_ends_the_process(run_of: MakeRun, tmp_path: Path):
    with worker(tmp_path / "worker") as process:
        _, ended = process.carry_out(run_of("broken", model="broken"))
        assert (ended.outcome, ended.failure.kind, ended.leaving) == ("failed", "unexpected", True)
        assert "ZeroDivisionError" in ended.failure.what
        assert process.exit_code() == 1
        assert "ZeroDivisionError" in process.log.read_text()


def supervise(run: Run, sender: Connection) -> None:
    """A supervisor that assigns a job and sends nothing more."""
    link = SupervisorChannel()
    sender.send(link.environment("cpu"))
    link.send(run)
    while True:
        link.receive()
        time.sleep(0.02)


def test_the_worker_is_gone_when_its_supervisor_is(run_of: MakeRun, tmp_path: Path):
    run = run_of("orphaned", model="gated:4")
    receiver, sender = context().Pipe(duplex=False)
    supervisor = context().Process(target=supervise, args=(run, sender))
    supervisor.start()
    try:
        assert receiver.poll(PATIENCE)
        with worker(tmp_path / "worker", receiver.recv()) as process:
            process.reach_gate(4)
            supervisor.kill()
            assert process.exit_code() == ORPHANED
    finally:
        supervisor.kill()
        supervisor.join()
    # The job's folder is no longer locked.
    with JobFolder(Path(run.output)).locked():
        pass
