"""Which events of a resumed job were told before.

A job that goes on in a new process finds its finished work in the store and tells it again: that it started, opened
the model, has a plan. Whoever watches hears everything once.
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
    """What was told of one job so far. A failure or a cancellation closes the tale: after it all is told anew."""

    def __init__(self) -> None:
        self._words: set[bytes] = set()
        self._takes: set[int] = set()
        self._steps: dict[tuple[int, str, int], int] = {}

    def is_repeat(self, event: AnyJobEvent) -> bool:
        """Whether the event tells nothing that was not told before.

        A step is a repeat when it or a later one of its stage was told, a finished take whatever it says (the second
        time it was not made but found), a plan when it is the same (the second time it was not written but kept),
        anything else when it was told in the same words. Previews are none: each replaces the one before.
        """
        if isinstance(event, StageProgress):
            return event.step <= self._steps.get((event.take, event.stage, event.iteration), -1)
        if isinstance(event, TakeDone):
            return event.take in self._takes
        return not isinstance(event, PreviewWritten) and _words_of(event) in self._words

    def add(self, event: AnyJobEvent) -> None:
        """The event was told."""
        if isinstance(event, JobDone | JobFailed):
            self._words, self._takes, self._steps = set(), set(), {}
        elif isinstance(event, StageProgress):
            self._steps[event.take, event.stage, event.iteration] = event.step
        elif isinstance(event, TakeDone):
            self._takes.add(event.take)
        elif not isinstance(event, PreviewWritten):
            self._words.add(_words_of(event))
        if isinstance(event, JobNotice) and event.kind == "retry":
            # Another attempt at the same iteration: its steps are counted from the first one again.
            self._steps = {key: step for key, step in self._steps.items() if key[:2] != (event.take, "refining")}


def _words_of(event: AnyJobEvent) -> bytes:
    if isinstance(event, PlanReady):
        event = msgspec.structs.replace(event, origin="kept", remarks=[])
    return msgspec.json.encode(event)
