"""The command `dynvfx`: one more host, over files (docs/command-line.md).

The only module of the plugin that imports the backend: it runs the job in its own process.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType

from backend.settings import Settings, find_settings, start_logging, stop_logging
from bridge.errors import Problem
from bridge.job_events import JobDone, JobEvent, JobFailed, JobStarted
from plugin.arguments import parse
from plugin.exit_codes import BAD_USAGE, CANCELLED, DONE, FAILED, exit_code
from plugin.telling import Teller, open_teller

log = logging.getLogger("dynvfx")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal with a small character set must not end a job.
            stream.reconfigure(errors="backslashreplace")
    teller = open_teller("--json" in given, sys.stdout, sys.stderr)
    try:
        options = parse(given)
    except Problem as problem:
        _tell_failure(teller, problem)
        return BAD_USAGE
    settings = find_settings()
    start_logging(settings, verbose=options.verbose)
    log.info("command: %s", [options.command, *given[1:]])
    try:
        with _reported(teller, settings), _stoppable():
            return _doctor() if options.command == "doctor" else _work(options, teller)
    finally:
        teller.close()
        stop_logging()


def _work(options: argparse.Namespace, teller: Teller) -> int:
    """Carry out add, refine or demo."""
    started: JobStarted | None = None
    try:
        for event in _events(options):
            started = event if isinstance(event, JobStarted) else started
            teller.tell(event)
            if isinstance(event, JobDone) and event.timeline is None and not options.json:
                print("Edit the plan if you like, then give the same command without --plan-only.", file=sys.stderr)
    except Problem as problem:
        _tell_failure(teller, problem)
        log.error("%s: %s", problem.kind, problem, exc_info=problem)
        return exit_code(problem)
    except (KeyboardInterrupt, BrokenPipeError):
        teller.close()
        what = "Stopped."
        remedy = "Nothing was begun yet."
        if started is not None:
            what = f"Stopped. What was done so far is kept in {Path(started.output) / '.dynvfx'}."
            remedy = "The same command goes on from there."
        with contextlib.suppress(BrokenPipeError):
            failed = JobFailed(kind="cancelled", what=what, why="", remedy=remedy, exit_code=CANCELLED)
            teller.tell(failed) if options.json else print(what, remedy, file=sys.stderr)
        return CANCELLED
    return DONE


def _events(options: argparse.Namespace) -> Iterator[JobEvent]:
    # Importing torch takes seconds: not for --version, --help and mistyped options.
    from backend.take_job import run

    return run(_order(options))


def _order(options: argparse.Namespace) -> object:
    """The backend's order for the parsed options."""
    from backend.demonstration import demo_order
    from backend.orders import AddOrder, RefineOrder

    if options.command == "demo":
        return demo_order(options.output)
    shaping = {
        name: getattr(options, name)
        for name in (
            "instruction",
            "takes",
            "seed",
            "quality",
            "effect",
            "assistant",
            "plan",
            "plan_only",
            "layer",
            "segmenter",
        )
    }
    if options.command == "refine":
        return RefineOrder(**shaping, take_folder=options.take)
    return AddOrder(
        **shaping,
        source=os.path.expanduser(options.source),
        clip=options.clip,
        part=options.part,
        model=options.model,
        output=options.output,
        media_folders=tuple(options.media),
        rate=options.rate,
        download=options.download,
    )


def _doctor() -> int:
    """Check the machine; 0 when an edit with the shipped model can run here."""
    from backend.doctor import examine

    works = True
    for finding in examine():
        works = works and finding.state != "broken"
        mark = {"fine": "ok     ", "missing": "--     ", "broken": "BROKEN "}[finding.state]
        print(f"{mark}{finding.subject}: {finding.text}")
        if finding.remedy:
            print(f"       {finding.remedy}")
    print("Everything that the shipped model needs is there." if works else "Mend what is marked BROKEN.")
    return DONE if works else FAILED


def _tell_failure(teller: Teller, problem: Problem) -> None:
    teller.close()
    teller.tell(
        JobFailed(
            kind=problem.kind,
            what=problem.what,
            why=problem.why,
            remedy=problem.remedy,
            exit_code=exit_code(problem),
        )
    )


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """A polite request to end (SIGTERM) works like Ctrl-C."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread: whoever runs us there sees to signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _reported(teller: Teller, settings: Settings) -> Iterator[None]:
    """An error that nobody foresaw is told in a paragraph; its traceback goes to the log.

    It is not caught here: Python ends with exit code 1 and asks the hook how to show the error.
    """

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        # Logging was stopped on the way out.
        has_log = start_logging(settings, verbose=False)
        log.critical("unexpected", exc_info=(kind, error, trace))
        teller.tell(
            JobFailed(
                kind="unexpected",
                what=f"Something unexpected happened ({kind.__name__}: {error}).",
                why="This is a mistake in the program, not in what you did.",
                remedy="The same command goes on from the last finished step; if it stops here again, report it.",
                exit_code=FAILED,
                log=str(settings.log_file) if has_log else None,
            )
        )

    before = sys.excepthook
    sys.excepthook = report
    yield
    sys.excepthook = before


if __name__ == "__main__":
    sys.exit(main())
