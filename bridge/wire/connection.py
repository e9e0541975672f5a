"""One connection of a client: a DEALER socket, and what its monitor says about it."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator

import zmq

from bridge.wire.keys import KeyPair, is_key
from bridge.wire.server import ANSWER_BYTES, HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS
from bridge.wire.socket_events import next_event
from contract.errors import BadAddress, BadKey


class ConnectionEvent(enum.Enum):
    """What can happen to a connection. After all but UP it is of no use any more."""

    UP = enum.auto()
    """Both sides have proved their keys."""
    REFUSED = enum.auto()
    """Nothing listens at the address, or no way leads there."""
    HANDSHAKE_FAILED = enum.auto()
    """Something listens, but it ended the connection before both sides had proved their keys."""
    NOT_AUTHORISED = enum.auto()
    """The service knows our key and does not let it in."""
    DOWN = enum.auto()
    """It ended."""


_EVENTS: dict[int, ConnectionEvent] = {
    zmq.EVENT_HANDSHAKE_SUCCEEDED: ConnectionEvent.UP,
    zmq.EVENT_CLOSED: ConnectionEvent.REFUSED,
    zmq.EVENT_CLOSE_FAILED: ConnectionEvent.REFUSED,
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: ConnectionEvent.NOT_AUTHORISED,
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: ConnectionEvent.HANDSHAKE_FAILED,
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: ConnectionEvent.HANDSHAKE_FAILED,
    zmq.EVENT_DISCONNECTED: ConnectionEvent.DOWN,
}


class Connection:
    """Connects once and never again: what comes after an end is for `bridge.wire.session` to say.

    ZeroMQ would connect again by itself, but then messages from before the break would arrive before the new hello.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], address: str, server_key: str, pair: KeyPair) -> None:
        """Raises BadAddress or BadKey for what can never be one."""
        if not is_address(address):
            raise _no_address(address, "It is not of that form, or the port is not between 1 and 65535.")
        if not is_key(server_key):
            raise BadKey(
                f"{server_key!r} is not a key of a backend.", "", "Copy the key that the backend prints when it starts."
            )
        self.socket = context.socket(zmq.DEALER)
        _configure(self.socket, address, server_key, pair)
        self.monitor = self.socket.get_monitor_socket(sum(_EVENTS))
        self._was_up = False
        try:
            self.socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise _no_address(address, f"{error.strerror}.") from error

    def fact(self) -> ConnectionEvent | None:
        """The next thing that happened, None when there is nothing new. Never blocks."""
        event = next_event(self.monitor)
        if event is None:
            return None
        fact = _EVENTS[event.kind]
        if fact is ConnectionEvent.UP:
            self._was_up = True
        elif fact is ConnectionEvent.DOWN and not self._was_up:
            return ConnectionEvent.HANDSHAKE_FAILED
        return fact

    def send(self, data: bytes) -> bool:
        """Send a message; False when so many wait already that it has to be tried again later."""
        try:
            self.socket.send(data, zmq.NOBLOCK, copy=len(data) < 65536)
        except zmq.Again:
            return False
        return True

    def messages(self) -> Iterator[memoryview]:
        """What has come, until nothing is left. Never blocks."""
        while not self.socket.closed:
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            if len(frames) == 1:
                yield frames[0].buffer

    def readable(self) -> bool:
        """Whether a message waits; ZeroMQ's descriptor alone does not show it."""
        return bool(int(self.socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)

    def close(self) -> None:
        """End it at once."""
        if not self.socket.closed:
            self.socket.disable_monitor()
            self.monitor.close(0)
            self.socket.close(0)


def is_address(text: str) -> bool:
    """Whether a text has the form of an address of a service: tcp://, a host, and a port."""
    found = re.fullmatch(r"tcp://(\[[0-9A-Fa-f:.%]+\w*\]|[^\s\[\]:/]+):(\d{1,5})", text)
    return found is not None and 0 < int(found[2]) < 65536


def _no_address(text: str, why: str) -> BadAddress:
    return BadAddress(f"{text!r} is not an address of a backend.", why, "Addresses look like tcp://host:5577.")


def _configure(socket: zmq.Socket[bytes], address: str, server_key: str, pair: KeyPair) -> None:
    socket.curve_serverkey = server_key.encode()
    socket.curve_publickey = pair.public.encode()
    socket.curve_secretkey = pair.secret.encode()
    socket.ipv6 = address.startswith("tcp://[")
    socket.reconnect_ivl = -1
    socket.connect_timeout = 5000
    socket.handshake_ivl = 15_000  # longer than a session waits: a service that hangs is none with a wrong key
    socket.heartbeat_ivl, socket.heartbeat_timeout = HEARTBEAT_MS, HEARTBEAT_TIMEOUT_MS
    socket.maxmsgsize = ANSWER_BYTES + 1024
    socket.linger = 0
