"""What a service tells without being asked (PROTOCOL.md, Pushes)."""

from __future__ import annotations

from bridge.wire.messages.body import Body
from bridge.wire.messages.replies import Job, Numbered


class JobChanged(Body, frozen=True, kw_only=True, tag="job_changed"):
    """A job of a client that follows all its jobs is another one than before."""

    job: Job


class EventPushed(Body, frozen=True, kw_only=True, tag="event"):
    """The next event of a job that the client follows."""

    job: str
    event: Numbered


class Closing(Body, frozen=True, kw_only=True, tag="closing"):
    """The service ends now, in order; jobs wait in its ledger."""


Pushed = JobChanged | EventPushed | Closing
