"""The service's end of the wire: decoded requests of clients that may make them, and answers to them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import zmq

from bridge.wire.encoding import BadCall, DecodeError, decode_call, encode_answer
from bridge.wire.keys import KeyFolder
from bridge.wire.messages import (
    PROTOCOL_HIGH,
    PROTOCOL_LOW,
    Hello,
    Limits,
    Pushed,
    Refused,
    Reply,
    Request,
    UploadChunk,
)
from bridge.wire.refusals import NotAuthorised, NotGreeted, TooManyConnections, VersionMismatch
from bridge.wire.socket_events import next_event
from bridge.wire.zap_authenticator import DOMAIN, ZapAuthenticator
from contract.errors import BadAddress, Problem, TooLarge

MEBIBYTE = 1 << 20
DEFAULT_LIMITS = Limits(message_bytes=6 * MEBIBYTE, chunk_bytes=MEBIBYTE, transfers=16, queue=100)
ANSWER_BYTES = 64 * MEBIBYTE
"""No answer or push is larger; clients accept no more."""
CONNECTIONS = 64
"""Open connections of one client."""
HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS = 2000, 8000

_BATCH = 256
_WAITING = 256  # messages that a slow client may leave unread before its connection is given up
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Incoming:
    """One request. `client` is its maker's public key (Z85), `connection` where the answer goes."""

    client: str
    connection: bytes
    number: int
    body: Request


@dataclass
class _Peer:
    client: str
    descriptor: int
    greeted: bool = False


class WireServer:
    """A ROUTER socket behind CURVE, without a loop of its own: its owner polls `socket` and calls `receive`.

    Unauthorised, oversized and undecodable messages never reach the owner; `dropped` counts the undecodable ones.
    A call before hello, of an unknown type or with wrong fields is answered with a refusal. `Hello` is handed on when
    the versions meet: answer it with `Welcome`.
    """

    def __init__(self, address: str, keys: KeyFolder, *, limits: Limits = DEFAULT_LIMITS) -> None:
        """Listen on `address` ("tcp://127.0.0.1:*" takes a free port). Raises BadAddress, NotPrivate, BadKey."""
        self.keys, self.limits = keys, limits
        self.dropped = 0
        self._peers: dict[bytes, _Peer] = {}
        self._departed: list[bytes] = []
        pair = keys.service_pair()
        self._context = zmq.Context()
        self._authenticator = ZapAuthenticator(self._context, keys)
        self._socket = self._context.socket(zmq.ROUTER)
        _configure(self._socket, address, pair.secret, limits)
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            raise BadAddress(
                f"Cannot listen on {address}.",
                f"{error.strerror}.",
                "Name another address or port, as in tcp://127.0.0.1:*.",
            ) from error

    @property
    def socket(self) -> zmq.Socket[bytes]:
        """To be polled for POLLIN."""
        return self._socket

    @property
    def bound_address(self) -> str:
        """The address with the real port."""
        return self._socket.getsockopt_string(zmq.LAST_ENDPOINT)

    @property
    def connections(self) -> Mapping[bytes, str]:
        """Clients by greeted connection."""
        self._notice_departures()
        return MappingProxyType({key: peer.client for key, peer in self._peers.items() if peer.greeted})

    def departed(self) -> list[bytes]:
        """Connections that ended since the last call; nothing can be pushed to them any more."""
        self._notice_departures()
        gone, self._departed = self._departed, []
        return gone

    def receive(self) -> list[Incoming]:
        """The requests that have come, at most a few hundred at once; empty when there are none. Never blocks."""
        self._notice_departures()
        found = []
        for _ in range(_BATCH):
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            incoming = self._admit(frames)
            if incoming is not None:
                found.append(incoming)
        return found

    def answer(self, incoming: Incoming, body: Reply) -> bool:
        """Answer a request. False when its connection is gone."""
        data = self._encoded(incoming.number, body)
        return data is not None and self._send(incoming.connection, data)

    def push(self, connections: Iterable[bytes], body: Pushed) -> list[bytes]:
        """Send connections something that they did not ask for; it is encoded once for all of them.

        Returns those that are gone, were not greeted, are too slow or whose client was revoked: they are not served
        any more.
        """
        self._notice_departures()
        data = self._encoded(0, body)
        return [each for each in connections if not (self._may_be_pushed_to(each) and data and self._send(each, data))]

    def close(self) -> None:
        """Stop listening; what was sent still gets half a second to leave."""
        if self._socket.closed:
            return
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(500)
        self._context.term()
        self._authenticator.join()

    def _admit(self, frames: list[zmq.Frame]) -> Incoming | None:
        connection, message = frames[0].bytes, frames[-1]
        peer = self._peer(connection, message)
        if len(frames) != 2 or peer is None:
            self.dropped += 1
            return None
        try:
            call = decode_call(message.buffer)
        except DecodeError:
            self.dropped += 1
            return None
        except BadCall as error:
            self._refuse(connection, error.number, error)
            return None
        problem = self._problem_with(peer, call.body)
        if problem is not None:
            self._refuse(connection, call.number, problem)
            if isinstance(problem, NotAuthorised):
                self._forget(connection)
            return None
        if isinstance(call.body, Hello):
            peer.greeted = True
        return Incoming(peer.client, connection, call.number, call.body)

    def _peer(self, connection: bytes, message: zmq.Frame) -> _Peer | None:
        try:
            client, descriptor = str(message.get("User-Id")), message.get(zmq.SRCFD)
        except (zmq.ZMQError, UnicodeDecodeError):
            return None  # cannot be while ZAP is asked for each connection
        peer = self._peers.get(connection)
        # A client may choose its routing id, so that a known one alone proves nothing.
        if peer is None or peer.client != client or peer.descriptor != descriptor:
            peer = self._peers[connection] = _Peer(client, descriptor)
        return peer

    def _problem_with(self, peer: _Peer, body: Request) -> Problem | None:
        if peer.client not in self.keys.authorized():
            return not_authorised(peer.client)
        if isinstance(body, Hello):
            mismatch = version_mismatch(body.protocol_low, body.protocol_high)
            others = sum(other.client == peer.client and other.greeted for other in self._peers.values())
            if mismatch is None and not peer.greeted and others >= CONNECTIONS:
                what = f"This client has {others} connections already."
                return TooManyConnections(what, remedy="Close some of its programs.")
            return mismatch
        if not peer.greeted:
            return NotGreeted("This connection has not said hello.", remedy="Say hello first.")
        if isinstance(body, UploadChunk) and len(body.data) > self.limits.chunk_bytes:
            return TooLarge(
                f"A chunk has {len(body.data)} bytes.",
                f"The backend takes {self.limits.chunk_bytes} at once.",
                "Send smaller ones.",
            )
        return None

    def _may_be_pushed_to(self, connection: bytes) -> bool:
        peer = self._peers.get(connection)
        if peer is None or not peer.greeted:
            return False
        if peer.client not in self.keys.authorized():
            self._forget(connection)
            return False
        return True

    def _refuse(self, connection: bytes, number: int, problem: Problem) -> None:
        self._send(connection, encode_answer(number, Refused.of(problem)))

    def _encoded(self, number: int, body: Reply | Pushed) -> bytes | None:
        """An answer as bytes; a refusal in place of one that is too large, None in place of such a push."""
        data = encode_answer(number, body)
        if len(data) <= ANSWER_BYTES:
            return data
        _log.error("an answer of %d bytes was not sent (%s)", len(data), type(body).__name__)
        if number == 0:
            return None
        problem = TooLarge(f"The answer would have {len(data)} bytes.", remedy="Ask for less at once.")
        return encode_answer(number, Refused.of(problem))

    def _send(self, connection: bytes, data: bytes) -> bool:
        try:
            self._socket.send_multipart([connection, data], zmq.NOBLOCK, copy=len(data) < 65536)
        except zmq.Again:
            # Forgotten, so that its next message is refused and it begins anew: a push that was left out is a gap.
            _log.warning("a connection was given up: it leaves %d messages unread", _WAITING)
            self._forget(connection)
            return False
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            self._forget(connection)
            return False
        return True

    def _forget(self, connection: bytes) -> None:
        peer = self._peers.pop(connection, None)
        if peer is not None and peer.greeted:
            self._departed.append(connection)

    def _notice_departures(self) -> None:
        """Before anything is sent: another client could come back under the routing id of one that left."""
        while (event := next_event(self._monitor)) is not None:
            for connection in [key for key, peer in self._peers.items() if peer.descriptor == event.value]:
                self._forget(connection)


