"""A process that works through jobs in a ledger until somebody kills it (run as a module, with a file and a folder).

It prints a line when a thing is written, after the ledger has returned: what it printed must never be missing.
"""

import sys
from pathlib import Path

from backend.ledger.ledger import Ledger
from tests.backend.ledger.specimens import ANNA, BERT, spec, whole_job

JOBS = 6


def main(path: Path, takes: Path) -> None:
    ledger = Ledger(path)
    ledger.recover()
    print("ready", flush=True)
    for number in range(JOBS):
        ledger.submit((ANNA, BERT)[number % 2], f"{number}", spec())
    while (row := ledger.next_queued()) is not None:
        ledger.move(row.id, "preparing")
        # As a worker that goes on: from its beginning; what the ledger knows it does not take twice.
        for event in whole_job(takes / row.id):
            numbered = ledger.record(row.id, event)
            if numbered is not None:
                print(row.id, numbered.number, flush=True)
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
