"""A job or a take as the list shows it: plain values, made from the backend's records."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bridge.wire.messages import Job, TakeEntry
from contract.errors import Problem
from contract.preflight import Preflight
from contract.states import RUNNING, STATE_TEXTS, stage_text
from contract.take import Take
from plugin.panel.models.number_text import duration_text

Action = Literal[
    "pause",
    "cancel",
    "retry",
    "retry_small",
    "up",
    "down",
    "dismiss",
    "plan",
    "review",
    "place",
    "version",
    "again",
    "folder",
]


@dataclass
class JobProgress:
    """A job with the progress that its events reported. `next_event` is the number of the next event."""

    job: Job
    shot: str
    next_event: int = 1
    preview: str = ""
    preview_stamp: int = 0
    notices: list[str] = field(default_factory=list)
    checked: Preflight | None = None


@dataclass(frozen=True)
class Card:
    """One row of the list.

    progress: in [0, 1], None where there is none
    picture, stamp: a still; another `stamp` means that the file was replaced
    movie: the preview movie of a finished take's thumbnail
    depth: the number of ancestors of a follow-up
    problem: why a job failed
    checked: what was found out about the shot
    """

    kind: Literal["job", "take"]
    id: str
    title: str
    line: str
    state: str
    state_text: str
    shot: str
    actions: tuple[Action, ...]
    job: str
    number: int = 0
    progress: float | None = None
    picture: str = ""
    stamp: int = 0
    movie: str = ""
    notes: int = 0
    depth: int = 0
    placed: bool = False
    problem: Problem | None = None
    folder: str = ""
    take: Take | None = None
    checked: Preflight | None = None

    @property
    def row_id(self) -> str:
        """Identifies a row while its values change."""
        return f"{self.kind}:{self.job}:{self.number}"


def job_card(progress: JobProgress) -> Card:
    """The card of a job that is waiting, running, failed or paused."""
    job = progress.job
    problem = None
    if job.failure is not None and job.state == "failed":
        problem = job.failure.as_problem()
    return Card(
        kind="job",
        id=job.id,
        title=job.instruction,
        line=_job_line(job),
        state=job.state,
        state_text=STATE_TEXTS[job.state],
        shot=progress.shot,
        actions=_job_actions(job),
        job=job.id,
        progress=_share(job) if job.state in RUNNING else None,
        picture=progress.preview,
        stamp=progress.preview_stamp,
        problem=problem,
        checked=progress.checked,
    )


def take_card(entry: TakeEntry, shot: str, label: str, parent: str, depth: int, placed: bool) -> Card:
    """The card of a finished take; `parent` is the label of the take that it follows up, "" when there is none."""
    take = entry.take
    seconds = sum(take.seconds.values())
    facts = [f"seed {take.seed}", take.model.rstrip("/").rpartition("/")[2]]
    if seconds:
        facts.append(duration_text(seconds))
    if take.matte_coverage is not None:
        facts.append(f"covers {100 * take.matte_coverage:.0f}\u00a0%")
    if parent:
        facts.append(f"follow-up of {parent}")
    notices = len(take.preflight.notices) if take.preflight else 0
    if notices:
        facts.append(f"{notices} notice{'' if notices == 1 else 's'}")
    return Card(
        kind="take",
        id=take.id,
        title=f"{label} · {take.instruction}",
        line=" · ".join(facts),
        state=take.status,
        state_text=take.status,
        shot=shot,
        actions=("review", "place", "version", "again", "folder"),
        job=entry.job,
        number=entry.number,
        picture=_file(entry, "thumbnail"),
        movie=_file(entry, "preview"),
        notes=len(take.notes),
        depth=depth,
        placed=placed,
        folder=entry.folder,
        take=take,
        checked=take.preflight,
    )


def _file(entry: TakeEntry, role: str) -> str:
    found = next((each.path for each in entry.take.media if each.role == role), "")
    return str(Path(entry.folder) / found) if found else ""


def _share(job: Job) -> float:
    """The finished share of a job in [0, 1] over all its takes; all iterations of a take count the same."""
    takes = max(1, job.takes)
    within = 0.0
    if job.steps:
        step = job.step / job.steps
        if job.stage == "refining" and job.iterations:
            within = 0.2 + 0.7 * (job.iteration - 1 + step) / job.iterations
        elif job.stage in ("finishing", "delivering"):
            within = 0.9 + 0.1 * step
        elif job.stage != "checking":
            within = 0.2 * step
    done = max(len(job.takes_done), job.take - 1 if job.take <= takes else 0)
    return min(1.0, (min(done, takes) + within) / takes)


def _job_line(job: Job) -> str:
    if job.state == "queued":
        text = f"position {job.position} in the queue" if job.position else "queued"
        return f"{text} · {_quality(job)}"
    if job.state in RUNNING:
        parts = [_stage(job)]
        if job.takes > 1:
            parts.insert(0, f"take {min(job.takes, len(job.takes_done) + 1)} of {job.takes}")
        if job.seconds_left is not None:
            parts.append(f"{duration_text(job.seconds_left)} left")
        if job.attempt > 1:
            parts.append(f"attempt {job.attempt}")
        return " · ".join(parts)
    if job.state == "failed" and job.failure is not None:
        return " ".join(part for part in (job.failure.what, job.failure.remedy) if part)
    if job.state == "paused":
        return "Taken out of the queue. Finished work is kept; Continue resumes from there."
    return _quality(job)


def _quality(job: Job) -> str:
    model = job.model.rstrip("/").rpartition("/")[2]
    return f"{job.quality} · {model} · seed {job.seed}"


def _stage(job: Job) -> str:
    text = stage_text(job.stage, job.iteration, job.iterations) if job.stage else STATE_TEXTS[job.state]
    return f"{text}, step {job.step} of {job.steps}" if job.steps else text


def _job_actions(job: Job) -> tuple[Action, ...]:
    if job.state == "queued":
        return ("up", "down", "pause", "cancel")
    if job.state == "awaiting_approval":
        return ("plan", "cancel")
    if job.state in RUNNING:
        return ("pause", "cancel")
    if job.state == "paused":
        return ("retry", "cancel")
    small: tuple[Action, ...] = ("retry_small",) if job.failure and "small" in job.failure.offers else ()
    return ("retry", *small, "dismiss")
