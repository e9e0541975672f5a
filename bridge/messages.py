"""Everything that crosses the wire, as typed structs in MessagePack (PROTOCOL.md is the specification).

A client sends `Call`s and a service answers each with one `Answer` of the same number; beside that the service sends
`Push`es, which nobody asked for by number. Fields are only ever added, with defaults; unknown ones are ignored, and an
unknown request is answered with a refusal, never with silence.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from bridge.job_events import AnyJobEvent
from bridge.take import Note, Status, Take

PROTOCOL_LOW, PROTOCOL_HIGH = 1, 1
"""The versions of the protocol that this program speaks."""
LARGEST_MASK = 4_000_000
"""Bytes of a painted mask's PNG."""

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


# What is asked for ----------------------------------------------------------------------------------------------------


class Shaping(Part, frozen=True, kw_only=True):
    """What every order has; the fields of `backend.orders.TakeOrder`, `plan` being the plan itself, as plain values.

    `footprint` "small" trades speed for memory, after a job ran out of it. `plan_only` ends the job, as done, when
    plan and masks are there. `region` is a box that new content stays inside: left, top, right, bottom in parts of the
    picture. `levels` are the start levels of the iterations, falling.
    """

    instruction: str
    takes: int = 1
    seed: int = 0
    quality: str = "standard"
    effect: str | None = None
    assistant: str | None = None
    plan: dict[str, Any] | None = None
    plan_only: bool = False
    layer: str = "prores4444"
    segmenter: str | None = None
    footprint: Literal["normal", "small"] = "normal"
    region: tuple[float, float, float, float] | None = None
    levels: tuple[int, ...] | None = None


class Upload(Part, frozen=True, kw_only=True):
    """One file that came over the bridge: its place below the job's media folder ("clip.mov", "plate/0001.exr")."""

    path: str
    sha256: str


class AddSpec(Shaping, frozen=True, kw_only=True, tag="add", tag_field="kind"):
    """New content in a clip; see `backend.orders.AddOrder`.

    `source` is a path on the service's machine below one of its media roots or, with `uploads`, a path among them.
    `output` is a folder below a media root for the results; None keeps them in the service's own folder, from which
    they are downloaded.
    """

    source: str
    uploads: tuple[Upload, ...] = ()
    clip: str | None = None
    part: tuple[int, int] | None = None
    model: str = "tiny"
    output: str | None = None
    media_folders: tuple[str, ...] = ()
    rate: str | None = None
    download: bool = False


class EditedMask(Part, frozen=True, kw_only=True):
    """A matte that a person painted: white where the edit is, on frame `frame` of the take, from 0 on.

    `png` is a grey PNG of the upright picture, in any size of its shape, of at most LARGEST_MASK bytes.
    """

    frame: int
    png: bytes


class RefineSpec(Shaping, frozen=True, kw_only=True, tag="refine", tag_field="kind"):
    """A change of a finished take: `take_folder` on the service's machine, or `job` and `take` of an earlier job.

    `mask` takes the place of the mask that would be found: it is carried to the other frames with the picture's motion.
    """

    take_folder: str | None = None
    job: str | None = None
    take: int | None = None
    mask: EditedMask | None = None


Spec = AddSpec | RefineSpec


# Requests -------------------------------------------------------------------------------------------------------------


class Hello(Body, frozen=True, kw_only=True, tag="hello"):
    """The first request of a connection."""

    protocol_low: int
    protocol_high: int
    program: str
    version: str


class Ping(Body, frozen=True, kw_only=True, tag="ping"):
    """Are you there, and what are you doing?"""


class Submit(Body, frozen=True, kw_only=True, tag="submit"):
    """Put a job into the queue. The same `token` (any text that the client makes up) always names the same job.

    `hold` stops the job when its plan and masks are there, until `Approve`.
    """

    token: str
    spec: Spec
    hold: bool = False


class Approve(Body, frozen=True, kw_only=True, tag="approve"):
    """Go on with a job that awaits approval, with the plan as edited; None keeps the plan."""

    job: str
    plan: dict[str, Any] | None = None


class Cancel(Body, frozen=True, kw_only=True, tag="cancel"):
    """End a job; what it stored stays, so that `Retry` goes on from there."""

    job: str


class Retry(Body, frozen=True, kw_only=True, tag="retry"):
    """Queue a failed or cancelled job again, if wanted with a smaller footprint."""

    job: str
    footprint: Literal["normal", "small"] | None = None


class Reorder(Body, frozen=True, kw_only=True, tag="reorder"):
    """Put a queued job in front of another one of the same client, or None: behind all."""

    job: str
    before: str | None = None


class ListJobs(Body, frozen=True, kw_only=True, tag="list"):
    """The client's jobs, newest first; answered by `Jobs`."""

    states: tuple[JobState, ...] = ()
    limit: int = 200


