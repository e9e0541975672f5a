"""Kinds of values that the command line takes, checked while it is read."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from bridge.local.named_backend import address_of, key_of
from contract.box import Box, check_box
from contract.errors import BadAddress, BadKey, BadUsage
from contract.job import LARGEST_SEED, MOST_TAKES, check_levels

_Value = TypeVar("_Value")


def text(value: str) -> str:
    """A text that can be a file's name."""
    if not value.strip():
        raise argparse.ArgumentTypeError("is empty")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError(f"{value!a} is not text in UTF-8; rename the file") from error
    if "\0" in value:
        raise argparse.ArgumentTypeError("holds a null character")
    return value


def path(value: str) -> Path:
    """A path, `~` being the user's folder."""
    return Path(text(value)).expanduser()


def frame_range(value: str) -> tuple[int, int]:
    """First and last frame, both included."""
    found = re.fullmatch(r"\s*(\d{1,9})\s*-\s*(\d{1,9})\s*", value, re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError(f"{value!r} is not a range such as 12-47")
    first, last = int(found[1]), int(found[2])
    if last < first:
        raise argparse.ArgumentTypeError(f"{value!r} ends before it begins")
    return first, last


def region(value: str) -> Box:
    """A box: left, top, right, bottom in fractions of the picture."""
    try:
        left, top, right, bottom = (float(side) for side in value.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{value!r} is not a box such as 0.5,0,1,1 (the right half)") from error
    return _checked(check_box, (left, top, right, bottom), value)


def levels(value: str) -> tuple[int, ...]:
    """Start levels of iterations, falling."""
    if not re.fullmatch(r"\s*\d{1,3}\s*(,\s*\d{1,3}\s*)*", value, re.ASCII):
        raise argparse.ArgumentTypeError(f"{value!r} are not levels such as 679,439")
    return _checked(check_levels, tuple(map(int, value.split(","))), value)


def _checked(check: Callable[[_Value], None], given: _Value, value: str) -> _Value:
    try:
        check(given)
    except BadUsage as problem:
        raise argparse.ArgumentTypeError(f"{value!r}: {problem.what} {problem.remedy}".rstrip(".")) from problem
    return given


def frame(value: str) -> int:
    """A frame's number."""
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise argparse.ArgumentTypeError(f"{value!r} is not a frame's number, from 0 on")
    return int(value)


def rate(value: str) -> Fraction:
    """Frames a second, exactly."""
    try:
        given = Fraction(value)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(f"{value!r} is not a rate such as 25 or 24000/1001") from error
    if not 1 <= given <= 1000:
        raise argparse.ArgumentTypeError(f"{value!r} is not between 1 and 1000 frames a second")
    # What editors write as 23.976 is 24000/1001.
    whole = round(given * Fraction(1001, 1000))
    ntsc = Fraction(whole * 1000, 1001)
    return ntsc if given.denominator != 1 and abs(given - ntsc) < Fraction(1, 100) else given


def count(value: str) -> int:
    """A number of takes."""
    if not re.fullmatch(r"\d{1,3}", value, re.ASCII) or not 1 <= int(value) <= MOST_TAKES:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of takes from 1 to {MOST_TAKES}")
    return int(value)


def seed(value: str) -> int:
    """A first seed."""
    if not re.fullmatch(r"\d{1,10}", value, re.ASCII) or int(value) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number from 0 to {LARGEST_SEED}")
    return int(value)


def assistant(value: str) -> str:
    """Who writes the plan."""
    if value not in ("openai", "offline") and not re.fullmatch(r"openai:\S+", value):
        raise argparse.ArgumentTypeError(f"{value!r} is neither openai, openai:MODEL nor offline")
    return value


def address(value: str) -> str:
    """Where a backend listens; `host:port` means the same as `tcp://host:port`."""
    return _of_backend(address_of, value)


def key(value: str) -> str:
    """A public key."""
    return _of_backend(key_of, value)


def _of_backend(read: Callable[[str], str], value: str) -> str:
    try:
        return read(value)
    except (BadAddress, BadKey) as problem:
        raise argparse.ArgumentTypeError(problem.what.rstrip(".")) from problem


def job(value: str) -> str:
    """A job's id or the beginning of it."""
    wanted = value.strip().lower()
    if not re.fullmatch(r"[0-9a-f]{1,12}", wanted):
        raise argparse.ArgumentTypeError(f"{value!r} is not a job; `dynvfx jobs` lists them")
    return wanted
