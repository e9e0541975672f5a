"""Exit codes of the command line: those that the wire carries."""

from __future__ import annotations

from contract.exit_codes import BAD_INPUT, BAD_USAGE, CANCELLED, DONE, FAILED, OBJECT_ABSENT, OUT_OF_ROOM, exit_code

__all__ = [
    "BAD_INPUT",
    "BAD_USAGE",
    "CANCELLED",
    "DONE",
    "FAILED",
    "OBJECT_ABSENT",
    "OUT_OF_ROOM",
    "exit_code",
]