class GetJob(Body, frozen=True, kw_only=True, tag="job"):
    """One job; answered by `JobReply`."""

    job: str


class Replay(Body, frozen=True, kw_only=True, tag="events"):
    """The events of a job from number `first` on (1 is its first); with `follow` later ones are pushed as they come.

    Answered by `Events`, at most `limit` of them: ask again from the next number until `last` is reached.
    """

    job: str
    first: int = 1
    limit: int = 1000
    follow: bool = False


class Follow(Body, frozen=True, kw_only=True, tag="follow"):
    """Push every change of all the client's jobs (`JobChanged`), or stop doing so."""

    on: bool = True


class ListTakes(Body, frozen=True, kw_only=True, tag="takes"):
    """Finished takes of one job or of all; answered by `Takes`."""

    job: str | None = None


class SetTake(Body, frozen=True, kw_only=True, tag="set_take"):
    """Change what people said about a take. None leaves as it is; `notes` replaces all notes."""

    job: str
    take: int
    status: Status | None = None
    notes: tuple[Note, ...] | None = None


class ListModels(Body, frozen=True, kw_only=True, tag="models"):
    """Which models there are; answered by `Models`."""


class Estimate(Body, frozen=True, kw_only=True, tag="estimate"):
    """What a job would need, before it is submitted; answered by `Estimated`."""

    model: str
    quality: str
    takes: int
    width: int
    height: int
    frames: int
    rate: str


class UploadBegin(Body, frozen=True, kw_only=True, tag="upload_begin"):
    """Offer a file of `bytes` bytes with this SHA-256; answered by `UploadState`."""

    sha256: str
    bytes: int


class UploadChunk(Body, frozen=True, kw_only=True, tag="upload_chunk"):
    """Bytes from `offset` on; `digest` is their BLAKE2b (32 bytes). Answered by `UploadState`."""

    sha256: str
    offset: int
    data: bytes
    digest: bytes


class DownloadBegin(Body, frozen=True, kw_only=True, tag="download_begin"):
    """One file of a take or of a job's folder, by its path below the job's output; answered by `DownloadState`."""

    job: str
    path: str


class DownloadChunk(Body, frozen=True, kw_only=True, tag="download_chunk"):
    """At most `length` bytes from `offset` of the file with this SHA-256; answered by `Chunk`."""

    job: str
    path: str
    sha256: str
    offset: int
    length: int


class GetStats(Body, frozen=True, kw_only=True, tag="stats"):
    """What the service is doing and has; answered by `Stats`."""


class PauseQueue(Body, frozen=True, kw_only=True, tag="pause"):
    """Start no further job (`on`), or go on starting them. The running job is not touched."""

    on: bool = True


class Stop(Body, frozen=True, kw_only=True, tag="stop"):
    """End the service gracefully; running jobs go back into the queue. Only for the key of the service's owner."""


Request = (
    Hello
    | Ping
    | Submit
    | Approve
    | Cancel
    | Retry
    | Reorder
    | ListJobs
    | GetJob
    | Replay
    | Follow
    | ListTakes
    | SetTake
    | ListModels
    | Estimate
    | UploadBegin
    | UploadChunk
    | DownloadBegin
    | DownloadChunk
    | GetStats
    | PauseQueue
    | Stop
)


# Replies --------------------------------------------------------------------------------------------------------------


class Limits(Part, frozen=True, kw_only=True):
    """What the service accepts: bytes of one message, bytes of one chunk, open transfers and queued jobs a client."""

    message_bytes: int
    chunk_bytes: int
    transfers: int
    queue: int


class Worker(Part, frozen=True, kw_only=True):
    """One device's process. `since` is the seconds for which it has been in this state."""

    device: str
    state: WorkerState
    job: str | None = None
    model: str | None = None
    since: float = 0.0


class Welcome(Body, frozen=True, kw_only=True, tag="welcome"):
    """The answer to `Hello`. `service` is another text after every start; `local_roots` are the media roots."""

    protocol: int
    version: str
    service: str
    capabilities: tuple[str, ...]
    limits: Limits
    media_roots: tuple[str, ...]
    shared: bool
    owner: bool


class Pong(Body, frozen=True, kw_only=True, tag="pong"):
    """Alive. `queued` and `running` count all clients' jobs."""

    state: Literal["idle", "busy", "stopping"]
    workers: tuple[Worker, ...]
    queued: int
    running: int
    paused: bool


class Failure(Part, frozen=True, kw_only=True):
    """Why a job failed; `offers` names what `Retry` can do about it ("again", "small")."""

    kind: str
    what: str
    why: str
    remedy: str
    exit_code: int
    offers: tuple[str, ...] = ()


