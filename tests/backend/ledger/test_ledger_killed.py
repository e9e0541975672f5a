"""kill -9 of the process that writes, at any moment: no event is missing, doubled or half there."""

import random
import subprocess
import sys
import time
from pathlib import Path

from backend.ledger.ledger import Ledger
from tests.backend.ledger.ledger_writer import JOBS
from tests.backend.ledger.specimens import whole_job

ROOT = Path(__file__).parents[3]
KILLS = 8


def run(path: Path, takes: Path, kill_after: int | None, pause: float) -> list[str]:
    """What a writer printed; it is killed `pause` seconds after that many lines."""
    command = [sys.executable, "-m", "tests.backend.ledger.ledger_writer", str(path), str(takes)]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        for line in writer.stdout:
            lines.append(line.strip())
            if len(lines) == kill_after:
                time.sleep(pause)
                writer.kill()
    assert kill_after is not None or writer.returncode == 0
    return lines


def test_killed_writers_leave_every_event_once(tmp_path):
    path, takes, chance = tmp_path / "ledger.sqlite", tmp_path / "takes", random.Random(3)
    whole = whole_job(tmp_path / "reference")
    reported: dict[str, int] = {}
    for _ in range(KILLS):
        # The first line comes before the first job is there; a pause of a few milliseconds is one or two transactions.
        lines = run(path, takes, chance.randint(1, 14), chance.uniform(0, 0.02))
        for job, number in (line.split() for line in lines if " " in line):
            assert int(number) > reported.get(job, 0), "reported twice"
            reported[job] = int(number)
        with Ledger(path) as ledger:
            for row in ledger.jobs():
                events = ledger.events(row.id)
                assert [each.number for each in events] == list(range(1, len(events) + 1))
                assert len(events) == row.events >= reported.get(row.id, 0)
                assert [each.event for each in events][:-2] == whole[: len(events)][:-2]
                done = len(events) == len(whole)
                assert (row.state == "done", row.takes_done) == (done, (1,) if len(events) >= len(whole) - 1 else ())
    assert run(path, takes, None, 0)[-1] == "finished"
    with Ledger(path) as ledger:
        assert ledger.counts() == {"done": JOBS}
        for row in ledger.jobs():
            reported = [each.event for each in ledger.events(row.id)]
            assert [type(event) for event in reported] == [type(event) for event in whole]
            assert reported[:-2] == whole[:-2]
            assert reported[-2].folder == str(takes / row.id)
