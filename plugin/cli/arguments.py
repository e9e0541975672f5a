"""What the command line takes (docs/command-line.md)."""

from __future__ import annotations

import argparse
import os
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from bridge.local.named_backend import ADDRESS_VARIABLE, KEY_VARIABLE, address_of, key_of, read_variable
from contract.errors import BadUsage
from contract.job import LAYER_KINDS, QUALITIES, SCOPES
from plugin.cli import argument_types as values


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadUsage(f"{self.prog}: {message}.", remedy=f"See: {self.prog} --help")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The parsed command line. Raises BadUsage; leaves the program for --help and --version."""
    parser = _Parser(
        prog="dynvfx", description="Adds new content to real footage from one sentence.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"dynvfx {version('dynvfx')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add(commands)
    _clips(commands)
    _refine(commands)
    demo = _command(commands, "demo", "an edit of the shipped clip with the shipped model")
    demo.add_argument(
        "--output", type=values.path, default=Path("demo-output"), metavar="DIR", help="default: %(default)s"
    )
    _output_options(demo)
    _backend_options(demo, in_process=True)
    _jobs(commands)
    _keys(commands)
    _service(commands)
    options = parser.parse_args(arguments)
    _fill_in_backend(options)
    return options


def _command(commands: argparse._SubParsersAction, name: str, about: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=about, allow_abbrev=False)


def _add(commands: argparse._SubParsersAction) -> None:
    add = _command(commands, "add", "add new content to a clip")
    add.add_argument(
        "source", type=values.text, metavar="SOURCE", help="movie, image sequence (folder, %%04d) or timeline"
    )
    add.add_argument("instruction", metavar="INSTRUCTION", help='for example "add a red balloon above the street"')
    _timeline_options(add)
    add.add_argument("--clip", type=values.text, metavar="NAME|INDEX", help="which clip of a timeline")
    add.add_argument(
        "--range",
        type=values.frame_range,
        dest="part",
        metavar="IN-OUT",
        help="part of the clip: first and last frame, from 0",
    )
    add.add_argument(
        "--model",
        type=values.text,
        metavar="NAME",
        help="tiny, a hub name, or a folder (default: tiny)",
    )
    add.add_argument("--download", action="store_true", help="fetch the model if it is not on this machine")
    add.add_argument(
        "--output", type=values.path, metavar="DIR", help="folder for the results (default: a new one in here)"
    )
    _job_options(add)
    _output_options(add)
    _backend_options(add, in_process=True)


def _clips(commands: argparse._SubParsersAction) -> None:
    clips = _command(commands, "clips", "list the clips of a timeline")
    clips.add_argument("source", type=values.text, metavar="TIMELINE")
    clips.add_argument("search", type=values.text, metavar="TEXT", nargs="?", help="only clips that hold this text")
    _timeline_options(clips)
    _output_options(clips)


def _timeline_options(parser: argparse.ArgumentParser) -> None:
    """How to read a timeline."""
    parser.add_argument("--timeline", type=values.text, metavar="NAME|INDEX", help="which of several in the file")
    rate = "rate of an image sequence (default: 24) or an edit list (default: its media's)"
    parser.add_argument("--rate", type=values.rate, metavar="FPS", help=rate)
    media = "a folder to look for media in, or the file itself; repeat"
    parser.add_argument("--media", type=values.path, action="append", default=[], metavar="PATH", help=media)


def _refine(commands: argparse._SubParsersAction) -> None:
    refine = _command(commands, "refine", "change a finished take")
    refine.add_argument(
        "take", type=values.path, metavar="TAKE_DIR", help="folder of the take, for example results/takes/01"
    )
    refine.add_argument("instruction", metavar="INSTRUCTION")
    refine.add_argument(
        "--mask", type=values.path, metavar="PNG", help="grey picture of one frame, white where the edit is"
    )
    refine.add_argument("--mask-frame", type=values.frame, default=0, metavar="N", help="that frame (default: 0)")
    refine.add_argument(
        "--levels", type=values.levels, metavar="T,T", help="later iterations only: their start levels, such as 679,439"
    )
    _job_options(refine)
    _output_options(refine)
    _backend_options(refine, in_process=True)


def _jobs(commands: argparse._SubParsersAction) -> None:
    jobs = _command(commands, "jobs", "list the jobs of the backend")
    jobs.add_argument("--all", action="store_true", help="those that ended long ago as well")
    watch = _command(commands, "watch", "follow a job until it ends")
    cancel = _command(commands, "cancel", "end a job; what it has done is kept")
    retry = _command(commands, "retry", "queue a failed or cancelled job again, and follow it")
    retry.add_argument("--small", action="store_true", help="use less memory, and more time")
    for each in (watch, cancel, retry):
        each.add_argument("job", type=values.job, metavar="JOB", help="as `dynvfx jobs` shows it, or its beginning")
    takes = _command(commands, "takes", "list finished takes")
    takes.add_argument("job", type=values.job, metavar="JOB", nargs="?", help="only this job's")
    for each in (jobs, watch, cancel, retry, takes):
        _output_options(each)
        _backend_options(each, in_process=False)


def _keys(commands: argparse._SubParsersAction) -> None:
    keys = _command(commands, "keys", "who may use the backend of this machine")
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser("show", help="the keys of this machine and those that are authorised", allow_abbrev=False)
    authorize = actions.add_parser("authorize", help="let a client in", allow_abbrev=False)
    authorize.add_argument("key", type=values.key, metavar="KEY", help="what `dynvfx keys show` prints over there")
    authorize.add_argument("name", type=values.text, metavar="NAME", nargs="?", default="", help="whose it is")
    revoke = actions.add_parser("revoke", help="let a client in no longer", allow_abbrev=False)
    revoke.add_argument("key", type=values.text, metavar="KEY|NAME")
    for each in (show, authorize, revoke):
        _output_options(each)


def _service(commands: argparse._SubParsersAction) -> None:
    # Its own options are read by the backend itself; see docs/backend.md.
    backend = commands.add_parser("backend", help="run the backend in this terminal", add_help=False)
    backend.add_argument("rest", nargs=argparse.REMAINDER)
    panel = commands.add_parser("panel", help="open the panel", add_help=False)
    panel.add_argument("rest", nargs=argparse.REMAINDER)
    doctor = _command(commands, "doctor", "check this machine, or the backend of another one, and say what to fix")
    _output_options(doctor)
    _backend_options(doctor, in_process=False)
    check = _command(commands, "resolve-check", "ask a running DaVinci Resolve whether it is as assumed")
    check.add_argument("--output", type=values.path, default=Path("."), metavar="DIR", help="default: in here")
    _output_options(check)
    logs = _command(commands, "logs", "put the logs into a zip file to send")
    logs.add_argument("--redact", action="store_true", help="without paths, names and what was asked for")
    logs.add_argument("--output", type=values.path, metavar="FILE", help="default: dynvfx-logs-TIME.zip in here")
    _output_options(logs)


def _job_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--takes", type=values.count, default=1, metavar="N", help="how many, with seeds S, S+1, ...")
    parser.add_argument("--seed", type=values.seed, default=0, metavar="S", help="default: 0")
    parser.add_argument("--quality", choices=QUALITIES, default="standard")
    parser.add_argument("--scope", choices=SCOPES, help="default: what the plan says")
    parser.add_argument("--assistant", type=values.assistant, metavar="openai|offline", help="who writes the plan")
    parser.add_argument("--plan", type=values.path, metavar="FILE", help="a plan that you wrote or edited")
    parser.add_argument("--plan-only", action="store_true", help="stop when the plan is written")
    parser.add_argument("--layer", choices=LAYER_KINDS, default="prores4444", help="kind of the layer's file")
    parser.add_argument("--negative", default="", metavar="TEXT", help="what must not appear (the negative prompt)")
    parser.add_argument(
        "--region",
        type=values.region,
        metavar="L,T,R,B",
        help="a box for new content, in parts of the picture (0 to 1)",
    )
    parser.add_argument(
        "--segmenter", type=values.text, metavar="NAME", help="what finds objects (default: suits the model)"
    )


def _output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print everything as JSON, one object a line")
    parser.add_argument("--verbose", action="store_true", help="show the log")


def _backend_options(parser: argparse.ArgumentParser, *, in_process: bool) -> None:
    """Options that name the backend."""
    parser.add_argument(
        "--backend",
        type=values.address,
        metavar="ADDRESS",
        help="a backend on another machine, for example tcp://gpu-box:47800 (default: this machine's own)",
    )
    parser.add_argument("--backend-key", type=values.key, metavar="KEY", help="that backend's public key")
    if in_process:
        parser.add_argument("--in-process", action="store_true", help="work in this process, without the backend")


def _fill_in_backend(options: argparse.Namespace) -> None:
    """Take the backend from the environment where the command line names none. Raises BadUsage."""
    if not hasattr(options, "backend"):
        return
    in_process = getattr(options, "in_process", False)
    program = f"dynvfx {options.command}"
    for name, variable, read in (
        ("backend", ADDRESS_VARIABLE, address_of),
        ("backend_key", KEY_VARIABLE, key_of),
    ):
        given = os.environ.get(variable, "").strip()
        if getattr(options, name) is None and given and not in_process:
            setattr(options, name, read_variable(variable, read, given))
    if options.backend and in_process:
        raise BadUsage(
            f"{program}: --in-process and --backend exclude each other.",
            remedy=f"See: {program} --help",
        )
    if bool(options.backend) != bool(options.backend_key):
        missing = "--backend-key" if options.backend else "--backend"
        raise BadUsage(
            f"{program}: {missing} is missing.",
            "A backend on another machine is known by its address and its key together.",
            f"`dynvfx keys show` on that machine prints its key. See: {program} --help",
        )
