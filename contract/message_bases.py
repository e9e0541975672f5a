"""What all messages are made of: their two bases and the words for states."""

from __future__ import annotations

from typing import Literal

import msgspec

JobState = Literal[
    "queued",
    "preparing",
    "planning",
    "awaiting_approval",
    "encoding",
    "inverting",
    "refining",
    "delivering",
    "done",
    "failed",
    "cancelled",
]
CancelOutcome = Literal["cancelled", "already_done", "not_found"]
WorkerState = Literal["starting", "idle", "loading", "busy", "stopped"]


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Base of all requests, replies and pushes."""


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of what bodies are made of."""
