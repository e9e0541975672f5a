"""The events of ZeroMQ's socket monitor, read without `zmq.utils.monitor`, which brings all of asyncio with it."""

from __future__ import annotations

import struct
from typing import NamedTuple

import zmq

_EVENT = struct.Struct("=Hi")


class SocketEvent(NamedTuple):
    """`kind` is one of zmq.EVENT_*; `value` what that kind says it is: a descriptor, an error number."""

    kind: int
    value: int


def next_event(monitor: zmq.Socket[bytes]) -> SocketEvent | None:
    """The next event of a monitor socket, None when there is none. Never blocks.

    Source: the manual page zmq_socket_monitor(3): 16 bits of event, 32 of value, then a frame with the endpoint.
    """
    try:
        frames = monitor.recv_multipart(zmq.NOBLOCK)
    except zmq.Again:
        return None
    return SocketEvent(*_EVENT.unpack(frames[0]))
