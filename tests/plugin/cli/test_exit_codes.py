from __future__ import annotations

import pytest

import bridge.files.errors
import contract.errors
from backend.jobs.failures import MethodFailed
from contract.errors import BadMedia, BadTake, BadTimeline, BadUsage, OutOfDisk, Problem, Refusal
from dynvfx import errors as method
from dynvfx.state.store import StateNotSaved
from media import errors as media
from plugin.cli.exit_codes import exit_code


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
        (media.Cancelled, 130),
        (media.EncodeFailed, 1),
        (Problem, 1),
    ],
)
def test_codes_of_problems(problem: type[Problem], code: int):
    assert exit_code(problem("What.")) == code


@pytest.mark.parametrize(
    "problem",
    [
        each
        for module in (media, contract.errors, bridge.files.errors)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Problem) and each is not Refusal
    ],
)
def test_a_service_s_refusal_ends_the_command_like_the_error_itself(problem: type[Problem]):
    assert exit_code(Refusal(problem.kind, "What.")) == exit_code(problem("What."))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (method.BadRequest, 2),
        (method.OutsideVocabulary, 2),
        (method.ClipTooLong, 3),
        (method.ModelUnavailable, 3),
        (method.ObjectAbsent, 4),
        (method.OutOfMemory, 5),
        (StateNotSaved, 5),
        (method.AssistantFailed, 1),
    ],
)
def test_codes_of_the_method(error: type[method.MethodError], code: int):
    failed = MethodFailed(error("What.", "Why.", "Remedy."))
    assert exit_code(failed) == code
    assert (failed.what, failed.why, failed.remedy) == ("What.", "Why.", "Remedy.")
