"""jobs, watch, cancel, retry, takes: what is in the backend's ledger, from the command line."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from typing import Any

from bridge.wire.messages import Cancel, CancelReply, Jobs, ListJobs, ListTakes, Takes
from contract.errors import BAD_INPUT, CANCELLED, DONE
from contract.states import ENDED
from plugin.cli.backend_link import BackendLink, NotFound, open_link
from plugin.cli.job_running import JobRun
from plugin.cli.job_tables import job_table, plain, take_table
from plugin.cli.output import Reporter

SHOWN = 20
"""Jobs that are listed when not all are asked for."""


def run(options: argparse.Namespace, reporter: Reporter) -> int:
    """Carry one of these commands out; the exit code. Raises Problems."""
    link = open_link(options.backend, options.backend_key)
    with contextlib.closing(link):
        return COMMANDS[options.command](link, options, reporter)


def _jobs(link: BackendLink, options: argparse.Namespace, reporter: Reporter) -> int:
    jobs = link.ask(ListJobs(limit=10_000 if options.all else SHOWN), Jobs).jobs
    if options.json:
        _lines([plain(job) for job in jobs])
    elif jobs:
        print(job_table(jobs))
        if len(jobs) == SHOWN and not options.all:
            print(f"The newest {SHOWN}; `dynvfx jobs --all` lists all.", file=sys.stderr)
    else:
        print("There are no jobs.", file=sys.stderr)
    return DONE


def _takes(link: BackendLink, options: argparse.Namespace, reporter: Reporter) -> int:
    job = link.job(options.job).id if options.job else None
    takes = link.ask(ListTakes(job=job), Takes).takes
    if options.json:
        _lines([plain(take) for take in takes])
    elif takes:
        print(take_table(takes))
    else:
        print("There are no finished takes.", file=sys.stderr)
    return DONE


def _watch(link: BackendLink, options: argparse.Namespace, reporter: Reporter) -> int:
    job = link.job(options.job)
    try:
        return JobRun(link, reporter, quiet=options.json).follow(job.id)
    except KeyboardInterrupt:
        reporter.close()
        if job.state not in ENDED:
            print(f"The job continues. End it with: dynvfx cancel {job.id}", file=sys.stderr)
        return CANCELLED


def _cancel(link: BackendLink, options: argparse.Namespace, reporter: Reporter) -> int:
    job = link.job(options.job)
    outcome = link.ask(Cancel(job=job.id), CancelReply).outcome
    if options.json:
        _lines([{"job": job.id, "outcome": outcome}])
        return BAD_INPUT if outcome == "not_found" else DONE
    if outcome == "not_found":
        raise NotFound(f"There is no job {job.id}.", remedy="`dynvfx jobs` lists them.")
    if outcome == "cancelled":
        print(f"Job {job.id} is cancelled. What it has done is kept; `dynvfx retry {job.id}` continues from there.")
    else:
        print(f"Job {job.id} had ended already; nothing was changed.")
    return DONE


def _retry(link: BackendLink, options: argparse.Namespace, reporter: Reporter) -> int:
    run = JobRun(link, reporter, quiet=options.json)
    job = run.retry(link.job(options.job), small=options.small)
    try:
        return run.follow(job.id)
    except KeyboardInterrupt:
        return run.stopped(job.id)


def _lines(objects: list[dict[str, Any]]) -> None:
    for each in objects:
        print(json.dumps(each))


COMMANDS = {"jobs": _jobs, "takes": _takes, "watch": _watch, "cancel": _cancel, "retry": _retry}
