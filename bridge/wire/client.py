"""A client that waits for its answers: for the command line, scripts and tests."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from bridge.wire.keys import KeyPair
from bridge.wire.messages import Numbered, Reply, Request, Welcome
from bridge.wire.pending import Outcome
from bridge.wire.refusals import NotAuthorised, VersionMismatch
from bridge.wire.session import Session
from contract.errors import Problem, Unreachable
from contract.events import JobDone, JobFailed

FINAL = frozenset({NotAuthorised.kind, VersionMismatch.kind})
"""Kinds of refusals that waiting does not change."""
_STEP_MS = 1000


class Client:
    """A `Session` and the loop around it; for one thread. Lost connections are made anew while something is awaited."""

    def __init__(
        self,
        address: str,
        server_key: str,
        key_pair: KeyPair,
        *,
        program: str,
        version: str,
        wait: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Connect. Raises Unreachable when the service has not answered after `wait` seconds, Refusal when it refuses
        this client, BadAddress, BadKey."""
        self.session = Session(address, server_key, key_pair, program=program, version=version, clock=clock)
        self._clock = clock
        with contextlib.ExitStack() as opening:
            opening.callback(self.close)  # an interrupt as well must not leave the connection behind
            self._until(lambda: self.session.state == "ready", wait)
            opening.pop_all()

    @property
    def welcome(self) -> Welcome:
        """What the service said of itself at the latest connection."""
        assert self.session.welcome is not None  # the constructor waited for it
        return self.session.welcome

    def call(self, request: Request, timeout: float = 10.0) -> Reply:
        """The service's reply, never Refused.

        Raises Refusal when the service refuses the request, Unreachable when no answer comes within `timeout` seconds,
        ConnectionLost when it is unknown whether the request was carried out, TooLarge, ProtocolError.
        """
        return next(self.call_many([request], timeout))

    def call_many(self, requests: Iterable[Request], timeout: float = 10.0, window: int = 8) -> Iterator[Reply]:
        """The replies to many requests in their order, with up to `window` of them under way at once.

        `timeout` holds for each. Raises as `call` does, at the place of the request that went wrong.
        """
        waiting: deque[tuple[int, list[Outcome]]] = deque()
        source = iter(requests)
        exhausted = False
        try:
            while True:
                while not exhausted and len(waiting) < window:
                    try:
                        request = next(source)
                    except StopIteration:
                        exhausted = True
                        break
                    box: list[Outcome] = []
                    waiting.append((self.session.send(request, timeout, box.append), box))
                if not waiting:
                    return
                number, box = waiting[0]
                self._until(partial(bool, box), None)
                waiting.popleft()
                outcome = box[0]
                if isinstance(outcome, Problem):
                    raise self._explained(outcome)
                yield outcome
        finally:
            for number, _ in waiting:
                self.session.forget(number)

    def events(self, job: str, first: int = 1, *, patience: float | None = 60.0) -> Iterator[Numbered]:
        """Each event of a job from number `first` on, once and in order, until the job has ended.

        The last one is the job's newest event when that says that the job is done or failed. Raises Refusal when the
        service does not show the job, Unreachable when it has been away for `patience` seconds (None: for ever).
        """
        arrived: deque[Numbered] = deque()
        problems: list[Problem] = []
        followed = self.session.follow_job(job, first, arrived.append, problems.append)
        try:
            while True:
                self._until(lambda: bool(arrived or problems), None, patience)
                while arrived:
                    numbered = arrived.popleft()
                    yield numbered
                    ended = isinstance(numbered.event, JobDone | JobFailed)
                    # A job that failed and was started again has such an event in its midst.
                    if ended and numbered.number >= followed.last:
                        return
                if problems:
                    raise problems[0]
        finally:
            self.session.unfollow_job(job, followed)

    def wait(self, seconds: float) -> None:
        """Let the session do what is due, for at most `seconds`."""
        self.session.step(max(1, int(seconds * 1000)))

    def close(self) -> None:
        """End the connection."""
        self.session.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _until(self, reached: Callable[[], bool], seconds: float | None, patience: float | None = None) -> None:
        """Step until `reached`. Raises when the service refuses us for good, or was away for too long."""
        ends = None if seconds is None else self._clock() + seconds
        away_since = self._clock()
        while not reached():
            self.session.step(_STEP_MS if ends is None else max(1, min(_STEP_MS, int((ends - self._clock()) * 1000))))
            if reached():
                return
            now, problem = self._clock(), self.session.problem
            if self.session.state == "refused" and problem is not None and problem.kind in FINAL:
                raise problem
            if self.session.state == "ready":
                away_since = now
            if (ends is not None and now >= ends) or (patience is not None and now - away_since >= patience):
                raise problem or _no_answer(self.session.address)

    def _explained(self, problem: Problem) -> Problem:
        """Why there is no answer, where the session knows more than that the time is up."""
        if type(problem) is Unreachable and self.session.problem is not None:
            return self.session.problem
        return problem


def _no_answer(address: str) -> Unreachable:
    return Unreachable(
        f"The backend at {address} has not answered yet.", "", "Look whether it is running: `dynvfx doctor`."
    )
