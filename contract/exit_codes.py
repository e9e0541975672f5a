"""How a failure ends a program: what a script can tell apart, in events and on the command line alike."""

from __future__ import annotations

from contract.errors import BadMedia, BadTake, BadTimeline, BadUsage, OutOfDisk, Problem

DONE = 0
FAILED = 1
BAD_USAGE = 2
BAD_INPUT = 3
OBJECT_ABSENT = 4
OUT_OF_ROOM = 5
CANCELLED = 130

_TYPES: tuple[tuple[type[Problem], int], ...] = (
    (BadUsage, BAD_USAGE),
    (BadMedia, BAD_INPUT),
    (BadTimeline, BAD_INPUT),
    (BadTake, BAD_INPUT),
    (OutOfDisk, OUT_OF_ROOM),
)
# By kind alone: errors of the method, and what a service refused.
_KINDS = {
    **dict.fromkeys(
        (
            "bad_request",
            "bad_usage",
            "bad_range",
            "outside_vocabulary",
            "bad_key",
            "bad_address",
            "illegal_move",
        ),
        BAD_USAGE,
    ),
    **dict.fromkeys(
        (
            "bad_media",
            "media_missing",
            "media_unreadable",
            "media_empty",
            "not_media",
            "no_picture",
            "media_damaged",
            "frames_missing",
            "pixels_unsupported",
            "bad_timeline",
            "bad_take",
            "clip_too_long",
            "model_unavailable",
            "outside_media_roots",
            "not_found",
            "not_uploaded",
        ),
        BAD_INPUT,
    ),
    "object_absent": OBJECT_ABSENT,
    **dict.fromkeys(("out_of_memory", "out_of_disk", "store_full"), OUT_OF_ROOM),
    "cancelled": CANCELLED,
}


def exit_code(problem: Problem) -> int:
    """The exit code that a problem ends a program with."""
    if problem.kind in _KINDS:
        return _KINDS[problem.kind]
    return next((code for kind, code in _TYPES if isinstance(problem, kind)), FAILED)
