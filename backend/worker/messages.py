"""Messages between the supervisor and one worker process, in MessagePack over one encrypted socket on loopback.

Both ends come from the same installation, so there are no versions here. Imports neither torch nor dynvfx: the
supervisor reads these without them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from bridge.wire.messages import Failure
from contract.job import JobSpec
from contract.plan import Plan

ADDRESS = "DYNVFX_WORKER_ADDRESS"
"""Environment: where the supervisor listens for this one worker."""
SUPERVISOR_KEY = "DYNVFX_WORKER_SUPERVISOR_KEY"
"""Environment: the supervisor's public key for this one worker (Z85)."""
PUBLIC_KEY, SECRET_KEY = "DYNVFX_WORKER_PUBLIC_KEY", "DYNVFX_WORKER_SECRET_KEY"
"""Environment: the worker's own pair (Z85)."""
SUPERVISOR = "DYNVFX_WORKER_SUPERVISOR"
"""Environment: the supervisor's process id; the worker ends at once when that process is gone."""
DEVICE = "DYNVFX_WORKER_DEVICE"
"""Environment: torch's name of the device ("cpu", "cuda:1"); absent: the best one, see `dynvfx.device`."""

BEAT_EVERY = 1.0
"""Seconds between two `Heartbeat`s, also while a model loads."""

QUIT, START_AGAIN, ORPHANED = 0, 75, 76
"""Exit codes: shut down, after an error that may have left something behind, and because the supervisor is gone."""

Outcome = Literal["done", "failed", "cancelled", "awaiting_approval", "stopped"]
"""`awaiting_approval`: plan and masks are there, and the job was to wait then. `stopped`: `Shutdown` came first, the
job can continue."""


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """Base of all of them."""


# To the worker --------------------------------------------------------------------------------------------------------


class Run(Message, frozen=True, kw_only=True, tag="run"):
    """Carry a job out. Sent only to a worker that has no job; the same `Run` again continues where the job stopped.

    spec: with the wanted footprint, and with the folder of the take that is followed. Where `spec.after_plan` is
        "wait", the run ends with plan and masks (`RunEnded.outcome` "awaiting_approval"), without `JobDone`.
    output: the folder for the results; a follow-up's is its take's.
    media: the folder in which a clip's uploads were put together; a relative source is looked for there.
    approved_plan: replaces the plan in the job's folder.
    inputs: where the job's inputs are, by their paths in the job.
    media_roots: media is read only below these, `media` and `output` (None: anywhere).
    cache: the folder of what jobs share, kept below `cache_bytes`; None: jobs share nothing.
    journal: the file in which the job's events are kept, see `backend.worker.event_journal`.
    recorded, known: the journal's last entry that the ledger has, and the events that it has of this attempt.
    """

    job: str
    spec: JobSpec
    output: str
    media: str | None = None
    approved_plan: Plan | None = None
    inputs: dict[str, str] = {}
    media_roots: tuple[str, ...] | None = None
    cache: str | None = None
    cache_bytes: int = 0
    journal: str | None = None
    recorded: int = 0
    known: tuple[msgspec.Raw, ...] = ()


class CancelRun(Message, frozen=True, kw_only=True, tag="cancel"):
    """End this job after the step that is under way; without effect on another one or on one that has ended."""

    job: str


class Shutdown(Message, frozen=True, kw_only=True, tag="quit"):
    """End the process after the step that is under way."""


ToWorker = Run | CancelRun | Shutdown


# From the worker ------------------------------------------------------------------------------------------------------


class Ready(Message, frozen=True, kw_only=True, tag="ready"):
    """The worker takes jobs: torch is imported. `title` is the device's name for people ("NVIDIA L4", "x86_64 CPU")."""

    device: str
    pid: int
    title: str
    memory_bytes: int


class Heartbeat(Message, frozen=True, kw_only=True, tag="beat"):
    """Alive. Comes from a thread of its own, from the very start on (state "starting": before `Ready`)."""

    state: Literal["starting", "idle", "loading", "busy"]
    job: str | None = None
    model: str | None = None


class EventReported(Message, frozen=True, kw_only=True, tag="event"):
    """The job's next event, encoded once (`contract.events.encode_event`). `JobFailed` follows from `RunEnded` instead.

    `number` is its place in the worker's journal of the job; 0: a repeat, which only moves the job's state.
    """

    job: str
    event: msgspec.Raw
    number: int = 0


class RunEnded(Message, frozen=True, kw_only=True, tag="ended"):
    """The run is over, after all its events. `leaving`: the process ends now (START_AGAIN), start a fresh one."""

    job: str
    outcome: Outcome
    failure: Failure | None = None
    leaving: bool = False


FromWorker = Ready | Heartbeat | EventReported | RunEnded
