"""The states of a job and the stages of its work, and their texts for people, on the command line and in the panel."""

from __future__ import annotations

from typing import Literal, get_args

JobState = Literal[
    "queued",
    "preparing",
    "planning",
    "awaiting_approval",
    "paused",
    "encoding",
    "inverting",
    "refining",
    "delivering",
    "done",
    "failed",
    "cancelled",
]
CancelOutcome = Literal["cancelled", "already_done", "not_found"]
BackendState = Literal["idle", "busy", "stopping"]
WorkerState = Literal["starting", "idle", "loading", "busy", "stopped"]
Stage = Literal[
    "uploading", "checking", "segmenting", "encoding", "inverting", "refining", "finishing", "delivering", "downloading"
]
"""The first and the last only where the clip or the take travels to or from another machine."""

STATES: tuple[JobState, ...] = get_args(JobState)
RUNNING: tuple[JobState, ...] = ("preparing", "planning", "encoding", "inverting", "refining", "delivering")
"""A worker has the job; in the order of the work."""
WAITING: tuple[JobState, ...] = ("queued", "awaiting_approval", "paused")
"""The job continues later: when a worker is free, or when a person continues it."""
ENDED: tuple[JobState, ...] = ("done", "failed", "cancelled")
"""Nothing more comes, unless the job is tried again."""

WORKER_STAGES: tuple[Stage, ...] = ("segmenting", "encoding", "inverting", "refining", "finishing", "delivering")
"""Stages of the work itself, in their order; their steps are counted one by one."""

STATE_TEXTS: dict[JobState, str] = {
    "queued": "waiting",
    "preparing": "preparing",
    "planning": "planning",
    "awaiting_approval": "plan ready",
    "paused": "paused",
    "encoding": "encoding",
    "inverting": "inverting",
    "refining": "denoising",
    "delivering": "writing files",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
_STAGE_TEXTS: dict[Stage, str] = {
    "uploading": "Sending the clip",
    "checking": "Checking the shot",
    "segmenting": "Segmenting",
    "encoding": "Encoding the shot",
    "inverting": "Inverting the shot",
    "refining": "Denoising",
    "finishing": "Finishing",
    "delivering": "Writing files",
    "downloading": "Fetching the take",
}


def stage_text(stage: Stage, iteration: int = 0, iterations: int = 0) -> str:
    """A stage for people: "Segmenting", "Denoising, pass 3 of 6"."""
    text = _STAGE_TEXTS[stage]
    return f"{text}, pass {iteration} of {iterations}" if iterations else text
