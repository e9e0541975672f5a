"""A client's lasting relation to a service, across lost connections; for any event loop, without a thread.

The owner calls `step` when `fd` becomes readable, when `next_due` has passed, and after each `send`. A blocking
program does so in a loop (`bridge.wire.client`); a Qt program with a QSocketNotifier, made anew in `on_fd`, and a
single-shot QTimer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import zmq

from bridge.wire.encoding import DecodeError, answer_number, decode_answer
from bridge.wire.followed_job import FollowedJob
from bridge.wire.keys import KeyPair
from bridge.wire.link import ATTEMPT_SECONDS, Link, State
from bridge.wire.messages import (
    Answer,
    EventPushed,
    Follow,
    Numbered,
    Ping,
    Pong,
    Pushed,
    Refused,
    Replay,
    Request,
    Welcome,
)
from bridge.wire.pending import Outcome, PendingCalls
from bridge.wire.refusals import NotAuthorised, NotGreeted
from bridge.wire.session_errors import hangs, not_understood, refusal
from contract.errors import Problem, Unreachable

PING_EVERY, PONG_WITHIN, SILENCE_ENDS_CONNECTION = 2.0, 5.0, 30.0
REPLAY_WITHIN = 20.0
END_OF_EVENTS = 2**53
"""No job has so many."""

_READ_AT_ONCE = 1000


def _ignore(_: Any) -> None:
    pass


class Session:
    """Calls, pushes and followed jobs over one connection after another.

    `state` is "connecting" at first and after a break, "ready" while the service answers, "silent" while it does not,
    and "refused" when the service will not have us; `problem` says why and what to do. It keeps trying in all of
    them. When it becomes "ready" again, calls that may be repeated are sent again and followed jobs continue with their
    next event; a list of jobs is to be asked for anew. Callbacks come only from within `step` (and `close`) and may
    call everything here. `pong` is the newest answer to a ping, `welcome` the one to the newest hello.
    """

    def __init__(
        self,
        address: str,
        server_key: str,
        key_pair: KeyPair,
        *,
        program: str,
        version: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins to connect at once. Raises BadAddress or BadKey for what can never be one."""
        self.address, self.server_key, self.key_pair = address, server_key, key_pair
        self.welcome: Welcome | None = None
        self.pong: Pong | None = None
        self.connections = 0
        """How often the service has welcomed us."""
        self.on_state: Callable[[State], None] = _ignore
        self.on_push: Callable[[Pushed], None] = _ignore
        self.on_pong: Callable[[Pong], None] = _ignore
        self.on_fd: Callable[[int | None], None] = _ignore
        self._clock = clock
        self._calls = PendingCalls(clock)
        self._followed: dict[str, FollowedJob] = {}
        self._follows_all = False
        self._pinged = False
        self._received = self._silent_since = clock()
        self._link = Link(address, server_key, key_pair, clock, program=program, version=version)
        self._link.on_state = lambda state: self.on_state(state)
        self._link.on_fd = lambda descriptor: self.on_fd(descriptor)
        self._link.on_welcome, self._link.on_lost = self._welcomed, self._lost
        try:
            self._link.keep_time()
        except Problem:
            self.close()
            raise

    # For the owner ----------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """How things stand with the service."""
        return self._link.state

    @property
    def problem(self) -> Problem | None:
        """Why the state is "silent" or "refused", and what to do; None in the others."""
        return self._link.problem

    @property
    def fd(self) -> int | None:
        """A descriptor that becomes readable when `step` may have something to do; None between connections."""
        return self._link.fd

    def next_due(self) -> float:
        """Seconds until `step` has to be called even when `fd` says nothing; 0 for at once."""
        now = self._clock()
        due = [self._calls.next_deadline(), self._link.due()]
        if self._link.connection is not None and self._link.connection.readable():
            return 0.0  # `fd` reports changes only, not what was there before
        if self._link.greeted:
            due.append(now + (0.02 if self._calls.has_unsent else 0.5))  # 0.5: the monitor does not show in `fd`
            if not self._pinged:
                due.append(self._received + PING_EVERY)
        return max(0.0, min((moment for moment in due if moment is not None), default=now + 1.0) - now)

    def send(self, request: Request, timeout_seconds: float, on_reply: Callable[[Outcome], None]) -> int:
        """Ask the service something, as soon as there is a connection; returns the call's number.

        `on_reply` gets the reply, or a Problem: Refusal when the service refused it, Unreachable when no answer came
        within `timeout_seconds`, ConnectionLost when the connection broke and the request must not be sent twice,
        TooLarge, ProtocolError.
        """
        if isinstance(request, Follow):
            self._follows_all = request.on
        return self._calls.add(request, timeout_seconds, on_reply)

    def forget(self, number: int) -> None:
        """Do not call back with a call's outcome any more; it may be carried out all the same."""
        self._calls.forget(number)

    def follow_job(
        self,
        job: str,
        first: int,
        on_event: Callable[[Numbered], None],
        on_problem: Callable[[Problem], None] = _ignore,
    ) -> FollowedJob:
        """Get each event of a job from number `first` on, once and in order, also those still to come.

        `on_problem` is called when the service does not show the job; nothing more comes then. A job is followed once:
        following it again ends the earlier following.
        """
        self.unfollow_job(job)
        followed = self._followed[job] = FollowedJob(job, first, on_event, on_problem)
        return followed

    def unfollow_job(self, job: str, only: FollowedJob | None = None) -> None:
        """Get no more events of a job; with `only`, if that is how it is followed still."""
        followed = self._followed.get(job)
        if followed is not None and only in (None, followed):
            followed.stop()
            del self._followed[job]
            # A replay that does not follow ends the pushes; nothing needs to be replayed for that.
            self._calls.add(Replay(job=job, first=END_OF_EVENTS), ATTEMPT_SECONDS, _ignore, repeatable=False)

    def step(self, timeout_ms: int = 0) -> None:
        """Do everything that is due; first wait up to `timeout_ms` for something to do."""
        self._keep_time()
        self._write()
        if timeout_ms > 0:
            self._wait(min(timeout_ms / 1000, self.next_due()))
        self._link.notice(self._calls.next_number, self._read)
        self._read()
        self._calls.expire()
        self._write()

    def close(self) -> None:
        """End the connection; open calls get no outcome."""
        self._calls.clear()
        self._followed.clear()
        self._link.close()

    # What comes in ----------------------------------------------------------------------------------------------------

    def _welcomed(self, welcome: Welcome) -> None:
        self.welcome = welcome
        self.connections += 1
        self._calls.largest = welcome.limits.message_bytes
        if self._follows_all and not self._calls.has(Follow):
            self._calls.add(Follow(), ATTEMPT_SECONDS, _ignore, repeatable=False)

    def _lost(self) -> None:
        self._pinged = False
        for followed in self._followed.values():
            followed.disconnected()
        self._calls.disconnected()

    def _read(self) -> None:
        if self._link.connection is None:
            return
        for count, data in enumerate(self._link.connection.messages(), 1):
            self._received = self._clock()
            try:
                answer = decode_answer(data)
            except DecodeError as error:
                number = answer_number(data)
                if number:  # a push of a kind that we do not know is nothing to us
                    self._calls.failed(number, not_understood(str(error)))
            else:
                self._receive(answer)
            if count == _READ_AT_ONCE:
                return

    def _receive(self, answer: Answer) -> None:
        if self._link.receive(answer):
            return
        if self._link.greeted and self.state == "silent":
            self._link.set_state("ready")
        body = answer.body
        if isinstance(body, Refused) and body.kind == NotGreeted.kind:
            self._link.drop("connecting")  # the service has given this connection up; the call is sent again
        elif isinstance(body, Pushed):
            if isinstance(body, EventPushed):
                followed = self._followed.get(body.job)
                if followed is not None:
                    followed.pushed(body.event)
            self.on_push(body)
        else:
            self._calls.answered(answer.number, body)
            if isinstance(body, Refused) and body.kind == NotAuthorised.kind:
                self._link.refuse(refusal(body))

    # What is due ------------------------------------------------------------------------------------------------------

    def _keep_time(self) -> None:
        self._link.keep_time()
        now = self._clock()
        if not self._link.greeted:
            return
        if self.state == "silent" and now - self._silent_since >= SILENCE_ENDS_CONNECTION:
            self._link.drop("silent", hangs(self.address))
        elif now - self._received >= PING_EVERY and not self._pinged:
            self._pinged = True
            self._calls.add(Ping(), PONG_WITHIN, self._ponged, repeatable=False)

    def _ponged(self, outcome: Outcome) -> None:
        self._pinged = False
        if isinstance(outcome, Pong):
            self.pong = outcome
            self.on_pong(outcome)
        elif isinstance(outcome, Unreachable) and self._link.greeted and self.state == "ready":
            self._silent_since = self._clock()
            self._link.set_state("silent", hangs(self.address))

    def _write(self) -> None:
        if self._link.connection is None or not self._link.greeted:
            return
        for followed in list(self._followed.values()):
            request = followed.due()
            if request is not None:
                self._calls.add(request, REPLAY_WITHIN, followed.answered, repeatable=False)
        self._calls.send(self._link.connection.send)

    def _wait(self, seconds: float) -> None:
        poller = zmq.Poller()
        if self._link.connection is not None:
            unsent = self._link.greeted and self._calls.has_unsent
            poller.register(self._link.connection.socket, zmq.POLLIN | (zmq.POLLOUT if unsent else 0))
            poller.register(self._link.connection.monitor, zmq.POLLIN)
        poller.poll(int(seconds * 1000 + 0.999))
