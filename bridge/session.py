"""A client's lasting relation to a service, across lost connections; for any event loop, without a thread.

The owner calls `step` when `fd` becomes readable, when `next_due` has passed, and after each `send`. A blocking
program does so in a loop (`bridge.client`); a Qt program with a QSocketNotifier, made anew in `on_fd`, and a
single-shot QTimer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import zmq

from bridge.connection import Connection, Fact
from bridge.encoding import Garbage, answer_number, decode_answer, encode_call
from bridge.errors import Problem, Unreachable
from bridge.followed import FollowedJob
from bridge.keys import KeyPair
from bridge.messages import (
    PROTOCOL_HIGH,
    PROTOCOL_LOW,
    Answer,
    EventPushed,
    Events,
    Follow,
    Hello,
    Numbered,
    Ping,
    Pong,
    Pushed,
    Refused,
    Request,
    Welcome,
)
from bridge.pending import Outcome, PendingCalls
from bridge.session_problems import cut_short, hangs, nobody, not_let_in, not_understood, refusal

State = Literal["connecting", "ready", "silent", "refused"]

BACKOFF_FIRST, BACKOFF_LONGEST = 0.2, 5.0
"""Seconds before the first and the later attempts to connect again."""
ATTEMPT_SECONDS = 6.0
PING_EVERY, PONG_WITHIN, SILENCE_ENDS_CONNECTION = 2.0, 5.0, 30.0
REPLAY_WITHIN = 20.0

_HANDSHAKES_CUT = 3  # one may be bad luck; so many in a row mean a wrong key, or a tunnel to nowhere
_READ_AT_ONCE = 1000


def _ignore(_: Any) -> None:
    pass


class Session:
    """Calls, pushes and followed jobs over one connection after another.

    `state` is "connecting" at first and after a break, "ready" while the service answers, "silent" while nobody does,
    and "refused" when the service will not have us; `problem` says why and what to do. It goes on trying in all of
    them. When it becomes "ready" again, calls that may be repeated are sent again and followed jobs go on with their
    next event; a list of jobs is to be asked for anew. Callbacks come only from within `step` and may call everything
    here. `pong` is the newest answer to a ping, `welcome` the one to the newest hello.
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
        self.state: State = "connecting"
        self.problem: Problem | None = None
        self.welcome: Welcome | None = None
        self.pong: Pong | None = None
        self.connections = 0
        """How often the service has welcomed us."""
        self.on_state: Callable[[State], None] = _ignore
        self.on_push: Callable[[Pushed], None] = _ignore
        self.on_pong: Callable[[Pong], None] = _ignore
        self.on_fd: Callable[[int | None], None] = _ignore
        self._hello = Hello(protocol_low=PROTOCOL_LOW, protocol_high=PROTOCOL_HIGH, program=program, version=version)
        self._clock = clock
        self._calls = PendingCalls(clock)
        self._followed: dict[str, FollowedJob] = {}
        self._follows_all = False
        self._greeted = False
        self._hello_number: int | None = None
        self._pinged = False
        self._heard = clock()
        self._delay = BACKOFF_FIRST
        self._cut_short = 0
        self._next_attempt = clock()
        self._attempt_ends = 0.0
        self._closed = False
        self._context = zmq.Context()
        self._connection: Connection | None = None
        try:
            self._connect()
        except Problem:
            self.close()
            raise

    # For the owner ----------------------------------------------------------------------------------------------------

    @property
    def fd(self) -> int | None:
        """A descriptor that becomes readable when `step` may have something to do; None between connections."""
        return None if self._connection is None else self._connection.socket.fd

    def next_due(self) -> float:
        """Seconds until `step` has to be called even when `fd` says nothing; 0 for at once."""
        now = self._clock()
        if self._connection is None:
            own = self._next_attempt
        elif self._connection.readable():
            return 0.0
        elif not self._greeted or self._calls.has_unsent:
            own = now + 0.02  # neither the monitor nor room for another message shows in `fd`
        else:
            own = min(now + 0.5, self._heard + PING_EVERY if not self._pinged else now + 0.5)
        deadline = self._calls.next_deadline()
        return max(0.0, (own if deadline is None else min(own, deadline)) - now)

    def send(self, request: Request, timeout_seconds: float, on_reply: Callable[[Outcome], None]) -> int:
        """Ask the service something, as soon as there is a connection; returns the call's number.

        `on_reply` gets the reply, or a Problem: Refusal when the service refused it, Unreachable when no answer came
        within `timeout_seconds`, ConnectionLost when the connection broke and the request must not be sent twice,
        TooLarge, BadAnswer.
        """
        if isinstance(request, Follow):
            self._follows_all = request.on
        return self._calls.add(request, timeout_seconds, on_reply)

    def forget(self, number: int) -> None:
        """Tell nobody of a call's outcome any more; it may be carried out all the same."""
        self._calls.forget(number)

    def follow_job(
        self,
        job: str,
        first: int,
        on_event: Callable[[Numbered], None],
        on_problem: Callable[[Problem], None] = _ignore,
    ) -> FollowedJob:
        """Get each event of a job from number `first` on, once and in order, also those still to come.

        `on_problem` is told when the service does not show the job; nothing more comes then. A job is followed once:
        following it again ends the earlier one.
        """
        self.unfollow_job(job)
        followed = self._followed[job] = FollowedJob(job, first, on_event, on_problem)
        return followed

    def followed(self, job: str) -> FollowedJob | None:
        """How far the following of a job is, None when it is not followed."""
        return self._followed.get(job)

    def unfollow_job(self, job: str) -> None:
        """Get no more events of a job."""
        followed = self._followed.pop(job, None)
        if followed is not None:
            followed.stop()

    def step(self, timeout_ms: int = 0) -> None:
        """Do everything that is due; first wait up to `timeout_ms` for something to do."""
        self._keep_time()
        self._write()
        if timeout_ms > 0:
            self._wait(min(timeout_ms / 1000, self.next_due()))
        self._notice()
        self._read()
        self._calls.expire()
        self._write()

    def close(self) -> None:
        """End the connection; open calls get no outcome."""
        self._closed = True
        self._calls.clear()
        self._followed.clear()
        if self._connection is not None:
            self.on_fd(None)
            self._connection.close()
            self._connection = None
        self._context.term()

    # Connections ------------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self._connection = Connection(self._context, self.address, self.server_key, self.key_pair)
        self._attempt_ends = self._clock() + ATTEMPT_SECONDS
        self.on_fd(self.fd)

    def _notice(self) -> None:
        while self._connection is not None:
            fact = self._connection.fact()
            if fact is None:
                return
            if fact is Fact.UP:
                self._hello_number = self._calls.next_number()
                self._connection.send(encode_call(self._hello_number, self._hello))
                continue
            self._read()  # what came before the end
            self._end(fact)

    def _end(self, fact: Fact) -> None:
        self._cut_short = self._cut_short + 1 if fact is Fact.CUT_SHORT else 0
        if fact is Fact.NOT_AUTHORISED:
            self._refused(not_let_in(self.address, self.key_pair.public))
        elif fact is Fact.CUT_SHORT:
            self._drop("refused" if self._cut_short >= _HANDSHAKES_CUT else "silent", cut_short(self.address))
        elif self._greeted:
            self._drop("connecting", None)
        else:
            self._drop("silent", nobody(self.address))

    def _refused(self, problem: Problem) -> None:
        self._delay = BACKOFF_LONGEST  # until somebody authorises the key or updates a program
        self._drop("refused", problem)

    def _drop(self, state: State, problem: Problem | None) -> None:
        """Give the connection up and connect again after a while."""
        if self._connection is None:
            return
        self.on_fd(None)
        self._connection.close()
        self._connection = None
        self._greeted = self._pinged = False
        self._hello_number = None
        self._next_attempt = self._clock() + self._delay * random.uniform(0.8, 1.2)
        self._delay = min(self._delay * 2, BACKOFF_LONGEST)
        for followed in self._followed.values():
            followed.disconnected()
        self._calls.disconnected()
        self._set_state(state, problem)

    def _set_state(self, state: State, problem: Problem | None = None) -> None:
        changed, self.state, self.problem = state != self.state, state, problem
        if changed:
            self.on_state(state)

    # What comes in ----------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        if self._connection is None:
            return
        for count, data in enumerate(self._connection.messages(), 1):
            self._heard = self._clock()
            try:
                answer = decode_answer(data)
            except Garbage as error:
                number = answer_number(data)
                if number:  # a push of a kind that we do not know is nothing to us
                    self._calls.failed(number, not_understood(str(error)))
            else:
                self._hear(answer)
            if count == _READ_AT_ONCE:
                return

    def _hear(self, answer: Answer) -> None:
        body = answer.body
        if answer.number != 0 and answer.number == self._hello_number:
            self._greeting_answered(body)
            return
        if self._greeted and self.state == "silent":
            self._set_state("ready")
        if isinstance(body, Refused) and body.kind == "not_greeted":
            self._drop("connecting", None)  # the service has given this connection up; the call is sent again
        elif answer.number == 0:
            followed = self._followed.get(body.job) if isinstance(body, EventPushed) else None
            if followed is not None:
                followed.pushed(body.event)
            self.on_push(body)
        else:
            self._calls.answered(answer.number, body)
            if isinstance(body, Refused) and body.kind == "not_authorised":
                self._refused(refusal(body))

    def _greeting_answered(self, body: Any) -> None:
        self._hello_number = None
        if isinstance(body, Welcome) and PROTOCOL_LOW <= body.protocol <= PROTOCOL_HIGH:
            self.welcome, self._greeted = body, True
            self.connections += 1
            self._delay = BACKOFF_FIRST
            self._cut_short = 0
            self._calls.largest = body.limits.message_bytes
            if self._follows_all:
                self._calls.add(Follow(), ATTEMPT_SECONDS, _ignore, repeatable=False)
            self._set_state("ready")
        elif isinstance(body, Refused):
            self._refused(refusal(body))
        else:
            self._refused(not_understood("It was not greeted as it should have been."))

    # What is due ------------------------------------------------------------------------------------------------------

    def _keep_time(self) -> None:
        now = self._clock()
        if self._connection is None:
            if now >= self._next_attempt and not self._closed:
                self._connect()
        elif not self._greeted:
            if now >= self._attempt_ends:
                self._drop("silent", nobody(self.address))
        elif now - self._heard >= SILENCE_ENDS_CONNECTION:
            self._drop("silent", hangs(self.address))
        elif now - self._heard >= PING_EVERY and not self._pinged:
            self._pinged = True
            self._calls.add(Ping(), PONG_WITHIN, self._ponged, repeatable=False)

    def _ponged(self, outcome: Outcome) -> None:
        self._pinged = False
        if isinstance(outcome, Pong):
            self.pong = outcome
            self.on_pong(outcome)
        elif isinstance(outcome, Unreachable) and self._greeted:
            self._set_state("silent", hangs(self.address))

    def _write(self) -> None:
        if self._connection is None or not self._greeted:
            return
        for followed in list(self._followed.values()):
            request = followed.due()
            if request is not None:
                self._calls.add(request, REPLAY_WITHIN, partial(self._replayed, followed), repeatable=False)
        self._calls.send(self._connection.send)

    def _replayed(self, followed: FollowedJob, outcome: Outcome) -> None:
        if isinstance(outcome, Events):
            followed.replayed(outcome)
        elif isinstance(outcome, Unreachable):
            followed.disconnected()
        elif isinstance(outcome, Problem):
            if self._followed.get(followed.job) is followed:
                del self._followed[followed.job]
            followed.refused(outcome)

    def _wait(self, seconds: float) -> None:
        poller = zmq.Poller()
        if self._connection is not None:
            unsent = self._greeted and self._calls.has_unsent
            poller.register(self._connection.socket, zmq.POLLIN | (zmq.POLLOUT if unsent else 0))
            poller.register(self._connection.monitor, zmq.POLLIN)
        if self._connection is not None or seconds > 0:
            poller.poll(int(seconds * 1000 + 0.999))
