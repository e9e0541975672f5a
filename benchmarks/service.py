"""What the service costs: start, round trips, events, transfers, and a whole job against one without it.

    python benchmarks/service.py [--jobs 3] [--megabytes 1000] [--calls 2000] [--quality draft] [--json FILE]

Starts services of its own in a temporary folder (on the disk of --folder) and works with the shipped model and clip.
Nothing else should run on the machine meanwhile.

The overhead compares a whole job, from its submission to its last event, through the service and in this process. Both
are warm: libraries loaded, models open. Each pair works on other frames of the clip, so that the service finds nothing
in its cache of stages, and the two take turns in being first, so that a machine that gets slower or faster does so for
both. Processor time counts client, service and worker against this process: other work on the machine moves it less.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median

import msgspec
import psutil

from backend.demo.demonstration import demo_clip
from backend.jobs.take_job import JobContext
from backend.jobs.take_job import run as run_here
from backend.worker.open_models import OpenModels
from bridge.files import transfer
from bridge.local import local_service
from bridge.local.folders import key_folder
from bridge.local.service_file import ServiceFile
from bridge.wire.client import Client
from bridge.wire.keys import KeyFolder
from bridge.wire.messages import Cancel, ListJobs, Numbered, PauseQueue, Ping, Submit
from contract.events import JobEvent, JobFailed, StageProgress
from contract.job import Add, ClipSource, JobSpec
from dynvfx.backbones.loading import open_backbone
from dynvfx.segmentation.loading import open_segmenter

Figures = dict[str, float]
GOAL = "% (target < 5)"
INSTRUCTION = "add a red balloon on the left"
MEGA = 1_000_000


def main() -> int:
    """Measure, print, and write the figures to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--cancels", type=int, default=10, help="of running jobs; five times as many of waiting ones")
    parser.add_argument("--quality", default="draft")
    parser.add_argument("--frames", type=int, default=24, help="of the shipped clip")
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures: Figures = {}
    with tempfile.TemporaryDirectory(dir=options.folder, ignore_cleanup_errors=True) as place:
        folder = Path(place)
        starts = [started(folder / f"start-{number}") for number in range(options.starts)]
        report(figures, "start of the service, median", median(starts), "s (target < 1.5)")
        home = folder / "home"
        found = local_service.start(home, until_idle=None)
        try:
            with client_of(home, found) as client:
                round_trips(client, options.calls, figures)
                output = jobs(client, options, folder, found, figures)
                cancels(client, options, folder, figures)
                transfers(client, folder, output, options.megabytes, figures)
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


def round_trips(client: Client, calls: int, figures: Figures) -> None:
    """Small requests, one after another."""
    client.call(Ping())
    times = [timed(lambda: client.call(Ping()))[0] * 1000 for _ in range(calls)]
    report(figures, "round trip, p50", percentile(times, 50), "ms")
    report(figures, "round trip, p99", percentile(times, 99), "ms")


def jobs(client: Client, options: argparse.Namespace, folder: Path, found: ServiceFile, figures: Figures) -> Path:
    """The same jobs with and without the service, in turns; returns the results' folder of one."""
    delays: list[float] = []
    clip, means = str(demo_clip()), JobContext(OpenModels(open_backbone, open_segmenter))
    served: list[Cost] = []
    alone: list[Cost] = []
    for number in range(options.jobs + 1):
        # Other pictures each time: the service may find nothing in its cache of stages that a process has to make.
        start = ClipSource(source=clip, part=(number, options.frames))
        spec = JobSpec(start=start, edit=Add(instruction=INSTRUCTION), seed=number, quality=options.quality)
        here = msgspec.structs.replace(spec, output=str(folder / f"alone-{number}"))
        spec = msgspec.structs.replace(spec, output=str(folder / f"served-{number}"))
        turns = [
            lambda spec=spec: served.append(served_job(client, spec, processes_of(found), delays)),
            lambda here=here: alone.append(cost_of(lambda: finish(run_here(here, means)), [psutil.Process()])),
        ]
        for turn in turns if number % 2 else reversed(turns):
            turn()
    report(figures, "event latency (in the ledger to at the client), p50", percentile(delays, 50), "ms")
    report(figures, "event latency, p99", percentile(delays, 99), "ms")
    report(figures, "first job through the service, which starts the worker", served[0].seconds, "s")
    warm, bare = served[1:], alone[1:]  # libraries are loaded and models open in both processes
    report(figures, "tiny job in one warm process, median", median(cost.seconds for cost in bare), "s")
    report(
        figures, "tiny job through the service and its warm worker, median", median(cost.seconds for cost in warm), "s"
    )
    pairs = list(zip(warm, bare, strict=True))
    report(figures, "overhead of the service, median of pairs", ratio((a.seconds, b.seconds) for a, b in pairs), GOAL)
    report(figures, "overhead in processor time, median of pairs", ratio((a.cpu, b.cpu) for a, b in pairs), "%")
    return folder / f"served-{options.jobs}"