def not_authorised(client: str) -> NotAuthorised:
    """The problem with a key that is not, or no longer, on the list."""
    return NotAuthorised(
        "The backend does not let this client in.",
        f"Its key {client} is not, or no longer, authorised.",
        f"On the backend's machine: dynvfx keys authorize '{client}'",
    )


def version_mismatch(low: int, high: int) -> VersionMismatch | None:
    """None when a client's range of protocol versions meets ours, else the problem that names the side to update."""
    if low <= PROTOCOL_HIGH and high >= PROTOCOL_LOW and low <= high:
        return None
    side = "service" if low > PROTOCOL_HIGH else "client"
    return VersionMismatch(
        "Client and backend speak no common version of the protocol.",
        f"The client speaks {low} to {high}, the backend {PROTOCOL_LOW} to {PROTOCOL_HIGH}.",
        f"Update the {side}.",
    )


def common_protocol(hello: Hello) -> int:
    """The version to name in `Welcome`: the newest that both sides speak."""
    return min(hello.protocol_high, PROTOCOL_HIGH)


def _configure(socket: zmq.Socket[bytes], address: str, secret: str, limits: Limits) -> None:
    socket.curve_server = True
    socket.curve_secretkey = secret.encode()
    socket.zap_domain = DOMAIN.encode()
    socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
    socket.ipv6 = address.startswith("tcp://[")
    socket.maxmsgsize = limits.message_bytes + 64  # CURVE adds 33 bytes to a message
    socket.sndhwm = socket.rcvhwm = _WAITING
    socket.router_mandatory = True  # else answers to a connection that is gone would vanish silently
    socket.handshake_ivl = 10_000
    socket.heartbeat_ivl, socket.heartbeat_timeout = HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS
    socket.heartbeat_ttl = HEARTBEAT_TIMEOUT_MS
    socket.linger = 500
