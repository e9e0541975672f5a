"""Uploads and downloads of one folder over the real wire: in a thread, or as a process that can be killed.

    python -m tests.bridge.files.file_service HOME OFFERED [ADDRESS]

offers the files below OFFERED for download, keeps uploads below HOME, and prints its address.
"""

from __future__ import annotations

import sys
from pathlib import Path

import zmq

from bridge.files.content_store import ContentStore
from bridge.files.downloads import describe, serve_chunk
from bridge.wire import messages as wire
from bridge.wire.keys import KeyFolder
from bridge.wire.server import DEFAULT_LIMITS, Incoming, WireServer, common_protocol
from contract.errors import Problem

STORE_LIMIT = 1 << 40


class FileService:
    """What a service does for files; `step` serves what has come."""

    def __init__(self, home: Path, offered: Path, address: str = "tcp://127.0.0.1:*") -> None:
        self.keys = KeyFolder(home / "keys")
        self.offered = offered
        self.store = ContentStore(home / "store", limit_bytes=STORE_LIMIT, open_transfers=4)
        self.server = WireServer(address, self.keys)

    def step(self) -> None:
        for incoming in self.server.receive():
            try:
                reply = self._reply(incoming)
            except Problem as problem:
                reply = wire.Refused.of(problem)
            self.server.answer(incoming, reply)

    def _reply(self, incoming: Incoming) -> wire.Reply:
        match incoming.body:
            case wire.Hello() as hello:
                return wire.Welcome(
                    protocol=common_protocol(hello),
                    version="1",
                    service="files",
                    capabilities=(),
                    limits=DEFAULT_LIMITS,
                    media_roots=(),
                    shared=False,
                    owner=True,
                )
            case wire.UploadBegin(sha256=sha256, bytes=size):
                return self.store.begin(incoming.client, sha256, size)
            case wire.UploadChunk() as chunk:
                return self.store.write(incoming.client, chunk)
            case wire.DownloadBegin(path=path):
                return describe(self.offered / path)
            case wire.DownloadChunk(path=path) as chunk:
                return serve_chunk(self.offered / path, chunk)
        return wire.Pong(state="idle", workers=(), queued=0, running=0, paused=False)


def main() -> None:
    service = FileService(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
    print(service.server.bound_address, flush=True)
    poller = zmq.Poller()
    poller.register(service.server.socket, zmq.POLLIN)
    while True:
        poller.poll(500)
        service.step()


if __name__ == "__main__":
    main()
