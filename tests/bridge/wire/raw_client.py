"""A bare socket with keys, for tests that send what no client of ours would."""

from __future__ import annotations

import msgspec
import zmq

from bridge.wire.keys import KeyPair
from bridge.wire.messages import Hello
from tests.bridge.wire.echo_service import EchoService

pack = msgspec.msgpack.encode


class RawClient:
    """A DEALER with keys, which sends any bytes; without `reconnect` it connects once only."""

    def __init__(
        self,
        service: EchoService,
        pair: KeyPair | None = None,
        *,
        address: str | None = None,
        routing_id: bytes | None = None,
        reconnect: bool = True,
    ) -> None:
        pair = pair or service.owner_pair
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.DEALER)
        self.socket.curve_serverkey = service.server_key.encode()
        self.socket.curve_publickey, self.socket.curve_secretkey = pair.public.encode(), pair.secret.encode()
        self.socket.linger = 0
        if not reconnect:
            self.socket.reconnect_ivl = -1
        if routing_id is not None:
            self.socket.routing_id = routing_id
        self.socket.connect(address or service.address)

    def ask(self, *frames: bytes) -> list:
        self.socket.send_multipart(frames)
        assert self.socket.poll(20_000), "no answer"
        return msgspec.msgpack.decode(self.socket.recv())

    def greet(self) -> list:
        return self.ask(pack([1, Hello(protocol_low=1, protocol_high=1, program="raw", version="0")]))

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close(0)
        self._context.term()
