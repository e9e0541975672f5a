"""The events of one job as a client gets them: each once, in order, across any number of connections."""

from __future__ import annotations

from collections.abc import Callable

from bridge.errors import Problem
from bridge.messages import Events, Numbered, Replay

PAGE = 1000
"""Events asked for at once."""


class FollowedJob:
    """Knows which event comes next, and wants a replay whenever it is not the one that came."""

    def __init__(
        self, job: str, first: int, on_event: Callable[[Numbered], None], on_problem: Callable[[Problem], None]
    ) -> None:
        self.job = job
        self.next = max(first, 1)
        """The number of the event that is handed on next."""
        self.last = 0
        """The highest number known to exist."""
        self.wants_replay = True
        self._asked = False
        self._stopped = False
        self._on_event, self._on_problem = on_event, on_problem

    def due(self) -> Replay | None:
        """What to ask the service for now; `replayed` or `failed` follows."""
        if not self.wants_replay or self._asked or self._stopped:
            return None
        self._asked = True
        return Replay(job=self.job, first=self.next, limit=PAGE, follow=True)

    def replayed(self, page: Events) -> None:
        """Take what was asked for."""
        self._asked = False
        self.last = max(self.last, page.last)
        before = self.next
        for numbered in page.events:
            self._take(numbered)
        # A service that shows less than it counts must not be asked in a circle.
        self.wants_replay = before < self.next <= self.last

    def pushed(self, numbered: Numbered) -> None:
        """Take an event that came by itself."""
        self.last = max(self.last, numbered.number)
        if numbered.number > self.next:
            self.wants_replay = True
        self._take(numbered)

    def disconnected(self) -> None:
        """What was asked for will not come, and pushes may have been missed."""
        self._asked = False
        self.wants_replay = True

    def refused(self, problem: Problem) -> None:
        """The service does not show this job."""
        if not self._stopped:
            self._stopped = True
            self._on_problem(problem)

    def stop(self) -> None:
        """Hand nothing on any more, not even what is in hand."""
        self._stopped = True

    def _take(self, numbered: Numbered) -> None:
        if numbered.number == self.next and not self._stopped:
            self.next += 1
            self._on_event(numbered)
