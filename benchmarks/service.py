"""What the service costs: start, round trips, events, transfers, and a whole job against one without it.

    python benchmarks/service.py [--jobs 3] [--megabytes 1000] [--calls 2000] [--quality draft] [--json FILE]

Starts services of its own in a temporary folder (on the disk of --folder) and works with the shipped model and clip.
Nothing else should run on the machine meanwhile. Jobs with and without the service take turns, so that a machine that
gets slower or faster does so for both.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

from backend.demonstration import demo_clip
from backend.orders import AddOrder
from backend.take_job import run as run_here
from bridge import local_service, transfer
from bridge.client import Client
from bridge.job_events import JobDone, JobEvent, JobFailed, PlanReady
from bridge.keys import KeyFolder
from bridge.messages import AddSpec, JobReply, Ping, Submit
from bridge.places import key_folder
from bridge.rendezvous import Rendezvous

INSTRUCTION = "add a red balloon on the left"
MEGA = 1_000_000


def main() -> int:
    """Measure, print, and write the figures to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--quality", default="draft")
    parser.add_argument("--frames", type=int, default=24, help="of the shipped clip")
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(dir=options.folder, ignore_cleanup_errors=True) as place:
        folder = Path(place)
        starts = [started(folder / f"start-{number}") for number in range(options.starts)]
        tell(figures, "start of the service, median", statistics.median(starts), "s (target < 1.5)")
        home = folder / "home"
        found = local_service.start(home, until_idle=None)
        try:
            with client_of(home, found) as client:
                round_trips(client, options.calls, figures)
                job, output = jobs(client, options, folder, figures)
                transfers(client, folder, job, output, options.megabytes, figures)
        finally:
            end(found)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return 0


def started(home: Path) -> float:
    """Seconds from the command to a service that says where it listens."""
    home.mkdir(mode=0o700)
    took, found = timed(lambda: local_service.start(home, until_idle=None))
    end(found)
    return took


def round_trips(client: Client, calls: int, figures: dict[str, float]) -> None:
    """Small requests, one after another."""
    client.call(Ping())
    times = [timed(lambda: client.call(Ping()))[0] * 1000 for _ in range(calls)]
    tell(figures, "round trip, p50", percentile(times, 50), "ms")
    tell(figures, "round trip, p99", percentile(times, 99), "ms")


def jobs(client: Client, options: argparse.Namespace, folder: Path, figures: dict[str, float]) -> tuple[str, Path]:
    """The same job with and without the service; the id and the folder of one."""
    delays: list[float] = []
    with_service, without = [], []
    clip = str(demo_clip())
    for number in range(options.jobs + 1):
        output = folder / f"served-{number}"
        # Another seed each time: nothing may be found in the cache of stages.
        facts = {"instruction": INSTRUCTION, "source": clip, "part": (0, options.frames - 1), "seed": number}
        facts["quality"] = options.quality
        spec = AddSpec(**facts, output=str(output))
        served, job = measured_there(client, spec, delays)
        alone = measured_here(AddOrder(**facts, output=folder / f"alone-{number}"))
        if number:  # the first ones load libraries and the model
            with_service.append(served)
            without.append(alone)
    tell(figures, "event latency (in the ledger to at the client), p50", percentile(delays, 50), "ms")
    tell(figures, "event latency, p99", percentile(delays, 99), "ms")
    tell(figures, "tiny job from plan to end in one process, median", statistics.median(without), "s")
    tell(figures, "tiny job from plan to end through the service, median", statistics.median(with_service), "s")
    ratios = [100 * (served / alone - 1) for served, alone in zip(with_service, without, strict=True)]
    tell(figures, "overhead, median of pairs", statistics.median(ratios), "% (target < 5)")
    return job, output


def measured_there(client: Client, spec: AddSpec, delays: list[float]) -> tuple[float, str]:
    """Seconds from the plan to the end, and the job; adds how late each event came, in ms."""
    reply = client.call(Submit(token=os.urandom(8).hex(), spec=spec))
    assert isinstance(reply, JobReply)
    watch = Watch()
    for numbered in client.events(reply.job.id):
        delays.append((time.time() - numbered.time) * 1000)
        watch.hear(numbered.event)
    return watch.seconds, reply.job.id


def measured_here(order: AddOrder) -> float:
    """Seconds from the plan to the end in this process."""
    watch = Watch()
    for event in run_here(order):
        watch.hear(event)
    return watch.seconds


class Watch:
    """Measures from the plan to the end: opening the model is left out, as a worker keeps it open."""

    def __init__(self) -> None:
        self._began = 0.0
        self.seconds = 0.0

    def hear(self, event: JobEvent) -> None:
        """An event has come."""
        if isinstance(event, PlanReady):
            self._began = time.perf_counter()
        elif isinstance(event, JobDone):
            self.seconds = time.perf_counter() - self._began
        elif isinstance(event, JobFailed):
            sys.exit(f"A job failed: {event.what} {event.why}")


def transfers(client: Client, folder: Path, job: str, output: Path, megabytes: int, figures: dict[str, float]) -> None:
    """A large file to the service and back, and copied by the system."""
    source = folder / "large.bin"
    with source.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(MEGA))
        file.flush()
        os.fsync(file.fileno())
    chunk = client.welcome.limits.chunk_bytes

    def copy() -> None:
        with source.open("rb") as reading, (folder / "copy.bin").open("wb") as writing:
            shutil.copyfileobj(reading, writing, 1 << 20)
            writing.flush()
            os.fsync(writing.fileno())

    def upload() -> str:
        return transfer.upload(client.call, source, chunk_bytes=chunk, call_many=client.call_many)

    shutil.copyfile(source, output / "large.bin")

    def download() -> str:
        back = folder / "back.bin"
        return transfer.download(client.call, job, "large.bin", back, chunk_bytes=chunk, call_many=client.call_many)

    for name, work in (("cp with fsync", copy), ("upload", upload), ("download", download)):
        seconds, _ = timed(work)
        tell(figures, name, megabytes / seconds, "MB/s")


def client_of(home: Path, found: Rendezvous) -> Client:
    """The owner's client."""
    pair = KeyFolder(key_folder(home)).client_pair()
    return Client(found.address, found.key, pair, program="benchmark", version=version("dynvfx"), wait=60)


def end(found: Rendezvous) -> None:
    """Stop a service and wait for it."""
    process = psutil.Process(found.pid)
    process.terminate()
    process.wait(60)


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Seconds, and what came of it."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which so many lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def tell(figures: dict[str, float], name: str, value: float, unit: str) -> None:
    """Print a figure and keep it."""
    figures[f"{name} [{unit.split()[0]}]"] = round(value, 4)
    print(f"{name:60} {value:10.3f} {unit}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
