"""Errors of the method. Each says what happened, why, and what the artist can do about it."""

from __future__ import annotations


class MethodError(Exception):
    """Base of everything that the method raises on purpose.

    `kind` is a stable word for programs; `what`, `why` and `remedy` are sentences for people.
    """

    kind = "method"

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        self.what, self.why, self.remedy = what, why, remedy
        super().__init__(" ".join(part for part in (what, why, remedy) if part))


class BadRequest(MethodError):
    """The request contradicts itself or the model's rules (sizes, frame counts, empty instruction)."""

    kind = "bad_request"


class OutsideVocabulary(MethodError):
    """The chosen model cannot draw what was asked for; the remedy lists what it can draw."""

    kind = "outside_vocabulary"


class ObjectAbsent(MethodError):
    """After all retries the new content was not found in the result."""

    kind = "object_absent"


class ModelUnavailable(MethodError):
    """Weights are missing, incomplete, unreadable or of an unknown family."""

    kind = "model_unavailable"


class AssistantFailed(MethodError):
    """The vision-language model could not be reached, refused, or answered nonsense."""

    kind = "assistant_failed"


class OutOfMemory(MethodError):
    """The device or the machine has too little memory for the request."""

    kind = "out_of_memory"


class ClipTooLong(MethodError):
    """The clip is longer than the model's window: the artist must choose which part."""

    kind = "clip_too_long"
