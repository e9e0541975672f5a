"""The command line and a real service: jobs, watch, cancel, retry, takes, and add through it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.wire.client import Client
from bridge.wire.messages import Cancel, Jobs, ListJobs, PauseJob, Ping
from plugin.cli.main import main
from tests.backend.service.running import (
    ROOT,
    SCRIPTED,
    RunningService,
    job,
    running,
    script,
    submit,
    to_the_end,
    until,
)
from tests.contract.sample_job import a_job

Say = Callable[..., str]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running(tmp_path_factory.mktemp("service") / "home", "--media-root", "/") as service:
        yield service


@pytest.fixture
def client(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("DYNVFX_HOME", str(service.home))
    with service.client() as client:
        yield client
        for each in client.call(ListJobs()).jobs:
            client.call(Cancel(job=each.id))
        until(lambda: client.call(Ping()).state == "idle", client)


def source() -> str:
    Path("street.mp4").write_bytes(b"the scripted worker does not look")
    return "street.mp4"


SCRIPTED_COMMAND = f"""
import sys
from bridge.local import local_service
from plugin.cli.main import main

usual = local_service.command_for
local_service.command_for = lambda *facts: [*usual(*facts), "--worker-module", "{SCRIPTED}"]
sys.exit(main(sys.argv[1:]))
"""
"""The command, whose services have the scripted worker."""


def start(*arguments: str) -> subprocess.Popen:
    """The command in a process of its own."""
    command = [sys.executable, "-c", SCRIPTED_COMMAND, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it
    try:
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)


def steps(said: str) -> list[int]:
    """The steps that were printed."""
    events = [json.loads(line) for line in said.splitlines()]
    return [each["step"] for each in events if each["event"] == "progress" and each["stage"] == "refining"]


def newest(client: Client, states: tuple[str, ...] = ()) -> object:
    reply = client.call(ListJobs(states=states, limit=1))
    assert isinstance(reply, Jobs)
    return reply.jobs[0] if reply.jobs else None


def test_add_reports_the_same_events_as_always(client: Client, capsys: pytest.CaptureFixture):
    assert main(["add", source(), "add nothing", "--takes", "2", "--output", "out", "--json"]) == 0
    reported = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    take = ["progress"] * 5 + ["take_done"]
    assert reported == ["job_started", "model_opened", "plan_ready", *take, *take, "job_done"]
    assert newest(client).output == str(Path("out").absolute())
    assert Path("out/takes/02/take.json").exists()


def test_without_a_named_folder_it_is_the_one_that_always_was(client: Client):
    from backend.jobs.job_defaults import output_of

    assert main(["add", source(), "add  nothing"]) == 0
    expected = output_of(a_job("add nothing", str(Path("street.mp4").absolute())))
    assert (Path.cwd() / expected / "takes/01/take.json").exists()


def test_a_failed_job_ends_the_command_as_it_would_have_ended_here(client: Client, capsys: pytest.CaptureFixture):
    assert main(["add", source(), "add nothing fail_at=2", "--json"]) == 1
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["kind"], last["exit_code"]) == ("error", "scripted", 1)


def test_retry_goes_on_and_reports_only_what_is_new(client: Client, capsys: pytest.CaptureFixture):
    assert main(["add", source(), "add nothing fail_at=2"]) == 1
    failed = newest(client)
    capsys.readouterr()
    assert main(["retry", failed.id[:8], "--small", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "error" not in {event["event"] for event in events}
    assert events[-1]["event"] == "job_done"
    assert job(client, failed.id).footprint == "small"
    assert main(["watch", failed.id]) == 0
    assert "It failed before: It failed." in capsys.readouterr().err


def test_retry_of_a_finished_job_is_refused_with_a_reason(client: Client, capsys: pytest.CaptureFixture):
    name = submit(client, script("")).id
    to_the_end(client, name)
    assert main(["retry", name]) != 0
    said = capsys.readouterr().err
    assert said.startswith("Error: ") and "Traceback" not in said


def test_jobs_and_takes_are_listed(client: Client, capsys: pytest.CaptureFixture):
    name = submit(client, script("", takes=2)).id
    to_the_end(client, name)
    assert main(["jobs"]) == 0
    said = capsys.readouterr().out
    line = next(line for line in said.splitlines() if line.startswith(name))
    assert said.splitlines()[0].split()[:3] == ["JOB", "STATE", "TAKES"]
    assert "done" in line and "2/2" in line and "add nothing" in line
    assert main(["jobs", "--json"]) == 0
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert shown[0]["id"] == name and shown[0]["takes_done"] == [1, 2] and shown[0]["failure"] is None
    assert main(["takes", name]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said[1:]] == [[name, "1"], [name, "2"]]
    assert main(["takes", name, "--json"]) == 0
    entries = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(each["number"], each["take"]["status"]) for each in entries] == [(1, "pending"), (2, "pending")]


@pytest.mark.parametrize("command", ["watch", "cancel", "retry", "takes"])
@pytest.mark.parametrize("name", ["000000000000", "fedcba98"])
def test_a_job_that_does_not_exist(client: Client, command: str, name: str, capsys: pytest.CaptureFixture):
    assert main([command, name]) == 3
    said = capsys.readouterr()
    assert said.out == "" and "There is no job" in said.err and "dynvfx jobs" in said.err


def test_an_ambiguous_beginning_names_the_jobs(client: Client, capsys: pytest.CaptureFixture):
    names = []
    while len({name[0] for name in names}) == len(names):
        names.append(submit(client, script("")).id)
    first = next(name[0] for name in names if sum(other[0] == name[0] for other in names) > 1)
    assert main(["cancel", first]) == 3
    assert "Name more of its id" in capsys.readouterr().err


def test_cancel_says_what_became_of_it(client: Client, capsys: pytest.CaptureFixture):
    name = submit(client, script("steps=500 pause=0.05")).id
    until(lambda: job(client, name).state == "refining", client)
    assert main(["cancel", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"job": name, "outcome": "cancelled"}
    finished = submit(client, script("")).id
    to_the_end(client, finished)
    assert main(["cancel", finished]) == 0
    assert "had ended already" in capsys.readouterr().out


def test_watch_from_a_second_process_while_the_first_one_is_cancelled(client: Client):
    adding = start("add", source(), "add nothing steps=500 pause=0.05", "--json")
    until(lambda: newest(client, ("refining",)) is not None, client)
    name = newest(client, ("refining",)).id
    watching = start("watch", name, "--json")
    assert json.loads(watching.stdout.readline())["event"] == "job_started"
    assert main(["cancel", name]) == 0
    for process in (adding, watching):
        said, _ = process.communicate(timeout=60)
        last = json.loads(said.splitlines()[-1])
        assert (last["event"], last["kind"]) == ("error", "cancelled")
        assert process.returncode == 130


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C cannot be sent to one process on Windows")
def test_ctrl_c_ends_the_job_and_the_same_command_goes_on(client: Client):
    order = ("add", source(), "add nothing steps=60 pause=0.05", "--output", "out")
    adding = start(*order)
    until(lambda: (found := newest(client, ("refining",))) is not None and found.step > 1, client)
    name = newest(client).id
    adding.send_signal(signal.SIGINT)
    _, said = adding.communicate(timeout=60)
    assert adding.returncode == 130
    assert f"Stopped. What was done so far is kept in {Path('out').absolute() / '.dynvfx'}" in said
    assert "The same command continues from there." in said and "Traceback" not in said
    assert job(client, name).state == "cancelled"
    done = int(Path("out/done-steps").read_text())
    again = start(*order, "--json")
    said, _ = again.communicate(timeout=60)
    assert again.returncode == 0
    assert steps(said) == list(range(done + 1, 61))


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C cannot be sent to one process on Windows")
def test_ctrl_c_in_watch_leaves_the_job_alone(client: Client):
    name = submit(client, script("steps=100 pause=0.05")).id
    watching = start("watch", name, "--json")
    assert watching.stdout.readline()
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=60)
    assert watching.returncode == 130 and f"dynvfx cancel {name}" in said
    assert job(client, name).state not in ("cancelled", "failed")


def test_the_same_order_is_followed_and_not_begun_twice(client: Client):
    order = ("add", source(), "add nothing steps=900 pause=0.05", "--output", "out", "--json")
    first = start(*order)
    until(lambda: newest(client, ("refining",)) is not None, client)
    before = len(client.call(ListJobs(limit=1000)).jobs)
    second = start(*order)
    said: dict[subprocess.Popen, list[str]] = {first: [], second: [second.stdout.readline()]}
    assert main(["cancel", newest(client).id]) == 0
    for process, lines in said.items():
        lines += process.stdout.readlines()
        process.communicate(timeout=60)
    assert said[first] == said[second] and len(said[first]) > 4
    assert len(client.call(ListJobs(limit=1000)).jobs) == before


def test_the_same_command_continues_a_paused_job(client: Client):
    order = ("add", source(), "add nothing steps=60 pause=0.05", "--output", "out", "--json")
    first = start(*order)
    until(lambda: newest(client, ("refining",)) is not None, client)
    client.call(PauseJob(job=newest(client).id))
    until(lambda: newest(client).state == "paused" and client.call(Ping()).state == "idle", client)
    second = start(*order)
    lines, error = second.communicate(timeout=60)
    assert second.returncode == 0, error
    assert first.communicate(timeout=60)[0] == lines
    assert [json.loads(line)["kind"] for line in lines.splitlines() if '"notice"' in line] == ["paused"]


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
def test_a_service_that_is_killed_is_started_again_and_every_event_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "killed"
    monkeypatch.setenv("DYNVFX_HOME", str(home))
    with running(home, "--media-root", "/") as service:
        adding = start("add", source(), "add nothing steps=60 pause=0.05", "--output", "out", "--json")
        until(lambda: Path("out/done-steps").exists() and Path("out/done-steps").read_text() not in ("", "1"))
        service.kill()
        for pid in service.worker_pids():
            os.kill(pid, signal.SIGKILL)
        said, error = adding.communicate(timeout=90)
    assert adding.returncode == 0, error
    reported = steps(said)
    # The scripted worker stores a step before it reports it, so that the killed one may go unreported.
    assert reported == sorted(set(reported)) and reported[-1] == 60 and len(reported) >= 59


def test_bad_orders_are_refused_before_they_are_queued(client: Client, capsys: pytest.CaptureFixture):
    before = client.call(ListJobs(limit=1000)).jobs
    assert main(["add", source(), "   ", "--json"]) == 2
    assert main(["add", source(), "add nothing", "--plan", "nowhere.json", "--json"]) == 2
    Path("bad.json").write_text('{"instruction": 3}')
    assert main(["add", source(), "add nothing", "--plan", "bad.json", "--json"]) == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["kind"] for line in lines] == ["bad_request", "bad_plan", "bad_plan"]
    assert client.call(ListJobs(limit=1000)).jobs == before


def test_a_strange_backend_is_named(capsys: pytest.CaptureFixture, service: RunningService, monkeypatch):
    monkeypatch.setattr("plugin.cli.backend_link.CONNECT_WITHIN", 0.5)
    key = service.found.key
    assert main(["jobs", "--backend", "127.0.0.1:9", "--backend-key", key]) == 1
    assert "127.0.0.1:9" in capsys.readouterr().err
    # The keys of this test's own folder are not on that service's list.
    monkeypatch.setattr("plugin.cli.backend_link.CONNECT_WITHIN", 20.0)
    address = service.found.address
    assert main(["jobs", "--backend", address, "--backend-key", key]) == 1
    assert "dynvfx keys authorize" in capsys.readouterr().err


def test_a_service_is_started_when_none_runs_and_ends_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    from bridge.local import local_service

    monkeypatch.setenv("DYNVFX_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("DYNVFX_SCRIPTED_NO_START", "1")
    monkeypatch.setattr(local_service, "UNTIL_IDLE", 0.5)
    monkeypatch.setattr(
        local_service.connect, "__kwdefaults__", {**local_service.connect.__kwdefaults__, "until_idle": 0.5}
    )
    assert main(["jobs"]) == 0
    assert "There are no jobs" in capsys.readouterr().err
    began = time.monotonic()
    until(lambda: local_service.find() is None, seconds=60)
    assert time.monotonic() - began < 60
