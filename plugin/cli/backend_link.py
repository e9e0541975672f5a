"""The command line's link to one backend: calls, and the events of a job across restarts of the backend."""

from __future__ import annotations

import contextlib
import sys
import time
from collections import deque
from collections.abc import Callable, Generator
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from bridge.local import local_service
from bridge.local.folders import key_folder, state_folder
from bridge.wire.client import Client
from bridge.wire.keys import KeyFolder
from bridge.wire.messages import GetJob, Job, JobReply, Jobs, ListJobs, Numbered, Request, Retry, Welcome
from contract.errors import NotFound, Problem, ProtocolError, Refusal, Unreachable
from contract.events import JobDone, JobFailed

PROGRAM = "dynvfx command line"
SILENCE = 4.0
"""Seconds without an answer after which a warning is printed."""
CONNECT_WITHIN = 10.0
"""Seconds within which a backend on another machine has to answer."""
GIVE_UP = 60.0
"""Seconds without an answer after which a backend on another machine is given up; its jobs continue there."""

_Kind = TypeVar("_Kind")


class BackendLink:
    """A connected client, opened again when the backend that it belongs to is gone."""

    def __init__(self, open_client: Callable[[], Client], *, remote: str | None = None) -> None:
        """Connects. `remote` is the address of a backend on another machine. Raises Unreachable, Refusal, ..."""
        self._open_client = open_client
        self.remote = remote
        self.client = open_client()

    @property
    def welcome(self) -> Welcome:
        """What the backend reported about itself."""
        return self.client.welcome

    def ask(self, request: Request, reply: type[_Kind], timeout: float = 30.0) -> _Kind:
        """The backend's reply. Raises Refusal, Unreachable, ProtocolError for a reply of another kind."""
        try:
            answer = self.client.call(request, timeout=timeout)
        except Unreachable:
            # All but a retry do the same when they are done twice.
            if isinstance(request, Retry) or not self._is_over(0):
                raise
            self.reopen()
            answer = self.client.call(request, timeout=timeout)
        if not isinstance(answer, reply):
            raise ProtocolError(
                f"The backend answered with {type(answer).__name__}.", remedy="Update this program and the backend."
            )
        return answer

    def job(self, given: str) -> Job:
        """The job that an id, or the unambiguous beginning of one, means. Raises NotFound."""
        whole = self.find(given) if len(given) == 12 else None
        if whole is not None:
            return whole
        found = [job for job in self.ask(ListJobs(limit=10_000), Jobs).jobs if job.id.startswith(given)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(job.id for job in found[:6])
            raise NotFound(f"{len(found)} jobs begin with {given}: {names}.", remedy="Name more of its id.")
        raise NotFound(f"There is no job {given}.", remedy="`dynvfx jobs --all` lists them.")

    def find(self, job: str) -> Job | None:
        """The job with this whole id, None when the backend has no such one."""
        try:
            return self.ask(GetJob(job=job), JobReply).job
        except Refusal as refusal:
            if refusal.kind != "not_found":
                raise
            return None

    def events(self, job: str, first: int = 1) -> Generator[Numbered, None, None]:
        """Every event from number `first` on, each once, until the last one that ends the job.

        An earlier failure that was tried again is among them. Raises Unreachable, Refusal.
        """
        coming = first
        while True:
            arrived: deque[Numbered] = deque()
            problems: deque[Problem] = deque()
            session = self.client.session
            followed = session.follow_job(job, coming, arrived.append, problems.append)
            last_answer, warned = time.monotonic(), False
            try:
                while True:
                    session.step(200)
                    while arrived:
                        numbered = arrived.popleft()
                        coming = numbered.number + 1
                        yield numbered
                        ends = isinstance(numbered.event, JobDone | JobFailed)
                        if ends and not arrived and followed.last <= numbered.number:
                            return
                    if problems:
                        raise problems.popleft()
                    if session.state == "ready":
                        last_answer, warned = time.monotonic(), False
                        continue
                    silent = time.monotonic() - last_answer
                    if silent > SILENCE and not warned:
                        warned = True
                        print("The backend does not answer; trying again ...", file=sys.stderr, flush=True)
                    if self._is_over(silent):
                        break
            finally:
                with contextlib.suppress(Problem):
                    session.unfollow_job(job)
            self.reopen()

    def reopen(self) -> None:
        """A new client; on this machine the backend is started again if it is gone. Raises what connecting raises."""
        self.client.close()
        self.client = self._open_client()

    def close(self) -> None:
        """End the connection."""
        self.client.close()

    def _is_over(self, silent: float) -> bool:
        """Whether this connection can never work again. Raises Unreachable for a backend that is given up."""
        session = self.client.session
        if session.state == "refused" and session.problem is not None:
            raise session.problem
        if self.remote is not None:
            if silent > GIVE_UP:
                raise session.problem or Unreachable(
                    f"The backend at {self.remote} does not answer.",
                    "The connection was lost; its jobs continue there.",
                    "Check the network, then give the same command again.",
                )
            return False
        running = local_service.find()
        return running is None or running.address != session.address


def open_link(address: str | None, key: str | None) -> BackendLink:
    """A link to the backend at `address`, else to this machine's own, which is started when none runs.

    Raises ServiceNotStarted, Unreachable, Refusal, NotPrivate, BadKey.
    """
    if address is None or key is None:
        return BackendLink(lambda: local_service.connect(program=PROGRAM))
    return BackendLink(lambda: _remote_client(address, key), remote=address)


def _remote_client(address: str, key: str) -> Client:
    home: Path = state_folder()
    pair = KeyFolder(key_folder(home)).client_pair()
    return Client(address, key, pair, program=PROGRAM, version=version("dynvfx"), wait=CONNECT_WITHIN)
