"""What a job reports while it runs: one struct for each type of event; the field `event` says which.

The same events are one JSON object a line on the command line (docs/command-line.md).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from contract.errors import ProblemFacts
from contract.plan import Plan
from contract.preflight import Preflight
from contract.states import Stage


class JobEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """Base of all events."""


class JobStarted(JobEvent, frozen=True, kw_only=True, tag="job_started"):
    """The shot was found and can be worked on.

    `frames` pictures from the clip's frame `first` (0 is its first visible one) at `rate` ("24000/1001") a second.
    """

    output: str
    source: str
    clip: str
    media: str
    first: int
    frames: int
    rate: str
    width: int
    height: int
    takes: list[int]


class ShotChecked(JobEvent, frozen=True, kw_only=True, tag="shot_checked"):
    """The shot can be worked on and delivered; nothing else has been done yet."""

    report: Preflight


class ModelOpened(JobEvent, frozen=True, kw_only=True, tag="model_opened"):
    """The model is in memory; it sees `frames` pictures of `width` x `height` at `rate` a second."""

    model: str
    licence: str
    device: str
    frames: int
    width: int
    height: int
    rate: str


class PlanReady(JobEvent, frozen=True, kw_only=True, tag="plan_ready"):
    """The plan stands in the file `path`; `origin` is written, kept (from an earlier run) or given (by a person)."""

    path: str
    origin: Literal["written", "kept", "given"]
    plan: Plan
    remarks: list[str]


class FoundMask(msgspec.Struct, frozen=True, kw_only=True):
    """What a phrase of the plan names in the clip.

    `role` is source (a thing to keep) or target (something that looks like the new content already and stays as it is).
    `coverage` is its share of all pixels and frames, in [0, 1]; `frame` the clip's frame, from 0 on, in which it is
    largest; `path` a picture of that frame with the mask in colour, None when nothing was found.
    """

    phrase: str
    role: Literal["source", "target"]
    coverage: float
    frame: int
    path: str | None


class MasksFound(JobEvent, frozen=True, kw_only=True, tag="masks"):
    """The plan's phrases were looked for in the clip, so that a person can judge the plan before the long work."""

    masks: list[FoundMask]


class StageProgress(JobEvent, frozen=True, kw_only=True, tag="progress"):
    """Take `take` has done `step` of `steps` in a stage; `seconds_left` is for the whole take, None until known.

    The check of the shot is before all takes: its `take` is 0.
    """

    take: int
    stage: Stage
    step: int
    steps: int
    iteration: int = 0
    iterations: int = 0
    seconds_left: float | None = None


class JobNotice(JobEvent, frozen=True, kw_only=True, tag="notice"):
    """Something that the artist should know. `take` is 0 for what concerns all of them."""

    kind: str
    text: str
    take: int = 0


class PreviewWritten(JobEvent, frozen=True, kw_only=True, tag="preview"):
    """A picture of the unfinished take `take` was written to `path`, replacing the one before."""

    take: int
    path: str
    iteration: int
    iterations: int


class TakeDone(JobEvent, frozen=True, kw_only=True, tag="take_done"):
    """A take is on the disk; `made` is False when an earlier run had finished it."""

    take: int
    folder: str
    seed: int
    made: bool
    seconds: dict[str, float]
    matte_coverage: float | None
    outside_change: float | None


class JobDone(JobEvent, frozen=True, kw_only=True, tag="job_done"):
    """Everything that was asked for is on the disk. `timeline` is None when only a plan was asked for."""

    output: str
    takes: list[int]
    timeline: str | None


class JobFailed(JobEvent, ProblemFacts, frozen=True, kw_only=True, tag="error"):
    """The job ended without its result. `log` names the log file when the error was not foreseen."""

    log: str | None = None


AnyJobEvent = (
    JobStarted
    | ShotChecked
    | ModelOpened
    | PlanReady
    | MasksFound
    | StageProgress
    | JobNotice
    | PreviewWritten
    | TakeDone
    | JobDone
    | JobFailed
)
"""For decoding: msgspec.json.decode(line, type=AnyJobEvent)."""

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[AnyJobEvent] = msgspec.msgpack.Decoder(AnyJobEvent)


def encode_event(event: AnyJobEvent) -> bytes:
    """An event as it is stored and travels: MessagePack, made once by whoever reports it."""
    return _encoder.encode(event)


def decode_event(data: bytes | memoryview) -> AnyJobEvent:
    """The reverse of `encode_event`."""
    return _decoder.decode(data)


def event_kind(event: AnyJobEvent | type[JobEvent]) -> str:
    """The name of an event's type, as in its field `event`."""
    return str(event.__struct_config__.tag)
