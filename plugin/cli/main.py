"""The command `dynvfx`: one more host, over files (docs/command-line.md).

The only module of the plugin that imports the backend: to know what a job leaves open, to check the machine, to run the
backend in this terminal, or a job in this process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import signal
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType, TracebackType

import msgspec

from backend.settings import Settings, find_settings, start_logging, stop_logging
from bridge.local import local_service
from bridge.local.backend_packages import missing_packages, require_backend
from bridge.local.folders import state_folder
from bridge.local.named_backend import NamedBackend
from contract.errors import BAD_USAGE, DONE, FAILED, Problem, Unexpected
from contract.events import JobDone, JobFailed, JobStarted
from contract.job import ClipSource, JobSpec
from plugin.cli import clips_command, job_commands, key_commands, log_command, resolve_command
from plugin.cli.arguments import parse
from plugin.cli.backend_link import open_link
from plugin.cli.job_options import job_of
from plugin.cli.job_running import AFTER_PLAN, JobRun, report_stopped
from plugin.cli.output import Reporter, open_reporter

log = logging.getLogger("dynvfx")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A terminal with a small character set must not end a job.
            stream.reconfigure(errors="backslashreplace")
    if given[:1] == ["panel"]:
        from plugin.panel.__main__ import main as show

        return show(given[1:])
    if given[:1] == ["backend"]:
        from backend.__main__ import main as serve

        return serve(given[1:])
    reporter = open_reporter("--json" in given, sys.stdout, sys.stderr)
    try:
        options = parse(given)
    except Problem as problem:
        _report_failure(reporter, problem)
        return BAD_USAGE
    settings = find_settings()
    start_logging(settings, verbose=options.verbose)
    log.info("command: %s", [options.command, *given[1:]])
    try:
        with _reported(reporter, settings), _stoppable():
            return _run_command(options, reporter, settings)
    finally:
        reporter.close()
        stop_logging()


def _run_command(options: argparse.Namespace, reporter: Reporter, settings: Settings) -> int:
    """One command, its errors reported."""
    try:
        if options.command == "doctor":
            return _doctor(options)
        if options.command == "keys":
            return key_commands.run(options)
        if options.command == "resolve-check":
            return resolve_command.run(options)
        if options.command == "clips":
            return clips_command.run(options)
        if options.command == "logs":
            return log_command.run(options, lambda texts: _write_logs(options.output, settings, texts))
        if options.command in job_commands.COMMANDS:
            return job_commands.run(options, reporter)
        return _in_process(options, reporter) if options.in_process else _through_service(options, reporter)
    except Problem as problem:
        _report_failure(reporter, problem)
        log.error("%s: %s", problem.kind, problem, exc_info=problem)
        return problem.exit_code
    except (KeyboardInterrupt, BrokenPipeError):
        reporter.close()
        return report_stopped(reporter, None, quiet=options.json)


def _in_process(options: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out add, refine or demo here. Raises BackendNotInstalled."""
    require_backend()
    # Importing torch takes seconds: not for what goes through the backend.
    from backend.jobs.job_start import JobFileAccess
    from backend.jobs.take_job import run

    spec, inputs = _job(options)
    started: JobStarted | None = None
    try:
        for event in run(spec, files=JobFileAccess(inputs=inputs)):
            started = event if isinstance(event, JobStarted) else started
            reporter.report(event)
            if isinstance(event, JobDone) and event.timeline is None and not options.json:
                print(AFTER_PLAN, file=sys.stderr)
    except (KeyboardInterrupt, BrokenPipeError):
        reporter.close()
        return report_stopped(reporter, started, quiet=options.json)
    return DONE


def _through_service(options: argparse.Namespace, reporter: Reporter) -> int:
    """Carry out add, refine or demo by way of the backend, here or on another machine."""
    from backend.jobs.job_defaults import for_service, output_of

    if not options.backend and local_service.find() is None:
        require_backend()  # before anything is written
    spec, inputs = _job(options)
    spec.validate()
    if options.backend:
        from backend.jobs.sources import open_source
        from plugin.cli.remote import remote_job

        output = output_of(spec) if isinstance(spec.start, ClipSource) else None
        return remote_job.run(options, spec, inputs, output, open_source, reporter)
    with contextlib.closing(open_link(None, None)) as link:
        run = JobRun(link, reporter, quiet=options.json)
        job: str | None = None
        try:
            job = run.submit(for_service(spec), inputs=inputs).id
            return run.follow(job)
        except (KeyboardInterrupt, BrokenPipeError):
            return run.stopped(job)


def _job(options: argparse.Namespace) -> tuple[JobSpec, dict[str, Path]]:
    """The job that the command asks for, and where its inputs are."""
    from backend.demo.demonstration import demo_job

    return (demo_job(options.output), {}) if options.command == "demo" else job_of(options)


def _write_logs(target: Path | None, settings: Settings, private: Iterable[str] | None) -> tuple[Path, int]:
    """A zip of all logs, redacted when there are `private` texts to remove; its path and how many logs."""
    from backend.diagnostics.log_bundle import default_name, write_bundle
    from backend.diagnostics.private_text import collect_private_text
    from backend.diagnostics.redaction import Redaction
    from backend.ledger.schema import LEDGER_FILE

    home = state_folder()
    redaction = None if private is None else Redaction({*private, *collect_private_text(home / LEDGER_FILE)})
    folders = {"program": settings.log_file.parent, "service": home / "log"}
    bundle = write_bundle(target or Path(default_name()), folders, redaction)
    return bundle.path, len(bundle.logs)


def _doctor(options: argparse.Namespace) -> int:
    """Check the machine; 0 when takes can be made: here, or by the backend that is named."""
    from backend.diagnostics.doctor import examine

    works = True
    for finding in examine(NamedBackend(options.backend, options.backend_key) if options.backend else None):
        works = works and finding.state != "broken"
        if options.json:
            print(json.dumps(msgspec.to_builtins(finding)), flush=True)
            continue
        mark = {"fine": "ok     ", "missing": "--     ", "broken": "BROKEN "}[finding.state]
        print(f"{mark}{finding.subject}: {finding.text}")
        if finding.remedy:
            print(f"       {finding.remedy}", flush=True)
    if not options.json:
        needed = "the panel" if missing_packages() else "the shipped model"
        print(f"Everything that {needed} needs is there." if works else "Fix what is marked BROKEN.")
    return DONE if works else FAILED


def _report_failure(reporter: Reporter, problem: Problem) -> None:
    reporter.close()
    reporter.report(JobFailed.of(problem))


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
def _reported(reporter: Reporter, settings: Settings) -> Iterator[None]:
    """An unforeseen error is reported in a paragraph; its traceback goes to the log.

    It is not caught here: Python ends with exit code 1 and asks the hook how to show the error.
    """

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        # Logging was stopped on the way out.
        has_log = start_logging(settings, verbose=False)
        log.critical("unexpected", exc_info=(kind, error, trace))
        reporter.report(
            JobFailed.of(
                Unexpected(
                    f"Something unexpected happened ({kind.__name__}: {error}).",
                    "This is a mistake in the program, not in what you did.",
                    "The same command continues from the last finished step; if it stops here again, report it.",
                ),
                log=str(settings.log_file) if has_log else None,
            )
        )

    before = sys.excepthook
    sys.excepthook = report
    yield
    sys.excepthook = before


if __name__ == "__main__":
    sys.exit(main())