class Job(Part, frozen=True, kw_only=True):
    """A job as a list shows it. `created` and `changed` are seconds since 1970 in UTC; `events` counts its events.

    `take`, `iteration`, `iterations`, `step`, `steps` and `seconds_left` say how far a running job is; `position` is
    its place in the queue, from 1 on, None when it does not wait.
    """

    id: str
    token: str
    state: JobState
    instruction: str
    source: str
    model: str
    quality: str
    seed: int
    takes: int
    output: str
    created: float
    changed: float
    events: int
    hold: bool
    attempt: int
    mine: bool = True
    position: int | None = None
    device: str | None = None
    take: int = 0
    takes_done: tuple[int, ...] = ()
    stage: str | None = None
    iteration: int = 0
    iterations: int = 0
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    failure: Failure | None = None
    footprint: str = "normal"


class JobReply(Body, frozen=True, kw_only=True, tag="job_reply"):
    """The answer to `Submit`, `Approve`, `Retry`, `Reorder` and `GetJob`: the job as it is now."""

    job: Job
    spec: Spec | None = None
    plan: dict[str, Any] | None = None


class Cancelled(Body, frozen=True, kw_only=True, tag="cancelled"):
    """The answer to `Cancel`."""

    outcome: CancelOutcome


class Jobs(Body, frozen=True, kw_only=True, tag="jobs"):
    """The answer to `ListJobs`."""

    jobs: tuple[Job, ...]


class Numbered(Part, frozen=True, kw_only=True):
    """An event and its number in its job, without gaps from 1 on; `time` is seconds since 1970 in UTC."""

    number: int
    time: float
    event: AnyJobEvent


class Events(Body, frozen=True, kw_only=True, tag="events_reply"):
    """The answer to `Replay`; `last` is the number of the job's newest event (0: none yet)."""

    job: str
    events: tuple[Numbered, ...]
    last: int


class TakeEntry(Part, frozen=True, kw_only=True):
    """A finished take: its job, number, folder on the service's machine, and take.json."""

    job: str
    number: int
    folder: str
    take: Take


class Takes(Body, frozen=True, kw_only=True, tag="takes_reply"):
    """The answer to `ListTakes` and, with the one take, to `SetTake`."""

    takes: tuple[TakeEntry, ...]


class Model(Part, frozen=True, kw_only=True):
    """A model that jobs can name. `bytes` is its size on the disk or of its download, 0 where unknown."""

    name: str
    title: str
    licence: str
    installed: bool
    bytes: int = 0
    about: str = ""


class Models(Body, frozen=True, kw_only=True, tag="models_reply"):
    """The answer to `ListModels`."""

    models: tuple[Model, ...]


class Estimated(Body, frozen=True, kw_only=True, tag="estimated"):
    """The answer to `Estimate`: forwards exactly; seconds from this machine's earlier takes (None: never measured).

    `model_frames`, `model_width`, `model_height` and `model_rate` are what the model would see of the shot.
    """

    forwards: int
    seconds: float | None
    memory_bytes: int | None
    disk_bytes: int
    model_frames: int
    model_width: int
    model_height: int
    model_rate: str


class UploadState(Body, frozen=True, kw_only=True, tag="upload_state"):
    """How much of an upload is on the service's disk: `have` bytes from the start; `complete` once it is verified."""

    sha256: str
    have: int
    complete: bool


class DownloadState(Body, frozen=True, kw_only=True, tag="download_state"):
    """What a download will bring. While the hash is computed, `ready` is false and `sha256` empty: ask again."""

    sha256: str
    bytes: int
    ready: bool = True


class Chunk(Body, frozen=True, kw_only=True, tag="chunk"):
    """Bytes of a download; `digest` is their BLAKE2b (32 bytes)."""

    offset: int
    data: bytes
    digest: bytes


class Stats(Body, frozen=True, kw_only=True, tag="stats_reply"):
    """What the service is doing and has, in all."""

    uptime: float
    workers: tuple[Worker, ...]
    jobs: dict[str, int]
    clients: int
    cache_bytes: int
    cache_limit: int
    disk_free: int
    memory_bytes: int


class Done(Body, frozen=True, kw_only=True, tag="done"):
    """The answer to what has no other: it was done."""


class Refused(Body, frozen=True, kw_only=True, tag="refused"):
    """The request was not carried out: the four facts of `bridge.errors.Problem`."""

    kind: str
    what: str
    why: str = ""
    remedy: str = ""


Reply = (
    Welcome
    | Pong
    | JobReply
    | Cancelled
    | Jobs
    | Events
    | Takes
    | Models
    | Estimated
    | UploadState
    | DownloadState
    | Chunk
    | Stats
    | Done
    | Refused
)


# Pushes ---------------------------------------------------------------------------------------------------------------


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


# Envelopes ------------------------------------------------------------------------------------------------------------


class Call(msgspec.Struct, frozen=True, array_like=True):
    """Client to service: `number` is the client's own count, `body` the request."""

    number: int
    body: Request


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """Service to client: the answer to `number`, or a push when `number` is 0."""

    number: int
    body: Reply | Pushed
