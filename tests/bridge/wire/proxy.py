"""A TCP proxy for tests: it records everything, and cuts connections and changes bytes on request."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable

Change = Callable[[bytes, bool], bytes]
"""Gets bytes on their way and whether they go to the service; returns what is passed on."""


class Proxy:
    """Stands between a client and a service at `target` ("tcp://127.0.0.1:5577").

    `to_service` and `to_client` hold all bytes of each direction. `cut` breaks every connection, `block` keeps
    new ones out as well until `restore`. `lose` ends connections after that many more bytes,
    in the middle of a message.
    """

    def __init__(self, target: str, *, change: Change | None = None) -> None:
        self._target = _place(target)
        self.change = change
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.to_service, self.to_client = bytearray(), bytearray()
        self.accepted = 0
        self._bytes_left: int | None = None
        self._blocked = False
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        self._wake_in, self._wake_out = socket.socketpair()
        self._ended = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    @property
    def received(self) -> bytes:
        """Everything that went through, both directions one after the other."""
        with self._lock:
            return bytes(self.to_service) + bytes(self.to_client)

    def cut(self) -> None:
        """Break every open connection; new ones are taken."""
        with self._lock:
            for side in list(self._pairs):
                self._end(side)

    def block(self) -> None:
        """Break every open connection and take no new ones until `restore`."""
        self._blocked = True
        self.cut()

    def restore(self) -> None:
        """Take connections again."""
        self._blocked = False

    def lose(self, after_bytes: int) -> None:
        """Break all connections once `after_bytes` more bytes have gone through."""
        self._bytes_left = after_bytes

    def retarget(self, target: str) -> None:
        """Send later connections somewhere else: to the service that was started again."""
        self._target = _place(target)

    def close(self) -> None:
        """End everything."""
        self._ended = True
        with contextlib.suppress(OSError):
            self._wake_out.send(b"x")
        self._thread.join()
        with self._lock:
            for side in list(self._pairs):
                self._end(side)
        for each in (self._listener, self._wake_in, self._wake_out):
            each.close()
        self._selector.close()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while not self._ended:
            for key, _ in self._selector.select():
                with self._lock:
                    if key.fileobj is self._listener:
                        self._accept()
                    elif key.fileobj in self._pairs:
                        self._pass_on(key.fileobj, bool(key.data))

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self._blocked:
            client.close()
            return
        self.accepted += 1
        try:
            service = socket.create_connection(self._target, timeout=5)
        except OSError:
            client.close()
            return
        for side in (client, service):
            side.settimeout(10)
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pairs[client], self._pairs[service] = service, client
        self._selector.register(client, selectors.EVENT_READ, data=True)
        self._selector.register(service, selectors.EVENT_READ, data=False)

    def _pass_on(self, source: socket.socket, to_service: bool) -> None:
        try:
            data = source.recv(65536)
        except OSError:
            data = b""
        (self.to_service if to_service else self.to_client).extend(data)
        lost, received = False, bool(data)
        if self._bytes_left is not None:
            lost = len(data) >= self._bytes_left
            data = data[: self._bytes_left]
            self._bytes_left = None if lost else self._bytes_left - len(data)
        if data and self.change is not None:
            data = self.change(data, to_service)
        try:
            if data:
                self._pairs[source].sendall(data)
        except OSError:
            lost = True
        if lost or not received:
            self._end(source)

    def _end(self, side: socket.socket) -> None:
        other = self._pairs.pop(side, None)
        if other is None:
            return
        del self._pairs[other]
        for each in (side, other):
            self._selector.unregister(each)
            each.close()


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    return host.strip("[]"), int(port)
