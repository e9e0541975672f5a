"""A real service process for tests: started, killed, started again, talked to over its real socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psutil

from bridge.local.folders import key_folder
from bridge.local.service_file import ServiceFile, read_service_file
from bridge.wire.client import Client
from bridge.wire.keys import KeyFolder, KeyPair
from bridge.wire.messages import GetJob, Job, Numbered, Submit
from contract.events import AnyJobEvent
from contract.job import JobSpec
from tests.contract.sample_job import a_job

ROOT = Path(__file__).resolve().parents[3]
SCRIPTED = "tests.backend.service.scripted_worker"
PATIENCE = 60.0


class RunningService:
    """`python -m backend` on a state folder of its own."""

    def __init__(
        self, home: Path, *options: str, worker: str = SCRIPTED, environment: dict[str, str] | None = None
    ) -> None:
        self.home = home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._options, self._worker = options, worker
        self._environment = {**os.environ, "OMP_NUM_THREADS": "1", "DYNVFX_STATE": str(home / "state")}
        self._environment.update(environment or {})
        self.process: subprocess.Popen | None = None
        self.found: ServiceFile | None = None

    def start(self) -> ServiceFile:
        """Start the process and wait for its ready line."""
        self.process = subprocess.Popen(
            self.command(), env=self._environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=None, text=True
        )
        line = self.process.stdout.readline()
        assert line.startswith("listening tcp://"), f"the service did not start: {line!r}"
        self.found = read_service_file(self.home)
        assert self.found is not None
        assert line.strip() == self.found.ready_line()
        return self.found

    def command(self) -> list[str]:
        """What starts it."""
        words = [sys.executable, "-m", "backend", "--home", str(self.home), "--worker-module", self._worker, "--cpu"]
        return [*words, *self._options]

    def kill(self) -> None:
        """SIGKILL, as by the system or a power cut."""
        self.process.kill()
        self.wait()

    def terminate(self) -> int:
        """Ask it to end; returns its exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return code

    def close(self) -> None:
        """End it and its workers, if they still run."""
        if self.process is not None and self.process.poll() is None:
            self.kill()
        for pid in self.worker_pids():
            end_at_once(pid)

    def worker_pids(self) -> list[int]:
        """The worker processes that it has now."""
        try:
            record = msgspec.json.decode((self.home / "workers.json").read_bytes(), type=list[tuple[int, float]])
        except (OSError, msgspec.MsgspecError):
            return []
        return [pid for pid, _ in record]

    def owner_keys(self) -> KeyPair:
        """The keys of the user who started it."""
        return KeyFolder(key_folder(self.home)).client_pair()

    def client(self, keys: KeyPair | None = None, address: str | None = None) -> Client:
        """A client; by default the owner's, directly."""
        pair = keys or self.owner_keys()
        address = address or self.found.address
        return Client(address, self.found.key, pair, program="test", version="1", wait=PATIENCE)

    def stranger(self, name: str) -> KeyPair:
        """The keys of another user, who is authorised."""
        pair = KeyFolder(self.home.parent / f"keys-{name}").client_pair()
        KeyFolder(key_folder(self.home)).authorize(pair.public, name)
        return pair


@contextmanager
def running(home: Path, *options: str, **more: object) -> Iterator[RunningService]:
    """A service for the time of the block."""
    service = RunningService(home, *options, **more)
    try:
        service.start()
        yield service
    finally:
        service.close()


def script(words: str, **changes: object) -> JobSpec:
    """An order that the scripted worker understands."""
    values = {"instruction": f"add nothing {words}", "source": str(ROOT / "README.md"), "assistant": "offline"}
    return a_job(**{**values, **changes})


def submit(client: Client, spec: JobSpec, token: str = "", **more: object) -> Job:
    """Put a job into the queue."""
    return client.call(Submit(token=token or os.urandom(8).hex(), spec=spec, **more)).job


def job(client: Client, name: str) -> Job:
    return client.call(GetJob(job=name)).job


def to_the_end(client: Client, name: str, first: int = 1) -> list[Numbered]:
    """All events until the job has ended; numbered without gaps."""
    events = list(client.events(name, first, patience=PATIENCE))
    assert [each.number for each in events] == list(range(first, first + len(events)))
    return events


def kinds(events: Sequence[Numbered]) -> list[str]:
    return [name_of(each.event) for each in events]


def name_of(event: AnyJobEvent) -> str:
    return type(event).__struct_config__.tag


def until(condition: Callable[[], bool], client: Client | None = None, seconds: float = 30.0) -> None:
    """Wait for something that is about to be so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        if client is not None:
            client.wait(0.02)
        else:
            time.sleep(0.02)


def end_at_once(pid: int) -> None:
    """SIGKILL."""
    try:
        psutil.Process(pid).send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    except psutil.NoSuchProcess:
        pass
