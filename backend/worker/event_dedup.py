"""Which events of a resumed job are repeats.

A job that continues in a new process finds its finished work in the store and reports it again: that it started, opened
the model, has a plan. Clients get everything once.
"""

from __future__ import annotations

import msgspec

from contract.events import (
    AnyJobEvent,
    JobDone,
    JobFailed,
    JobNotice,
    PlanReady,
    PreviewWritten,
    StageProgress,
    TakeDone,
)


class SeenEvents:
    """What one job has reported. Its end closes the list: a retry reports everything anew."""

    def __init__(self) -> None:
        self._contents: set[bytes] = set()
        self._takes: set[int] = set()
        self._steps: dict[tuple[int, str, int], int] = {}

    def is_repeat(self, event: AnyJobEvent) -> bool:
        """Whether the event says nothing new.

        A step is a repeat when it or a later one of its stage was reported, a finished take whatever it says (the
        second time it was not made but found), a plan when it is the same (the second time it was not written but
        kept), anything else when all its fields are the same. Previews are none: each replaces the one before.
        """
        if isinstance(event, StageProgress):
            return event.step <= self._steps.get((event.take, event.stage, event.iteration), -1)
        if isinstance(event, TakeDone):
            return event.take in self._takes
        return not isinstance(event, PreviewWritten) and _content(event) in self._contents

    def add(self, event: AnyJobEvent) -> None:
        """The event was reported."""
        if isinstance(event, JobDone | JobFailed):
            self._contents, self._takes, self._steps = set(), set(), {}
        elif isinstance(event, StageProgress):
            self._steps[event.take, event.stage, event.iteration] = event.step
        elif isinstance(event, TakeDone):
            self._takes.add(event.take)
        elif not isinstance(event, PreviewWritten):
            self._contents.add(_content(event))
        if isinstance(event, JobNotice) and event.kind == "retry":
            # Another attempt at the same iteration: its steps are counted from the first one again.
            self._steps = {key: step for key, step in self._steps.items() if key[:2] != (event.take, "refining")}


def _content(event: AnyJobEvent) -> bytes:
    if isinstance(event, PlanReady):
        event = msgspec.structs.replace(event, origin="kept", remarks=[])
    return msgspec.json.encode(event)
