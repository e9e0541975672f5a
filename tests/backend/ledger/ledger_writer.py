"""A process that works through jobs in a ledger until it is killed (run as a module, with a file and a folder).

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
    while (row := next(iter(ledger.queue()), None)) is not None:
        ledger.move(row.id, "preparing")
        # As a worker that continues: from its beginning; what the ledger has it does not take twice.
        for number, event in enumerate(whole_job(takes / row.id), start=1):
            stored = ledger.record(row.id, event, number).event
            if stored is not None:
                print(row.id, stored.number, flush=True)
    print("finished", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
