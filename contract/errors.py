"""Errors that people read: the same four facts as on the wire (kind, what, why, remedy)."""

from __future__ import annotations


class Problem(Exception):
    """Base of the errors of bridge, backend and plugin.

    `kind` is a stable word for programs; `what`, `why` and `remedy` are sentences for people.
    """

    kind = "problem"

    def __init__(self, what: str, why: str = "", remedy: str = "") -> None:
        self.what, self.why, self.remedy = what, why, remedy
        super().__init__(" ".join(part for part in (what, why, remedy) if part))


class BadUsage(Problem):
    """The command or call itself is wrong."""

    kind = "bad_usage"


class BadMedia(Problem):
    """A movie or an image sequence is missing, unreadable, damaged or of a kind that cannot be used."""

    kind = "bad_media"


class BadTimeline(Problem):
    """A timeline cannot be read, has no usable clip, or holds something that cannot be taken over exactly."""

    kind = "bad_timeline"


class OutOfDisk(Problem):
    """A file could not be written: no space left, read-only, or not permitted."""

    kind = "out_of_disk"


class BadTake(Problem):
    """A take's record is missing, damaged, or of a newer version."""

    kind = "bad_take"


class NotPrivate(Problem):
    """A key or its folder can be read by others, or cannot be used at all."""

    kind = "not_private"


class BadKey(Problem):
    """A text is no key, or not one that is known."""

    kind = "bad_key"


class BadAddress(Problem):
    """An address is malformed, taken by another program, or not this machine's."""

    kind = "bad_address"


class TooLarge(Problem):
    """A message is larger than the other side accepts."""

    kind = "too_large"


class ProtocolError(Problem):
    """The service answered with something that this program does not know."""

    kind = "bad_answer"


class Unreachable(Problem):
    """Nobody answered within the time."""

    kind = "unreachable"


class ConnectionLost(Unreachable):
    """The connection broke after a request was sent that must not be sent twice: it may or may not have been done."""

    kind = "connection_lost"


class Refusal(Problem):
    """The service refused a request; `kind` is the service's own word (see PROTOCOL.md)."""

    kind = "refused"

    def __init__(self, kind: str, what: str, why: str = "", remedy: str = "") -> None:
        super().__init__(what, why, remedy)
        self.kind = kind
