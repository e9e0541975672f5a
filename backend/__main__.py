"""The service as a program: `python -m backend`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from backend.service.instance_lock import AlreadyRunning, only_service
from backend.service.loop import GIGA, Options, Service
from backend.service.workers import WORKER_MODULE
from backend.settings import find_settings, start_logging
from bridge.local.backend_packages import require_backend
from bridge.local.folders import HOME_VARIABLE, state_folder
from contract.errors import DONE, Problem

LISTEN = "tcp://127.0.0.1:*"

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; returns the exit code. The first line on stdout says where the service listens and what its key is."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if sys.platform == "darwin" and options.gpu not in (None, [0]):
        parser.error("a Mac has one GPU: --gpu 0")
    if options.home is not None:
        # Workers inherit it.
        os.environ[HOME_VARIABLE] = str(options.home.absolute())
    start_logging(find_settings(), verbose=options.verbose)
    try:
        require_backend()
        home = state_folder()
        with only_service(home), Service(home, _service_options(options)) as service:
            print(service.announce().ready_line(), flush=True)
            service.run()
    except AlreadyRunning as running:
        print(running.service_file.ready_line(), flush=True)
        return DONE
    except Problem as problem:
        log.error("the backend cannot run: %s", problem)
        print(f"dynvfx: {problem}", file=sys.stderr)
        return problem.exit_code
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dynvfx backend",
        description="Makes takes for panels and command lines. Starting it twice finds the one that runs.",
    )
    parser.add_argument("--listen", default=LISTEN, metavar="ADDRESS", help=f"where to listen (default {LISTEN})")
    parser.add_argument(
        "--media-root",
        action="append",
        type=Path,
        default=[],
        metavar="DIR",
        help="clips are read and results written only below these folders, and what clients sent",
    )
    devices = parser.add_mutually_exclusive_group()
    devices.add_argument("--gpu", nargs="+", type=int, metavar="N", help="work on these graphics cards, a job on each")
    devices.add_argument("--cpu", action="store_true", help="work on the processor")
    parser.add_argument("--share", action="store_true", help="every client sees and changes all jobs")
    parser.add_argument(
        "--until-idle",
        type=_positive,
        metavar="SECONDS",
        help="end when no client was connected and nothing was to be done for so long",
    )
    parser.add_argument("--home", type=Path, metavar="DIR", help="keep keys, jobs and uploads here")
    parser.add_argument("--cache-gb", type=_positive, default=50.0, metavar="GB", help="size of the stage cache")
    parser.add_argument("--upload-gb", type=_positive, default=200.0, metavar="GB", help="size of what clients sent")
    parser.add_argument("--worker-module", default=WORKER_MODULE, help=argparse.SUPPRESS)
    parser.add_argument("--verbose", action="store_true", help="log everything on stderr")
    return parser


def _service_options(options: argparse.Namespace) -> Options:
    devices: list[str | None] = [None]
    if options.cpu:
        devices = ["cpu"]
    elif options.gpu and sys.platform == "darwin":
        devices = ["mps"]
    elif options.gpu:
        devices = [f"cuda:{number}" for number in dict.fromkeys(options.gpu)]
    return Options(
        listen=options.listen,
        media_roots=tuple(options.media_root),
        devices=tuple(devices),
        shared=options.share,
        until_idle=options.until_idle,
        cache_bytes=int(options.cache_gb * GIGA),
        upload_bytes=int(options.upload_gb * GIGA),
        worker_module=options.worker_module,
    )


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above zero")
    return value


if __name__ == "__main__":
    sys.exit(main())
