"""Every error of the product has a kind of its own and an exit code, and keeps both across a process's border."""

from __future__ import annotations

import importlib
import re
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

import bridge.files.errors
import contract.errors
from bridge.wire.messages import Failure, Refused
from bridge.wire.session_errors import refusal
from contract.errors import (
    BAD_INPUT,
    BAD_USAGE,
    CANCELLED,
    FAILED,
    OBJECT_ABSENT,
    OUT_OF_ROOM,
    BadMedia,
    BadTake,
    BadTimeline,
    BadUsage,
    Cancelled,
    OutOfDisk,
    Problem,
)
from contract.events import AnyJobEvent, JobFailed
from dynvfx import errors as method
from dynvfx.state.store import StateNotSaved
from media import errors as media

ROOT = Path(__file__).parents[2]
PACKAGES = ("contract", "media", "bridge", "backend", "dynvfx", "plugin")
EXIT_CODES = {FAILED, BAD_USAGE, BAD_INPUT, OBJECT_ABSENT, OUT_OF_ROOM, CANCELLED}


def every_problem() -> list[type[Problem]]:
    """All classes of the product that derive from Problem; only modules that define some are imported."""
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        if re.search(r"^    kind(, exit_code)? = ", path.read_text(encoding="utf-8"), re.MULTILINE):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found: set[type[Problem]] = {Problem}
    while more := {each for kind in found for each in kind.__subclasses__()} - found:
        found |= more
    return sorted((each for each in found if each.__module__.partition(".")[0] in PACKAGES), key=lambda each: each.kind)


def test_no_two_kinds_are_the_same_and_each_has_an_exit_code() -> None:
    owners = defaultdict(list)
    for problem in every_problem():
        assert isinstance(problem.kind, str) and problem.exit_code in EXIT_CODES, problem
        if "kind" in vars(problem):
            owners[problem.kind].append(problem)
    assert {kind: each for kind, each in owners.items() if len(each) > 1} == {}
    assert len(owners) > 50


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (BadUsage, 2),
        (media.BadRange, 2),
        (BadMedia, 3),
        (media.DamagedMedia, 3),
        (media.NoPicture, 3),
        (BadTimeline, 3),
        (BadTake, 3),
        (OutOfDisk, 5),
        (bridge.files.errors.StoreFull, 5),
        (Cancelled, 130),
        (bridge.files.errors.TransferCancelled, 130),
        (media.EncodeFailed, 1),
        (Problem, 1),
        (contract.errors.BadRequest, 2),
        (method.OutsideVocabulary, 2),
        (method.ClipTooLong, 3),
        (method.ModelUnavailable, 3),
        (method.ObjectAbsent, 4),
        (method.OutOfMemory, 5),
        (StateNotSaved, 5),
        (method.AssistantFailed, 1),
    ],
)
def test_exit_codes(problem: type[Problem], code: int) -> None:
    assert problem("What.").exit_code == code


@pytest.mark.parametrize("kind", [Failure, Refused])
def test_a_problem_survives_the_wire(kind: type[Failure | Refused]) -> None:
    problem = method.ObjectAbsent("What.", "Why.", "Remedy.")
    facts = msgspec.msgpack.decode(msgspec.msgpack.encode(kind.of(problem)), type=kind)
    arrived = facts.as_problem()
    assert (arrived.kind, arrived.exit_code) == ("object_absent", 4)
    assert (arrived.what, arrived.why, arrived.remedy) == ("What.", "Why.", "Remedy.")
    assert str(arrived) == str(problem)


def test_a_refusal_ends_the_command_as_the_error_itself_would() -> None:
    for problem in every_problem():
        if problem.__init__ is Problem.__init__:
            arrived = refusal(Refused.of(problem("What.")))
            assert (arrived.kind, arrived.exit_code) == (problem.kind, problem.exit_code)


def test_the_event_of_a_failure_has_all_fields_in_json() -> None:
    event = JobFailed.of(BadMedia("What."), log="/log")
    assert msgspec.json.decode(msgspec.json.encode(event)) == {
        "event": "error",
        "kind": "bad_media",
        "what": "What.",
        "why": "",
        "remedy": "",
        "exit_code": 3,
        "log": "/log",
    }
    assert msgspec.json.decode(msgspec.json.encode(event), type=AnyJobEvent) == event
