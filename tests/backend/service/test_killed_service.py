"""Worker, service or network are killed at random moments of real jobs, again and again: nothing is lost.

`DYNVFX_KILLS` is the number of disturbed jobs (25), `DYNVFX_KILL_MODELS=tiny` makes them all with the shipped model
instead of the small random one, `DYNVFX_KILL_SEED` chooses other moments.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.wire.client import Client
from bridge.wire.messages import Numbered, Ping, Replay, Submit
from contract.events import JobNotice, PreviewWritten, StageProgress
from contract.job import JobSpec
from tests.backend.jobs.small_jobs import INSTRUCTION, write_movie
from tests.backend.jobs.test_killed_jobs import digests
from tests.backend.service.fork_server import CHILD, MODELS, fork_server
from tests.backend.service.running import PATIENCE, RunningService, end_at_once, job, until
from tests.bridge.wire.proxy import Proxy
from tests.contract.sample_job import a_job

KILLS = int(os.environ.get("DYNVFX_KILLS", "25"))
SEED = int(os.environ.get("DYNVFX_KILL_SEED", "1"))
# The shipped model takes longer; the small one goes through the same code.
COUNTS = {"tiny": KILLS} if os.environ.get("DYNVFX_KILL_MODELS") == "tiny" else {"small": KILLS, "tiny": 2}
WHAT = ("worker", "service", "network", "mid-message")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(sys.platform == "win32", reason="workers are forked and killed by signals"),
]


@dataclass
class Place:
    """A service that jobs are disturbed in, and what an undisturbed one gives."""

    folder: Path
    service: RunningService
    proxy: Proxy
    child: Path
    models: str
    whole: dict[str, str] = field(default_factory=dict)
    milestones: list[str] = field(default_factory=list)
    steps: list[tuple] = field(default_factory=list)
    seconds: float = 0.0

    def spec(self, name: str) -> JobSpec:
        return a_job(
            instruction=INSTRUCTION,
            source=str(self.folder / "street.mp4"),
            quality="draft",
            assistant="offline",
            takes=2 if self.models == "small" else 1,
            output=str(self.folder / name / "result"),
        )

    def client(self) -> Client:
        return self.service.client(address=self.proxy.address)

    def fresh(self) -> None:
        """What jobs share is forgotten, so that every job does all of the work."""
        shutil.rmtree(self.service.home / "cache", ignore_errors=True)

    def restart(self) -> None:
        """Kill the service and start it again where it was."""
        self.service.kill()
        self.service.start()


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp(f"killed-{request.param}")
    write_movie(folder / "street.mp4", 9 if request.param == "small" else 3)
    with fork_server(folder) as environment:
        service = RunningService(
            folder / "home",
            "--media-root",
            str(folder),
            "--listen",
            f"tcp://127.0.0.1:{free_port()}",
            worker="tests.backend.service.forked_worker",
            environment={**environment, MODELS: request.param},
        )
        try:
            service.start()
            with Proxy(service.found.address) as proxy:
                place = Place(folder, service, proxy, Path(environment[CHILD]), request.param)
                measure(place)
                yield place
        finally:
            service.close()


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def measure(place: Place) -> None:
    """An undisturbed job."""
    with place.client() as client:
        until(lambda: client.call(Ping()).workers[0].state == "idle", client, PATIENCE)
        began = time.monotonic()
        name = client.call(Submit(token="whole", spec=place.spec("whole"))).job.id
        events = list(client.events(name, patience=PATIENCE))
        place.seconds = time.monotonic() - began
    place.whole = digests(place.folder / "whole" / "result")
    place.milestones, place.steps = milestones(events), steps(events)
    assert place.milestones[-1] == "job_done"


def milestones(events: list[Numbered]) -> list[str]:
    """What every watcher must receive once, in order, as text without times and folders."""
    reported = []
    for numbered in events:
        event = numbered.event
        if isinstance(event, StageProgress | PreviewWritten):
            continue
        if isinstance(event, JobNotice):
            reported.append(f"notice {event.take} {event.kind} {event.text}")
            continue
        name = type(event).__struct_config__.tag
        reported.append(f"{name} {event.take}" if name == "take_done" else name)
    return reported


def steps(events: list[Numbered]) -> list[tuple]:
    return [
        (each.event.take, each.event.stage, each.event.iteration, each.event.step)
        for each in events
        if isinstance(each.event, StageProgress)
    ]


def disturb(place: Place, chance: random.Random) -> str:
    """Pull a plug."""
    what = chance.choice(WHAT)
    if what == "worker":
        end_at_once(int(place.child.read_text()))
    elif what == "service":
        place.restart()
    elif what == "network":
        place.proxy.cut()
    else:
        place.proxy.lose(chance.randrange(1, 2000))
    return what


def disturbed(place: Place, name: str, chance: random.Random) -> tuple[str, list[Numbered], list[str]]:
    """A job from submit to done while one to three plugs are pulled; what its client received, and what was done."""
    arrived: list[Numbered] = []
    problems: list[object] = []
    done: list[str] = []
    with place.client() as client:
        replies: list[object] = []
        client.session.send(Submit(token=name, spec=place.spec(name)), PATIENCE, replies.append)
        began = time.monotonic()
        moments = sorted(chance.uniform(0.0, place.seconds) for _ in range(chance.randint(1, 3)))
        followed = False
        while not (arrived and type(arrived[-1].event).__name__ in ("JobDone", "JobFailed")):
            assert time.monotonic() - began < 10 * PATIENCE, f"it never ended: {done}, {arrived[-1:]}"
            assert not problems, problems
            if moments and time.monotonic() - began >= moments[0]:
                began += timed(lambda: done.append(disturb(place, chance)))
                moments.pop(0)
            client.session.step(5)
            if replies and not followed:
                followed = True
                client.session.follow_job(replies[0].job.id, 1, arrived.append, problems.append)
    return replies[0].job.id, arrived, done


def timed(work: object) -> float:
    before = time.monotonic()
    work()
    return time.monotonic() - before


@pytest.mark.parametrize(
    ("place", "number"),
    [(models, number) for models, count in COUNTS.items() for number in range(count)],
    indirect=["place"],
    scope="module",
)
def test_a_disturbed_job_ends_as_if_nothing_had_been(place: Place, number: int):
    chance = random.Random(f"{SEED} {number}")
    name = f"run-{number}"
    place.fresh()
    reported, events, done = disturbed(place, name, chance)
    story = f"{name}: {done}"
    assert [each.number for each in events] == list(range(1, len(events) + 1)), story
    assert milestones(events) == place.milestones, story
    received = steps(events)
    assert received == place.steps, story
    result = place.folder / name / "result"
    assert digests(result) == place.whole, story
    leftovers = [path for path in result.rglob("*") if ".part" in path.name and ".dynvfx" not in path.parts]
    assert leftovers == [], story
    with place.service.client() as client:
        kept = client.call(Replay(job=reported)).events
        assert list(kept) == events, "the client's view is not the ledger's"
        assert job(client, reported).state == "done"
    shutil.rmtree(result.parent)
