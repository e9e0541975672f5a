"""The events of one job as a client gets them: each once, in order, across any number of connections."""

from __future__ import annotations

from collections.abc import Callable

from bridge.wire.messages import Events, Numbered, Replay
from bridge.wire.pending import Outcome
from contract.errors import Problem, Unreachable

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
        self.ended = False
        """Nothing is handed on any more."""
        self._behind = True
        self._asked = False
        self._on_event, self._on_problem = on_event, on_problem

    def due(self) -> Replay | None:
        """What to ask the service for now; `answered` or `disconnected` follows."""
        if not self._behind or self._asked or self.ended:
            return None
        self._asked = True
        return Replay(job=self.job, first=self.next, limit=PAGE, follow=True)

    def answered(self, outcome: Outcome) -> None:
        """Take what was asked for; a refusal ends the following."""
        self._asked = False
        if isinstance(outcome, Events):
            self.last = max(self.last, outcome.last)
            before = self.next
            for numbered in outcome.events:
                self._take(numbered)
            # A service that shows less than it counts must not be asked in a circle.
            self._behind = before < self.next <= self.last
        elif isinstance(outcome, Problem) and not isinstance(outcome, Unreachable) and not self.ended:
            self.ended = True
            self._on_problem(outcome)

    def pushed(self, numbered: Numbered) -> None:
        """Take an event that came by itself."""
        self.last = max(self.last, numbered.number)
        if numbered.number > self.next:
            self._behind = True
        self._take(numbered)

    def disconnected(self) -> None:
        """What was asked for will not come, and pushes may have been missed."""
        self._asked = False
        self._behind = True

    def stop(self) -> None:
        """Hand nothing on any more, not even what is in hand."""
        self.ended = True

    def _take(self, numbered: Numbered) -> None:
        if numbered.number == self.next and not self.ended:
            self.next += 1
            self._on_event(numbered)
