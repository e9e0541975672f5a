"""One connection after another to the same service, each greeted, with growing pauses between vain attempts."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

import zmq

from bridge.wire.connection import Connection, ConnectionEvent
from bridge.wire.encoding import encode_call
from bridge.wire.keys import KeyPair
from bridge.wire.messages import PROTOCOL_HIGH, PROTOCOL_LOW, Answer, Hello, Refused, Welcome
from bridge.wire.session_errors import cut_short, no_answer, not_let_in, not_understood, refusal
from contract.errors import Problem

State = Literal["connecting", "ready", "silent", "refused"]

BACKOFF_FIRST, BACKOFF_LONGEST = 0.2, 5.0
"""Seconds before the first and the later attempts to connect again."""
ATTEMPT_SECONDS = 6.0
"""For one attempt, from the address to the greeting."""

_HANDSHAKES_CUT = 3  # one may be bad luck; so many in a row mean a wrong key, or a tunnel to nowhere


class Link:
    """Keeps `connection` and `state`; see `bridge.wire.session.Session` for what the states mean.

    `greeted` is True while requests may be sent. `on_state`, `on_welcome`, `on_lost` and `on_fd` are its owner's.
    """

    def __init__(
        self, address: str, server_key: str, pair: KeyPair, clock: Callable[[], float], *, program: str, version: str
    ) -> None:
        self.address = address
        self.state: State = "connecting"
        self.problem: Problem | None = None
        self.connection: Connection | None = None
        self.greeted = False
        self.on_state: Callable[[State], None]
        self.on_welcome: Callable[[Welcome], None]
        self.on_lost: Callable[[], None]
        self.on_fd: Callable[[int | None], None]
        self._server_key, self._pair, self._clock = server_key, pair, clock
        self._hello = Hello(protocol_low=PROTOCOL_LOW, protocol_high=PROTOCOL_HIGH, program=program, version=version)
        self._hello_number: int | None = None
        self._context = zmq.Context()
        self._delay = BACKOFF_FIRST
        self._cut_short = 0
        self._due = clock()
        self._closed = False

    @property
    def fd(self) -> int | None:
        """The descriptor of the connection's socket."""
        return None if self.connection is None else int(self.connection.socket.getsockopt(zmq.FD))

    def due(self) -> float | None:
        """When `keep_time` has to be called, on the clock; None while there is nothing to wait for."""
        if self.greeted or self._closed:
            return None
        # The monitor does not show in `fd`: while a connection begins, it has to be polled.
        return self._due if self.connection is None else min(self._due, self._clock() + 0.02)

    def keep_time(self) -> None:
        """Begin the next attempt, or give one up that takes too long. Raises BadAddress, BadKey."""
        if self.greeted or self._closed or self._clock() < self._due:
            return
        if self.connection is None:
            self.connection = Connection(self._context, self.address, self._server_key, self._pair)
            self._due = self._clock() + ATTEMPT_SECONDS
            self.on_fd(self.fd)
        else:
            self.drop("silent", no_answer(self.address))

    def notice(self, number: Callable[[], int], read: Callable[[], None]) -> None:
        """Act upon what happened to the connection. `number` gives a call's number, `read` reads what has come."""
        while self.connection is not None:
            fact = self.connection.fact()
            if fact is None:
                return
            if fact is ConnectionEvent.UP:
                self._hello_number = number()
                self.connection.send(encode_call(self._hello_number, self._hello))
                continue
            read()  # what came before the end
            self._end(fact)

    def receive(self, answer: Answer) -> bool:
        """Take an answer when it is the one to the greeting."""
        if answer.number == 0 or answer.number != self._hello_number:
            return False
        self._hello_number = None
        body = answer.body
        if isinstance(body, Welcome) and PROTOCOL_LOW <= body.protocol <= PROTOCOL_HIGH:
            self.greeted = True
            self._delay, self._cut_short = BACKOFF_FIRST, 0
            self.on_welcome(body)
            self.set_state("ready")
        elif isinstance(body, Refused):
            self.refuse(refusal(body))
        else:
            self.refuse(not_understood("It was no greeting of this version."))
        return True

    def refuse(self, problem: Problem) -> None:
        """The service does not want us: give the connection up and ask again only now and then."""
        self._delay = BACKOFF_LONGEST  # until the key is authorised or a program is updated
        self.drop("refused", problem)

    def drop(self, state: State, problem: Problem | None = None) -> None:
        """Give the connection up and connect again after a while."""
        if self.connection is None:
            return
        self._disconnect()
        self._due = self._clock() + self._delay * random.uniform(0.8, 1.2)
        self._delay = min(self._delay * 2, BACKOFF_LONGEST)
        self.on_lost()
        self.set_state(state, problem)

    def set_state(self, state: State, problem: Problem | None = None) -> None:
        """Change the state, and report it when it is another one."""
        changed, self.state, self.problem = state != self.state, state, problem
        if changed:
            self.on_state(state)

    def close(self) -> None:
        """End it; nothing connects again."""
        self._closed = True
        if self.connection is not None:
            self._disconnect()
        self._context.term()

    def _disconnect(self) -> None:
        connection, self.connection = self.connection, None
        self.greeted = False
        self._hello_number = None
        self.on_fd(None)  # while the descriptor is still this connection's
        if connection is not None:
            connection.close()

    def _end(self, fact: ConnectionEvent) -> None:
        greeted = self.greeted
        self._cut_short = self._cut_short + 1 if fact is ConnectionEvent.HANDSHAKE_FAILED else 0
        if fact is ConnectionEvent.NOT_AUTHORISED:
            self.refuse(not_let_in(self.address, self._pair.public))
        elif fact is ConnectionEvent.HANDSHAKE_FAILED:
            self.drop("refused" if self._cut_short >= _HANDSHAKES_CUT else "silent", cut_short(self.address))
        elif greeted:
            self.drop("connecting")
        else:
            self.drop("silent", no_answer(self.address))
