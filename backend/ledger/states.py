"""The moves between the states of a job, and which state an event of a running job means."""

from __future__ import annotations

from contract.errors import BAD_USAGE, Problem
from contract.events import (
    AnyJobEvent,
    JobDone,
    JobFailed,
    JobStarted,
    ModelOpened,
    PlanReady,
    ShotChecked,
    StageProgress,
)
from contract.states import RUNNING, STATES, JobState, Stage


def _moves() -> dict[JobState, frozenset[JobState]]:
    """Work goes forward, over stages whose product is stored already; the next take begins behind the plan again.

    A running job goes back into the queue when its worker or the service ends, a paused, failed or cancelled one when
    a person says so. A
    job that awaits approval is queued for its next part, or continues where its worker waited for it. A job is done
    after its last delivery, after its plan when only that was asked for, or at once when all its takes were made
    before.
    """
    moves: dict[JobState, set[JobState]] = {state: set() for state in STATES}
    for place, state in enumerate(RUNNING):
        moves[state] = {*RUNNING[place + 1 :], "queued", "paused", "failed", "cancelled"}
    moves["queued"] = {"preparing", "paused", "failed", "cancelled"}
    moves["paused"] = {"queued", "failed", "cancelled"}
    for state in ("preparing", "planning"):
        moves[state] |= {"awaiting_approval", "done"}
    moves["awaiting_approval"] = {"queued", *RUNNING[RUNNING.index("encoding") :], "failed", "cancelled"}
    moves["delivering"] |= {"encoding", "inverting", "refining", "done"}
    moves["failed"] = {"queued"}
    moves["cancelled"] = {"queued"}
    return {state: frozenset(allowed) for state, allowed in moves.items()}


MOVES: dict[JobState, frozenset[JobState]] = _moves()


class IllegalMove(Problem):
    """A job cannot go from the state that it is in to the one that was asked for."""

    kind, exit_code = "illegal_move", BAD_USAGE

    def __init__(self, job: str, state: JobState, wanted: str) -> None:
        allowed = ", ".join(sorted(MOVES[state])) or "nowhere"
        super().__init__(
            f"Job {job} is {state}; it cannot become {wanted}.",
            f"From there it can only go to: {allowed}.",
            "Look at the job again; it may have changed meanwhile.",
        )


def check_move(job: str, state: JobState, wanted: JobState) -> None:
    """Raises IllegalMove when the table has no such move; staying is none and always allowed."""
    if wanted != state and wanted not in MOVES[state]:
        raise IllegalMove(job, state, wanted)


_STAGES: dict[Stage, JobState] = {
    "segmenting": "planning",
    "encoding": "encoding",
    "inverting": "inverting",
    "refining": "refining",
    # Its event comes when it is over: the delivery begins then.
    "finishing": "delivering",
    "delivering": "delivering",
}


def state_after(event: AnyJobEvent, state: JobState) -> JobState:
    """The state of a running job (now in `state`) once `event` has come; the same one when the event says nothing new.

    Every take looks for the masks, which are stored since the first one: that does not lead back into planning.
    """
    wanted = state
    if isinstance(event, JobStarted | ShotChecked):
        wanted = "preparing"
    elif isinstance(event, ModelOpened | PlanReady):
        wanted = "planning"
    elif isinstance(event, StageProgress):
        wanted = _STAGES.get(event.stage, state)
    elif isinstance(event, JobDone):
        return "done"
    elif isinstance(event, JobFailed):
        return "cancelled" if event.kind == "cancelled" else "failed"
    return wanted if wanted in MOVES[state] else state
