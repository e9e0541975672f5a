"""How a failure ends a program: what a script can tell apart, in events and on the command line alike."""

from __future__ import annotations

from bridge.errors import BadMedia, BadTake, BadTimeline, BadUsage, OutOfDisk, Problem

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
# The method's errors come as Problems that carry their kind.
_KINDS = {
    "bad_request": BAD_USAGE,
    "outside_vocabulary": BAD_USAGE,
    "clip_too_long": BAD_INPUT,
    "model_unavailable": BAD_INPUT,
    "outside_media_roots": BAD_INPUT,
    "not_found": BAD_INPUT,
    "bad_key": BAD_USAGE,
    "bad_address": BAD_USAGE,
    "object_absent": OBJECT_ABSENT,
    "out_of_memory": OUT_OF_ROOM,
    "out_of_disk": OUT_OF_ROOM,
    "cancelled": CANCELLED,
}


def exit_code(problem: Problem) -> int:
    """The exit code that a problem ends a program with."""
    if problem.kind in _KINDS:
        return _KINDS[problem.kind]
    return next((code for kind, code in _TYPES if isinstance(problem, kind)), FAILED)
