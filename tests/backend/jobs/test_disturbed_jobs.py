"""Jobs that are killed, run out of disk or lose their folder, at random: no take that was reported done is ever lost.

DYNVFX_DISTURBED_JOBS sets how many; a few by default.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import resource
import signal
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from contract.events import JobDone, TakeDone
from contract.job import JobSpec
from contract.take import TAKE_FILE, has_all_files, read_take
from tests.backend.jobs.small_jobs import INSTRUCTION, use_small_models, write_movie
from tests.contract.sample_job import a_job

JOBS = int(os.environ.get("DYNVFX_DISTURBED_JOBS", "3"))
TAKES, EVENTS = 2, 60
"""Of a job: so many takes, and about so many events."""


def carry_out(order: JobSpec, largest_file: int, news: Connection) -> None:
    """A job in a process of its own, which may write no file larger than that; reports what it does."""
    from backend.jobs.take_job import run
    from contract.errors import Problem

    use_small_models(pytest.MonkeyPatch())
    if largest_file:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the system then says that the file is too large
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, resource.RLIM_INFINITY))
    try:
        for event in run(order):
            take = event.take if isinstance(event, TakeDone) else 0
            news.send((type(event).__name__, take, isinstance(event, JobDone)))
    except Problem as problem:
        news.send((problem.kind, 0, False))
    news.close()


class Disturbed:
    """One job in a folder of its own."""

    def __init__(self, root: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.root = root
        self.home = root / "project"
        self.home.mkdir(parents=True)
        self.movie = write_movie(root / "street.mp4")
        methods = multiprocessing.get_all_start_methods()
        self._context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            self._context.set_forkserver_preload(["backend.jobs.take_job", "tests.backend.jobs.small_jobs"])
        self.kept: dict[str, dict[str, bytes]] = {}
        self.said: Counter[str] = Counter()

    def run(self, how: str) -> bool:
        """Carry the job out, disturbed in that way (or not: ""); whether it reported its end."""
        order = a_job(
            source=str(self.movie), instruction=INSTRUCTION, quality="draft", assistant="offline",
            takes=TAKES, output=self.home / "results",
        )  # fmt: skip
        largest = self.dice.choice((2_000, 8_000, 20_000, 60_000)) if how == "full" else 0
        at, moment = self.dice.randrange(1, EVENTS), self.dice.random() * 0.05
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=carry_out, args=(order, largest, theirs))
        process.start()
        theirs.close()
        ended, count = False, 0
        while True:
            try:
                name, take, last = ours.recv()
            except EOFError:
                break
            count += 1
            ended |= last
            self.said[name] += name not in ("StageProgress", "PreviewWritten")
            if take:
                self._keep(take)
            if count == at and how == "kill":
                time.sleep(moment)
                process.kill()
            if count == at and how == "move":
                moved = self.root / f"project-{self.dice.randrange(10**9)}"
                self.home.rename(moved)
                self.home = moved
        process.join()
        return ended

    def check(self) -> None:
        """Every take that was ever reported done is there, with the bytes that it had."""
        for folder, files in self.kept.items():
            place = self.home / "results" / "takes" / folder
            found = {name: (place / name).read_bytes() for name in files if (place / name).exists()}
            assert found == files, f"take {folder} lost {sorted(set(files) - set(found))} or changed"
            assert has_all_files(place, read_take(place))

    def _keep(self, take: int) -> None:
        folder = self.home / "results" / "takes" / f"{take:02d}"
        if folder.name not in self.kept:
            names = [TAKE_FILE, *(each.path for each in read_take(folder).media)]
            self.kept[folder.name] = {name: (folder / name).read_bytes() for name in names}


@pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="limits of files are of Unix")
def test_no_finished_take_is_ever_lost(tmp_path: Path) -> None:
    said: Counter[str] = Counter()
    for seed in range(JOBS):
        job = Disturbed(tmp_path / str(seed), seed)
        for _ in range(job.dice.choice((1, 1, 1, 2, 3))):
            job.run(job.dice.choice(("kill", "full", "move")))
            job.check()
        assert job.run(""), f"job {seed} did not end"
        job.check()
        assert sorted(job.kept) == [f"{number:02d}" for number in range(1, TAKES + 1)]
        said += job.said
    print(dict(said))
    assert said["JobDone"] >= JOBS