def served_job(client: Client, spec: JobSpec, processes: list[psutil.Process], delays: list[float]) -> Cost:
    """What a job through the service costs; adds how late each event came, in ms."""

    def work() -> None:
        reply = client.call(Submit(token=os.urandom(8).hex(), spec=spec))
        finish(late(client.events(reply.job.id), delays))

    return cost_of(work, processes)


def late(events: Iterable[Numbered], delays: list[float]) -> Iterator[JobEvent]:
    """The events; adds how late each came, in ms."""
    for numbered in events:
        delays.append((time.time() - numbered.time) * 1000)
        yield numbered.event


def finish(events: Iterable[JobEvent]) -> None:
    """Receive every event of a job."""
    for event in events:
        if isinstance(event, JobFailed):
            sys.exit(f"A job failed: {event.what} {event.why}")


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, and of the processors."""

    seconds: float
    cpu: float


def cost_of(work: Callable[[], object], processes: Sequence[psutil.Process]) -> Cost:
    """What a piece of work costs these processes."""
    before = sum(map(cpu_seconds, processes))
    seconds, _ = timed(work)
    return Cost(seconds, sum(map(cpu_seconds, processes)) - before)


def processes_of(found: ServiceFile) -> list[psutil.Process]:
    """This client, the service, and its worker when it has one."""
    service = psutil.Process(found.pid)
    return [psutil.Process(), service, *service.children()]


def cpu_seconds(process: psutil.Process) -> float:
    """Of a process and of those that it has ended, such as ffmpeg."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def cancels(client: Client, options: argparse.Namespace, folder: Path, figures: Figures) -> None:
    """How soon Cancel is answered: while jobs wait, while they run, when they have ended; and when it takes effect."""
    clip = str(demo_clip())

    def submit(name: str) -> str:
        start = ClipSource(source=clip, part=(options.jobs + 1, options.frames))
        edit = Add(instruction=INSTRUCTION)
        spec = JobSpec(start=start, edit=edit, quality="draft", output=str(folder / name))
        return client.call(Submit(token=name, spec=spec)).job.id

    answers: dict[str, list[float]] = {"waiting": [], "running": [], "ended": []}
    client.call(PauseQueue(on=True))
    waiting = [submit(f"waiting-{number}") for number in range(min(options.cancels * 5, 90))]
    for state in ("waiting", "ended"):
        answers[state] = [timed(lambda job=job: client.call(Cancel(job=job)))[0] * 1000 for job in waiting]
    client.call(PauseQueue(on=False))
    effects = []
    for number in range(options.cancels):
        job = submit(f"running-{number}")
        steps = (each for each in client.events(job) if isinstance(each.event, StageProgress))
        for _ in range(1 + number % 5):
            next(steps, None)
        seconds, reply = timed(lambda job=job: client.call(Cancel(job=job)))
        assert reply.outcome == "cancelled"
        answers["running"].append(seconds * 1000)
        effects.append(seconds + timed(lambda: until_idle(client))[0])
    for state, times in answers.items():
        report(figures, f"cancel of a job that is {state} answered, p50", percentile(times, 50), "ms (target < 200)")
        report(figures, f"cancel of a job that is {state} answered, p99", percentile(times, 99), "ms (target < 200)")
    report(figures, "cancelled job has ended its step, median", median(effects), "s")


def until_idle(client: Client) -> None:
    """Wait until no worker has a job."""
    while any(worker.job is not None for worker in client.call(Ping()).workers):
        client.wait(0.005)


def transfers(client: Client, folder: Path, output: Path, megabytes: int, figures: Figures) -> None:
    """A large file to the service and back, and copied by the system."""
    source = folder / "large.bin"
    with source.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(MEGA))
        file.flush()
        os.fsync(file.fileno())
    chunk = client.welcome.limits.chunk_bytes
    job = next(each.id for each in client.call(ListJobs()).jobs if each.output == str(output))

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
        report(figures, name, megabytes / seconds, "MB/s")


def client_of(home: Path, found: ServiceFile) -> Client:
    """The owner's client."""
    pair = KeyFolder(key_folder(home)).client_pair()
    return Client(found.address, found.key, pair, program="benchmark", version=version("dynvfx"), wait=60)


def end(found: ServiceFile) -> None:
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


def ratio(pairs: Iterable[tuple[float, float]]) -> float:
    """How much more the first ones are than the second ones, in percent: the median of the pairs."""
    return median(100 * (first / second - 1) for first, second in pairs)


def report(figures: Figures, name: str, value: float, unit: str) -> None:
    """Print a figure and keep it."""
    figures[f"{name} [{unit.split()[0]}]"] = round(value, 4)
    print(f"{name:60} {value:10.3f} {unit}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
