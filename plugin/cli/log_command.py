"""`dynvfx logs`: a zip file with what helps to find a mistake, if wanted without private text."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from bridge.local import local_service
from bridge.wire.messages import Jobs, ListJobs, ListTakes, Takes
from contract.errors import DONE, Problem
from contract.plan import Plan
from plugin.cli.backend_link import PROGRAM, BackendLink

Write = Callable[[Iterable[str] | None], tuple[Path, int]]
"""Writes the zip, redacted when there is private text to remove; returns its path and the number of logs."""


def run(options: argparse.Namespace, write: Write) -> int:
    """Write the zip and say where it is. Raises BadUsage and OutOfDisk."""
    target, logs = write(private_text_of_backend() if options.redact else None)
    if options.json:
        print(json.dumps({"file": str(target.absolute()), "logs": logs, "redacted": options.redact}))
    else:
        print(f"{target} contains {logs} logs.")
        note = "paths, names and instructions are left out" if options.redact else "paths and instructions are in them"
        print(f"Have a look before you send it: {note}.", file=sys.stderr)
    return DONE


def private_text_of_backend() -> set[str]:
    """What people wrote and where their files are, from a backend if one runs; none is started for this."""
    texts: set[str] = set()
    try:
        link = BackendLink(lambda: local_service.connect(program=PROGRAM, start_one=False))
    except Problem:
        return texts
    try:
        for job in link.ask(ListJobs(limit=10_000), Jobs).jobs:
            texts |= {job.instruction, job.source, job.output}
        for entry in link.ask(ListTakes(), Takes).takes:
            texts |= {entry.folder, *(note.text for note in entry.take.notes), *_texts(entry.take.plan)}
    except Problem:
        pass  # what came so far is better than nothing
    finally:
        link.close()
    return texts


def _texts(plan: Plan) -> Iterable[str]:
    """Captions and phrases of a plan."""
    yield from (plan.instruction, plan.source_caption, plan.vfx_conversation, plan.composite_caption)
    yield from (plan.target_object, *plan.source_objects)
