"""The service's parts one by one, with clocks, disks and history that tests choose."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import msgspec
import psutil
import pytest

from backend.service.background_tasks import BackgroundTasks
from backend.service.disk_guard import LOOK_EVERY, RELIEF_BYTES, DiskGuard
from backend.service.downloads import file_of
from backend.service.estimates import estimate, preset_request, rules_of, work_of
from backend.service.instance_lock import AlreadyRunning, ServiceStuck, announce, only_service
from backend.service.workers import RESTARTS, SILENCE, DeviceWorker, Workers, end_orphans
from backend.worker.process_control import StopSignals, end_tree, start_apart, start_time
from bridge.files.errors import NoSuchFile
from bridge.local.service_file import SERVICE_FILE, ServiceFile, process_lives, read_service_file
from bridge.wire.messages import Estimate
from contract.take import Take
from tests.contract.sample_plan import a_plan

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
FAMILY = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print(p.pid, flush=True); time.sleep(600)",
]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


# Processes ------------------------------------------------------------------------------------------------------------


def test_a_process_ends_with_all_that_it_started(tmp_path: Path):
    log = tmp_path / "log" / "printed.txt"
    process = start_apart(FAMILY, os.environ, log)
    while not log.read_text().strip():
        time.sleep(0.02)
    child = int(log.read_text())
    end_tree(process.pid, start_time(process.pid))
    process.wait(10)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_number_that_was_given_out_again_is_another_process(tmp_path: Path):
    process = start_apart(SLEEPER, os.environ, tmp_path / "log")
    try:
        began = start_time(process.pid)
        assert process_lives(process.pid, began)
        assert not process_lives(process.pid, began - 60)
        end_tree(process.pid, began - 60)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
    assert not process_lives(process.pid, began)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no kill by signal")
def test_a_signal_wakes_the_loop_and_ends_nothing():
    import signal

    signals = StopSignals()
    try:
        with signals.watched():
            assert not signals.received()
            os.kill(os.getpid(), signal.SIGTERM)
            until = time.monotonic() + 10
            while not signals.received():
                assert time.monotonic() < until
            assert not signals.received()
    finally:
        signals.close()


def test_orphans_of_a_killed_service_are_ended(tmp_path: Path):
    record = tmp_path / "workers.json"
    process = start_apart(SLEEPER, os.environ, tmp_path / "log")
    record.write_bytes(msgspec.json.encode([(process.pid, start_time(process.pid)), (process.pid, 1.0)]))
    end_orphans(record)
    process.wait(10)
    assert not record.exists()
    end_orphans(record)
    record.write_bytes(b"{damaged")
    end_orphans(record)


# One service ----------------------------------------------------------------------------------------------------------


def test_a_second_service_finds_the_first(tmp_path: Path):
    with only_service(tmp_path):
        said = announce(tmp_path, "tcp://127.0.0.1:1", "k" * 40, "0")
        assert read_service_file(tmp_path) == said
        with pytest.raises(AlreadyRunning) as caught, only_service(tmp_path):
            pass
        assert caught.value.service_file == said
    assert read_service_file(tmp_path) is None
    with only_service(tmp_path):
        pass


def test_one_that_does_not_say_where_it_listens_is_waited_for(tmp_path: Path):
    clock = Clock()

    def sleep(seconds: float) -> None:
        clock.now += seconds

    with only_service(tmp_path):
        with pytest.raises(ServiceStuck), only_service(tmp_path, clock=clock, sleep=sleep):
            pass
    assert clock.now > 105


def test_what_a_killed_service_left_is_no_service(tmp_path: Path):
    old = ServiceFile(address="tcp://127.0.0.1:1", key="k", pid=os.getpid(), started=1.0, version="0")
    (tmp_path / SERVICE_FILE).write_bytes(msgspec.json.encode(old))
    assert read_service_file(tmp_path) is None
    (tmp_path / SERVICE_FILE).write_bytes(b"\xff")
    assert read_service_file(tmp_path) is None


# Workers --------------------------------------------------------------------------------------------------------------


def test_a_worker_that_cannot_start_is_given_up_and_can_be_started_again(tmp_path: Path):
    clock = Clock()
    worker = DeviceWorker("cpu", tmp_path / "worker.log", module="no.such.module", clock=clock)
    for attempt in range(len(RESTARTS)):
        assert not worker.is_given_up
        clock.now += RESTARTS[attempt]
        worker.start()
        assert worker.seen().state == "starting"
        ended(worker, clock)
    assert worker.is_given_up
    assert "No module named" in worker.log_tail()
    worker.start()
    assert worker.link is None
    worker.reset_backoff()
    worker.start()
    assert worker.link is not None
    worker.kill()
    ended(worker, clock)


def test_a_silent_worker_is_killed(tmp_path: Path):
    clock = Clock()
    worker = DeviceWorker("cpu", tmp_path / "log", module="timeit", clock=clock)
    worker.start()
    pid, began = worker.pid, worker.started
    clock.now += SILENCE + 1
    ended(worker, clock)
    assert not process_lives(pid, began)


def ended(worker: DeviceWorker, clock: Clock) -> None:
    until = time.monotonic() + 60
    while worker.check() is None:
        assert time.monotonic() < until
        time.sleep(0.02)
        clock.now += 0.02


def test_running_workers_are_written_down(tmp_path: Path):
    worker = DeviceWorker("cpu", tmp_path / "log", module="timeit")
    workers = Workers([worker], tmp_path / "workers.json")
    workers.start(0)
    assert worker.link is None and worker.next_due() is None and worker.seen().state == "idle"
    workers.start(1)
    assert msgspec.json.decode((tmp_path / "workers.json").read_bytes())[0][0] == worker.pid
    worker.kill()
    ended(worker, Clock())


def test_only_as_many_workers_start_as_are_wanted(tmp_path: Path):
    clock = Clock()
    each = [DeviceWorker(name, tmp_path / "log", module="timeit", clock=clock) for name in ("a", "b", "c")]
    workers = Workers(each, tmp_path / "workers.json")

    def started() -> list[str]:
        return [worker.device for worker in each if worker.link is not None]

    workers.start(1)
    workers.start(1)
    assert started() == ["a"]
    each[0].job = "one"
    workers.start(0)
    assert started() == ["a"]
    workers.start(1)
    assert started() == ["a", "b"]
    for worker in each[:2]:
        worker.kill()
        ended(worker, clock)
        assert worker.seen().state == "stopped"
        assert not worker.wanted or worker.next_due() is not None
    workers.start(0)
    assert started() == [] and [worker.next_due() for worker in each] == [None] * 3
    clock.now += max(RESTARTS)
    workers.start(5)
    assert started() == ["a", "b", "c"]
    for worker in each:
        worker.kill()
        ended(worker, clock)


# Disks and files ------------------------------------------------------------------------------------------------------


def test_a_full_disk_is_tried_again_when_there_is_space(tmp_path: Path):
    clock, free = Clock(), [1000]
    guard = DiskGuard(clock, lambda path: free[0])
    folder = tmp_path / "not" / "there"
    assert guard.allows(folder) and guard.next_look is None
    guard.note(folder)
    assert not guard.allows(folder)
    assert guard.next_look == clock.now + LOOK_EVERY
    assert guard.is_new("a") and not guard.is_new("a") and guard.is_new("b")
    free[0] += RELIEF_BYTES
    assert guard.allows(folder) and guard.next_look is None
    guard.note(folder)
    guard.forget()
    assert guard.allows(folder)


def test_files_of_a_job_are_below_its_folder(tmp_path: Path):
    output = tmp_path / "out"
    (output / "takes").mkdir(parents=True)
    (output / "takes" / "a.png").write_bytes(b"")
    (tmp_path / "secret").write_bytes(b"")
    (output / "leads out").symlink_to(tmp_path / "secret")
    (output / "round").symlink_to(output / "round")
    assert file_of(output, "takes/a.png") == (output / "takes" / "a.png").resolve()
    assert file_of(output, str(output / "takes" / "a.png")).name == "a.png"
    assert file_of(output, "takes/../takes/a.png").name == "a.png"
    for name in ("", ".", "takes", "b.png", "../secret", str(tmp_path / "secret"), "leads out", "round", "a\0b"):
        with pytest.raises(NoSuchFile):
            file_of(output, name)
    with pytest.raises(NoSuchFile):
        file_of(tmp_path / "never made", "takes/a.png")


def test_results_of_background_tasks_come_in_the_loop():
    tasks = BackgroundTasks()
    results: list[Future] = []
    tasks.run(lambda: 7, results.append)
    tasks.run(lambda: 1 // 0, results.append)
    until = time.monotonic() + 10
    while len(results) < 2:
        assert time.monotonic() < until
        tasks.step()
    assert sorted(str(each.exception() or each.result()) for each in results) == [
        "7",
        "integer division or modulo by zero",
    ]
    tasks.close()


# Estimates ------------------------------------------------------------------------------------------------------------


def test_measured_takes_say_how_long_it_lasts():
    wanted = Estimate(model="tiny", quality="standard", takes=2, width=640, height=360, frames=24, rate="24")
    geometry = rules_of("tiny").choose(640, 360, 24, 24)
    request = preset_request("tiny", "standard", geometry)
    work = work_of(request)
    # A forward took half a second, all that is beside it included.
    takes = [a_take(request.to_dict(), {"refining": 50.0, "delivering": 10.0}, {"refining": 120}, 5_000_000)]
    reported = estimate(wanted, takes)
    assert reported.forwards == work.shared + 2 * work.each
    assert reported.seconds == pytest.approx(reported.forwards * 0.5)
    assert reported.memory_bytes == 5_000_000
    assert estimate(wanted, [a_take(request.to_dict(), {}, {}, None)]).seconds is None


def a_take(request: dict, seconds: dict, forwards: dict, memory: int | None) -> Take:
    return Take(
        id="i",
        name="n",
        instruction="",
        request=request,
        plan=a_plan(),
        model="tiny",
        licence="",
        assistant="",
        seed=0,
        created="",
        version="",
        layer="layer.mov",
        composite="composite.mov",
        frame_count=12,
        seconds=seconds,
        forwards=forwards,
        peak_memory=memory,
    )


def test_the_program_explains_itself():
    said = subprocess.run([sys.executable, "-m", "backend", "--help"], capture_output=True, text=True, check=True)
    assert "--until-idle" in said.stdout and "worker-module" not in said.stdout
