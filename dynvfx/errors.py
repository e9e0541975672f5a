"""Errors of the method. Each says what happened, why, and what the artist can do about it."""

from __future__ import annotations

from contract.errors import BAD_INPUT, BAD_USAGE, OBJECT_ABSENT, OUT_OF_ROOM, Problem


class OutsideVocabulary(Problem):
    """The chosen model cannot generate what was asked for; the remedy lists what it can draw."""

    kind, exit_code = "outside_vocabulary", BAD_USAGE


class ObjectAbsent(Problem):
    """After all retries the new content was not found in the result."""

    kind, exit_code = "object_absent", OBJECT_ABSENT


class ModelUnavailable(Problem):
    """Weights are missing, incomplete, unreadable or of an unknown family."""

    kind, exit_code = "model_unavailable", BAD_INPUT


class AssistantFailed(Problem):
    """The vision-language model could not be reached, refused, or answered nonsense."""

    kind = "assistant_failed"


class OutOfMemory(Problem):
    """The device or the machine has too little memory for the request."""

    kind, exit_code = "out_of_memory", OUT_OF_ROOM


class ClipTooLong(Problem):
    """The clip is longer than the model's window: the artist must choose which part."""

    kind, exit_code = "clip_too_long", BAD_INPUT
