"""What the tests of the wire begin with."""

from __future__ import annotations

import time
from collections.abc import Callable

import zmq

from bridge.wire.client import Client
from bridge.wire.keys import KeyPair
from tests.bridge.wire.echo_service import EchoService


def new_pair() -> KeyPair:
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode(), secret.decode())


def client_of(
    service: EchoService, address: str | None = None, *, pair: KeyPair | None = None, wait: float = 20.0
) -> Client:
    return Client(
        address or service.address,
        service.server_key,
        pair or service.owner_pair,
        program="test",
        version="1",
        wait=wait,
    )


def eventually(reached: Callable[[], bool], do: Callable[[], object] = lambda: time.sleep(0.005)) -> None:
    """Until something is so; for a long time, since the machine may be busy."""
    ends = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < ends, "it never came to be so"
        do()
