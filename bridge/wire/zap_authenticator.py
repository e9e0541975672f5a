"""Who may connect: ZeroMQ asks here (ZAP, RFC 27) before a connection carries its first message."""

from __future__ import annotations

import logging
import threading

import zmq
from zmq.utils import z85

from bridge.wire.keys import KeyFolder

DOMAIN = "dynvfx"
_ENDPOINT = "inproc://zeromq.zap.01"
_VERSION = b"1.0"

_log = logging.getLogger(__name__)


class ZapAuthenticator:
    """Answers ZeroMQ's questions for all sockets of one context, in a thread of its own.

    A thread, because ZeroMQ waits for the answer while the service may be at something else; it touches nothing but
    its socket and the list of keys. A client that is authorised carries its public key (Z85) as "User-Id".
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], keys: KeyFolder) -> None:
        # Its own view of the list: the service's thread reads another one.
        self._keys = KeyFolder(keys.folder)
        self._keys.authorized()
        self._socket = context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.bind(_ENDPOINT)
        self._thread = threading.Thread(target=self._answer_all, name="doorkeeper", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread's end, after the context was asked to end."""
        self._thread.join()

    def _answer_all(self) -> None:
        try:
            while True:
                question = self._socket.recv_multipart()
                self._socket.send_multipart(self._answer(question))
        except zmq.ContextTerminated:
            pass
        finally:
            self._socket.close()

    def _answer(self, question: list[bytes]) -> list[bytes]:
        # Frames: version, request id, domain, address, identity, mechanism, credentials.
        identifier = question[1] if len(question) > 1 else b""
        refusal = [_VERSION, identifier, b"400", b"not authorised", b"", b""]
        if len(question) != 7 or question[0] != _VERSION or question[2] != DOMAIN.encode():
            return refusal
        address, mechanism, key = question[3], question[5], question[6]
        if mechanism != b"CURVE" or len(key) != 32:
            return refusal
        client = z85.encode(key)
        if client.decode() not in self._keys.authorized():
            _log.warning("refused the key %s from %s", client.decode(), address.decode(errors="replace"))
            return refusal
        return [_VERSION, identifier, b"200", b"OK", client, b""]
