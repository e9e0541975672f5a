"""What a service answers (PROTOCOL.md, Replies)."""

from __future__ import annotations

from bridge.wire.messages.body import Body
from contract.errors import ProblemFacts
from contract.events import AnyJobEvent
from contract.job import Footprint, JobSpec, Quality
from contract.part import Part
from contract.plan import Plan
from contract.states import BackendState, CancelOutcome, JobState, Stage, WorkerState
from contract.take import Take


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
    paused: bool = False


class Pong(Body, frozen=True, kw_only=True, tag="pong"):
    """Alive. `queued` and `running` count all clients' jobs."""

    state: BackendState
    workers: tuple[Worker, ...]
    queued: int
    running: int
    paused: bool


class Failure(Part, ProblemFacts, frozen=True, kw_only=True):
    """Why a job failed; `offers` names what `Retry` can do about it ("again", "small")."""

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
    quality: Quality
    seed: int
    takes: int
    output: str
    created: float
    changed: float
    events: int
    attempt: int
    mine: bool = True
    position: int | None = None
    device: str | None = None
    take: int = 0
    takes_done: tuple[int, ...] = ()
    stage: Stage | None = None
    iteration: int = 0
    iterations: int = 0
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    failure: Failure | None = None
    footprint: Footprint = "normal"


class JobReply(Body, frozen=True, kw_only=True, tag="job_reply"):
    """The answer to `Submit`, `Approve`, `Retry`, `Reorder` and `GetJob`: the job as it is now."""

    job: Job
    spec: JobSpec | None = None
    plan: Plan | None = None


class CancelReply(Body, frozen=True, kw_only=True, tag="cancelled"):
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
    """The answer to `ListModels`; the first model is the default."""

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
    jobs: dict[JobState, int]
    clients: int
    cache_bytes: int
    cache_limit: int
    disk_free: int
    memory_bytes: int


class Done(Body, frozen=True, kw_only=True, tag="done"):
    """The answer to what has no other: it was done."""


class Refused(Body, ProblemFacts, frozen=True, kw_only=True, tag="refused"):
    """The request was not carried out."""


Reply = (
    Welcome
    | Pong
    | JobReply
    | CancelReply
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
