"""What a service sends without being asked (PROTOCOL.md, Pushes)."""

from __future__ import annotations

from bridge.wire.messages.body import Body
from bridge.wire.messages.replies import Job, Numbered


class JobChanged(Body, frozen=True, kw_only=True, tag="job_changed"):
    """A job of a client that follows all its jobs has another state or place, or another finished take."""

    job: Job


class EventPushed(Body, frozen=True, kw_only=True, tag="event"):
    """The next event of a job that the client follows."""

    job: str
    event: Numbered


class QueuePaused(Body, frozen=True, kw_only=True, tag="queue_paused"):
    """No further job is started from now on, or jobs are started again; sent to every connection."""

    on: bool


class Closing(Body, frozen=True, kw_only=True, tag="closing"):
    """The service ends now, in order; jobs wait in its ledger."""


Pushed = JobChanged | EventPushed | QueuePaused | Closing
