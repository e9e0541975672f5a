"""Errors that people read, with the exit code that each ends a program with; and the same facts as data."""

from __future__ import annotations

from typing import Any, Self

import msgspec

DONE = 0
FAILED = 1
BAD_USAGE = 2
BAD_INPUT = 3
OBJECT_ABSENT = 4
OUT_OF_ROOM = 5
CANCELLED = 130


class Problem(Exception):
    """Base of all errors that are raised on purpose.

    kind: a stable word for programs; each class has its own, or inherits one on purpose
    exit_code: what a command ends with, the same in events, on the wire and in the shell
    what, why, remedy: sentences for people: what happened, why, and what can be done about it
    """

    kind: str = "problem"
    exit_code: int = FAILED

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        self.what, self.why, self.remedy = what, why, remedy
        super().__init__(" ".join(part for part in (what, why, remedy) if part))


class ReportedProblem(Problem):
    """A problem of another process, with the kind and the exit code that it has there."""

    kind = "reported"

    def __init__(self, kind: str, what: str, why: str = "", remedy: str = "", exit_code: int = FAILED) -> None:
        super().__init__(what, why, remedy)
        self.kind, self.exit_code = kind, exit_code


class Refusal(ReportedProblem):
    """The backend refused a request."""

    kind = "refused"


class ProblemFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A Problem as data: base of what the wire, the ledger and events say about one."""

    kind: str
    what: str
    why: str = ""
    remedy: str = ""
    exit_code: int = FAILED

    @classmethod
    def of(cls, problem: Problem | ProblemFacts, **more: Any) -> Self:
        """The facts of a problem, or of another struct about one; `more` fills the fields of a subclass."""
        return cls(**{name: getattr(problem, name) for name in ProblemFacts.__struct_fields__}, **more)

    def as_problem(self) -> ReportedProblem:
        """To be raised, or shown to people."""
        return ReportedProblem(self.kind, self.what, self.why, self.remedy, self.exit_code)


# What a person or a program asked for ---------------------------------------------------------------------------------


class BadUsage(Problem):
    """The command or call itself is wrong."""

    kind, exit_code = "bad_usage", BAD_USAGE


class BadRequest(Problem):
    """A request contradicts itself, or what it is made for."""

    kind, exit_code = "bad_request", BAD_USAGE


class NotFound(Problem):
    """There is no such job or take, or none that may be seen."""

    kind, exit_code = "not_found", BAD_INPUT


class Cancelled(Problem):
    """A person stopped it."""

    kind, exit_code = "cancelled", CANCELLED


class Unexpected(Problem):
    """An error that nothing was prepared for: a mistake in the program."""

    kind = "unexpected"


# Files ----------------------------------------------------------------------------------------------------------------


class BadMedia(Problem):
    """A movie or an image sequence is missing, unreadable, damaged or of a kind that cannot be used."""

    kind, exit_code = "bad_media", BAD_INPUT


class BadTimeline(Problem):
    """A timeline cannot be read, has no usable clip, or holds something that cannot be taken over exactly."""

    kind, exit_code = "bad_timeline", BAD_INPUT


class BadTake(Problem):
    """A take's record is missing, damaged, or of a newer version."""

    kind, exit_code = "bad_take", BAD_INPUT


class OutOfDisk(Problem):
    """A file could not be written: no space left, read-only, or not permitted."""

    kind, exit_code = "out_of_disk", OUT_OF_ROOM


class NotPrivate(Problem):
    """A key or its folder can be read by others, or cannot be used at all."""

    kind = "not_private"


# The connection to a backend ------------------------------------------------------------------------------------------


class BadKey(Problem):
    """A text is not a key, or not one that is known."""

    kind, exit_code = "bad_key", BAD_USAGE


class BadAddress(Problem):
    """An address is malformed, taken by another program, or not this machine's."""

    kind, exit_code = "bad_address", BAD_USAGE


class TooLarge(Problem):
    """A message is larger than the other side accepts."""

    kind = "too_large"


class ProtocolError(Problem):
    """The backend answered with something that this program does not know."""

    kind = "protocol_error"


class Unreachable(Problem):
    """No answer came within the time."""

    kind = "unreachable"


class ConnectionLost(Unreachable):
    """The connection broke after a request was sent that must not be sent twice: it may or may not have been done."""

    kind = "connection_lost"
