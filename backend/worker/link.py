"""The socket between the supervisor and one worker: a pair on loopback with one-off CURVE keys.

Both ends have a ZeroMQ context of their own. The supervisor's must not share the one of the service's wire: a
handler for client keys answers for every socket of its context, and knows no worker.
"""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Mapping

import msgspec
import zmq

from backend.worker.messages import (
    ADDRESS,
    DEVICE,
    PUBLIC_KEY,
    SECRET_KEY,
    SUPERVISOR,
    SUPERVISOR_KEY,
    FromWorker,
    ToWorker,
)


class SupervisorChannel:
    """The supervisor's end, one for each process that it starts. Nothing here blocks.

    Only a process that knows `environment` can connect: CURVE needs the supervisor's key, which no other process gets,
    and a pair takes one peer.
    """

    def __init__(self) -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.PAIR)
        """For a zmq.Poller."""
        own_public, own_secret = zmq.curve_keypair()
        public, secret = zmq.curve_keypair()
        self.socket.curve_server = True
        self.socket.curve_publickey, self.socket.curve_secretkey = own_public, own_secret
        _configure(self.socket)
        port = self.socket.bind_to_random_port("tcp://127.0.0.1")
        self._waiting: deque[bytes] = deque()
        self._environment = {
            ADDRESS: f"tcp://127.0.0.1:{port}",
            SUPERVISOR_KEY: own_public.decode(),
            PUBLIC_KEY: public.decode(),
            SECRET_KEY: secret.decode(),
            SUPERVISOR: str(os.getpid()),
        }

    def environment(self, device: str | None = None) -> dict[str, str]:
        """What the worker's environment needs beside the supervisor's own; `device` as in torch ("cpu", "cuda:1")."""
        return self._environment if device is None else {**self._environment, DEVICE: device}

    def receive(self) -> list[FromWorker]:
        """Everything that has come in."""
        messages = []
        with contextlib.suppress(zmq.Again):
            while True:
                messages.append(_from_worker.decode(self.socket.recv(zmq.NOBLOCK)))
        self._flush()
        return messages

    def send(self, message: ToWorker) -> None:
        """Send a message; until the worker has connected it waits in memory."""
        self._waiting.append(_encoder.encode(message))
        self._flush()

    def _flush(self) -> None:
        with contextlib.suppress(zmq.Again):  # a pair without a peer takes nothing
            while self._waiting:
                self.socket.send(self._waiting[0], zmq.NOBLOCK)
                self._waiting.popleft()

    def close(self) -> None:
        """Close the socket; what was not sent yet is dropped."""
        self._context.destroy(linger=0)


def connect_worker(context: zmq.Context, environment: Mapping[str, str] = os.environ) -> zmq.Socket:
    """The worker's end. Raises KeyError when `environment` is not a worker's."""
    socket = context.socket(zmq.PAIR)
    socket.curve_serverkey = environment[SUPERVISOR_KEY].encode()
    socket.curve_publickey = environment[PUBLIC_KEY].encode()
    socket.curve_secretkey = environment[SECRET_KEY].encode()
    _configure(socket)
    socket.connect(environment[ADDRESS])
    return socket


def encode(message: FromWorker) -> bytes:
    """A message of the worker as bytes."""
    return _encoder.encode(message)


def decode(data: bytes) -> ToWorker:
    """A message to the worker from its bytes."""
    return _to_worker.decode(data)


def _configure(socket: zmq.Socket) -> None:
    # Nothing may be dropped or block the sender: events are few and small.
    socket.sndhwm = socket.rcvhwm = 0
    socket.linger = 0


_encoder = msgspec.msgpack.Encoder()
_from_worker: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)
_to_worker: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
