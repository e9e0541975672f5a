"""Everything that crosses the wire, as typed structs in MessagePack (PROTOCOL.md is the specification).

A client sends `Call`s and a service answers each with one `Answer` of the same number; beside that the service sends
`Push`es, which belong to no request. Fields are only ever added, with defaults; unknown ones are ignored, and an
unknown request is answered with a refusal, never with silence.
"""

from __future__ import annotations

import msgspec

from bridge.wire.messages.body import Body
from bridge.wire.messages.pushes import Closing, EventPushed, JobChanged, Pushed, QueuePaused
from bridge.wire.messages.replies import (
    CancelReply,
    Chunk,
    Done,
    DownloadState,
    Estimated,
    Events,
    Failure,
    Job,
    JobReply,
    Jobs,
    Limits,
    Model,
    Models,
    Numbered,
    Pong,
    Refused,
    Reply,
    Stats,
    TakeEntry,
    Takes,
    UploadState,
    Welcome,
    Worker,
)
from bridge.wire.messages.requests import (
    Approve,
    Cancel,
    DownloadBegin,
    DownloadChunk,
    Estimate,
    Follow,
    GetJob,
    GetStats,
    Hello,
    ListJobs,
    ListModels,
    ListTakes,
    PauseJob,
    PauseQueue,
    Ping,
    Reorder,
    Replay,
    Request,
    Retry,
    SetTake,
    Stop,
    Submit,
    UploadBegin,
    UploadChunk,
)
from contract.part import Part

__all__ = [
    "Answer",
    "Approve",
    "Body",
    "Call",
    "Cancel",
    "CancelReply",
    "Chunk",
    "Closing",
    "Done",
    "DownloadBegin",
    "DownloadChunk",
    "DownloadState",
    "Estimate",
    "Estimated",
    "EventPushed",
    "Events",
    "Failure",
    "Follow",
    "GetJob",
    "GetStats",
    "Hello",
    "Job",
    "JobChanged",
    "JobReply",
    "Jobs",
    "Limits",
    "ListJobs",
    "ListModels",
    "ListTakes",
    "Model",
    "Models",
    "Numbered",
    "PROTOCOL_HIGH",
    "PROTOCOL_LOW",
    "Part",
    "PauseJob",
    "PauseQueue",
    "Ping",
    "Pong",
    "Pushed",
    "QueuePaused",
    "Refused",
    "Reorder",
    "Replay",
    "Reply",
    "Request",
    "Retry",
    "SetTake",
    "Stats",
    "Stop",
    "Submit",
    "TakeEntry",
    "Takes",
    "UploadBegin",
    "UploadChunk",
    "UploadState",
    "Welcome",
    "Worker",
]

PROTOCOL_LOW, PROTOCOL_HIGH = 1, 1
"""The versions of the protocol that this program speaks."""


class Call(msgspec.Struct, frozen=True, array_like=True):
    """Client to service: `number` is the client's own count, `body` the request."""

    number: int
    body: Request


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """Service to client: the answer to `number`, or a push when `number` is 0."""

    number: int
    body: Reply | Pushed
