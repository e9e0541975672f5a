"""What the command line takes (docs/command-line.md)."""

from __future__ import annotations

import argparse
import re
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from bridge.errors import BadUsage


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
    _refine(commands)
    demo = commands.add_parser("demo", help="an edit of the shipped clip with the shipped model", allow_abbrev=False)
    demo.add_argument("--output", type=_path, default=Path("demo-output"), metavar="DIR", help="default: %(default)s")
    _telling(demo)
    doctor = commands.add_parser("doctor", help="check this machine and say what to mend", allow_abbrev=False)
    doctor.add_argument("--verbose", action="store_true", help="show the log")
    return parser.parse_args(arguments)


def _add(commands: argparse._SubParsersAction) -> None:
    add = commands.add_parser("add", help="add new content to a clip", allow_abbrev=False)
    add.add_argument("source", type=_text, metavar="SOURCE", help="movie, image sequence (folder, %%04d) or timeline")
    add.add_argument("instruction", metavar="INSTRUCTION", help='for example "add a red balloon above the street"')
    add.add_argument("--clip", type=_text, metavar="NAME|INDEX", help="which clip of a timeline")
    add.add_argument(
        "--range", type=_range, dest="part", metavar="IN-OUT", help="part of the clip: first and last frame, from 0"
    )
    add.add_argument(
        "--model", type=_text, default="tiny", metavar="NAME", help="tiny, a hub name, or a folder (default: tiny)"
    )
    add.add_argument("--download", action="store_true", help="fetch the model if it is not on this machine")
    add.add_argument("--rate", type=_rate, metavar="FPS", help="rate of an image sequence (default: 24)")
    add.add_argument(
        "--media", type=_path, action="append", default=[], metavar="DIR", help="look for moved media in here; repeat"
    )
    add.add_argument("--output", type=_path, metavar="DIR", help="folder for the results (default: a new one in here)")
    _shaping(add)
    _telling(add)


def _refine(commands: argparse._SubParsersAction) -> None:
    refine = commands.add_parser("refine", help="change a finished take", allow_abbrev=False)
    refine.add_argument("take", type=_path, metavar="TAKE_DIR", help="folder of the take, for example results/takes/01")
    refine.add_argument("instruction", metavar="INSTRUCTION")
    _shaping(refine)
    _telling(refine)


def _shaping(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--takes", type=_count, default=1, metavar="N", help="how many, with seeds S, S+1, ...")
    parser.add_argument("--seed", type=_seed, default=0, metavar="S", help="default: 0")
    parser.add_argument("--quality", choices=("draft", "standard", "reference"), default="standard")
    parser.add_argument("--effect", choices=("object", "global"), help="default: what the plan says")
    parser.add_argument("--assistant", type=_assistant, metavar="openai|offline", help="who writes the plan")
    parser.add_argument("--plan", type=_path, metavar="FILE", help="a plan that you wrote or edited")
    parser.add_argument("--plan-only", action="store_true", help="stop when the plan is written")
    parser.add_argument("--layer", choices=("prores4444", "png"), default="prores4444", help="kind of the layer's file")
    parser.add_argument("--segmenter", type=_text, metavar="NAME", help="what finds objects (default: suits the model)")


def _telling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="tell every event as one JSON object a line")
    parser.add_argument("--verbose", action="store_true", help="show the log")


def _text(value: str) -> str:
    if not value.strip():
        raise argparse.ArgumentTypeError("is empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError(f"{value!a} is not text in UTF-8; rename the file") from error
    if "\0" in value:
        raise argparse.ArgumentTypeError("holds a null character")
    return value


def _path(value: str) -> Path:
    return Path(_text(value)).expanduser()


def _range(value: str) -> tuple[int, int]:
    found = re.fullmatch(r"\s*(\d{1,9})\s*-\s*(\d{1,9})\s*", value, re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError(f"{value!r} is not a range such as 12-47")
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise argparse.ArgumentTypeError(f"{value!r} ends before it begins")
    return first, last


def _rate(value: str) -> Fraction:
    try:
        rate = Fraction(value)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(f"{value!r} is not a rate such as 25 or 24000/1001") from error
    if not 1 <= rate <= 1000:
        raise argparse.ArgumentTypeError(f"{value!r} is not between 1 and 1000 frames a second")
    # What editors write as 23.976 is 24000/1001.
    whole = round(rate * Fraction(1001, 1000))
    ntsc = Fraction(whole * 1000, 1001)
    return ntsc if rate.denominator != 1 and abs(rate - ntsc) < Fraction(1, 100) else rate


def _count(value: str) -> int:
    if not re.fullmatch(r"\d{1,3}", value, re.ASCII) or int(value) == 0:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of takes")
    return int(value)


def _seed(value: str) -> int:
    if not re.fullmatch(r"\d{1,15}", value, re.ASCII):
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 0 on")
    return int(value)


def _assistant(value: str) -> str:
    if value not in ("openai", "offline") and not re.fullmatch(r"openai:\S+", value):
        raise argparse.ArgumentTypeError(f"{value!r} is neither openai, openai:MODEL nor offline")
    return value
