"""What a client asks of a service (PROTOCOL.md, Requests)."""

from __future__ import annotations

from bridge.wire.messages.body import Body
from contract.job import Footprint, JobSpec
from contract.plan import Plan
from contract.states import JobState
from contract.take import Note, Status


class Hello(Body, frozen=True, kw_only=True, tag="hello"):
    """The first request of a connection."""

    protocol_low: int
    protocol_high: int
    program: str
    version: str


class Ping(Body, frozen=True, kw_only=True, tag="ping"):
    """Are you there, and what are you doing?"""


class Submit(Body, frozen=True, kw_only=True, tag="submit"):
    """Put a job into the queue. The same `token` (any text that the client makes up) always names the same job."""

    token: str
    spec: JobSpec


class Approve(Body, frozen=True, kw_only=True, tag="approve"):
    """Go on with a job that awaits approval, with the plan as edited; None keeps the plan."""

    job: str
    plan: Plan | None = None


class Cancel(Body, frozen=True, kw_only=True, tag="cancel"):
    """End a job; what it stored stays, so that `Retry` continues from there."""

    job: str


class PauseJob(Body, frozen=True, kw_only=True, tag="pause_job"):
    """Stop a waiting or running job after its step, and keep it out of the queue until `Retry`."""

    job: str


class Retry(Body, frozen=True, kw_only=True, tag="retry"):
    """Queue a failed, cancelled or paused job again, if wanted with a smaller footprint."""

    job: str
    footprint: Footprint | None = None


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


class PauseQueue(Body, frozen=True, kw_only=True, tag="pause_queue"):
    """Start no further job (`on`), or continue starting them. The running job is not touched."""

    on: bool = True


class Stop(Body, frozen=True, kw_only=True, tag="stop"):
    """End the service gracefully; running jobs go back into the queue. Only for the key of the service's owner."""


Request = (
    Hello
    | Ping
    | Submit
    | Approve
    | Cancel
    | PauseJob
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
