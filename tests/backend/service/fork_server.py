"""Worker processes for service tests without the seconds that importing torch takes.

A fork server imports everything once. The service starts `forked_worker`, a small program that hands its
environment to the fork server; there a fork becomes the worker. Whichever of the two ends, the other one does.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PLACE = "DYNVFX_TEST_NURSERY"
"""Environment: the fork server's socket."""
MODELS = "DYNVFX_TEST_MODELS"
"""Environment: "tiny" for the shipped models, anything else for the small ones."""
CHILD = "DYNVFX_TEST_CHILD"
"""Environment: the file in which the worker's process id is written down."""


@contextmanager
def fork_server(folder: Path) -> Iterator[dict[str, str]]:
    """A fork server for the time of the block; yields what the service's environment needs."""
    place, child = folder / "fork_server", folder / "child"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.backend.service.fork_server", str(place)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline().strip() == "ready"
        yield {PLACE: str(place), CHILD: str(child)}
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def serve(place: str) -> None:
    """Fork a worker for each connection."""
    import torch

    import backend.worker.worker_jobs  # noqa: F401 (imported before the fork, not after it)
    import tests.backend.worker.small_worker  # noqa: F401
    from dynvfx.backbones.tiny.backbone import TinyBackbone  # noqa: F401
    from dynvfx.backbones.tiny.segmenter import TinySegmenter  # noqa: F401

    torch.set_num_threads(1)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    listener.listen()
    print("ready", flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        if not select.select([listener], [], [], 1.0)[0]:
            continue
        connection, _ = listener.accept()
        words, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 2)
        if os.fork() == 0:
            listener.close()
            be_worker(connection, json.loads(words), descriptors)
        for each in descriptors:
            os.close(each)
        connection.close()


def be_worker(connection: socket.socket, environment: dict[str, str], descriptors: list[int]) -> None:
    """The fork's life."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for place, descriptor in zip((1, 2), descriptors, strict=True):
        os.dup2(descriptor, place)
    os.environ.clear()
    os.environ.update(environment)
    Path(environment[CHILD]).write_text(str(os.getpid()))

    def end_with_the_other() -> None:
        connection.recv(1)
        os._exit(9)

    threading.Thread(target=end_with_the_other, daemon=True).start()
    from backend.worker.main import main
    from tests.backend.worker.small_worker import work

    code = main() if environment.get(MODELS) == "tiny" else work()
    sys.stderr.flush()
    connection.send(bytes([code]))
    os._exit(code)


def ask() -> int:
    """What `forked_worker` does: be a worker by having one forked."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ[PLACE])
        socket.send_fds(connection, [json.dumps(dict(os.environ)).encode()], [1, 2])
        code = connection.recv(1)
    if not code:
        os.kill(os.getpid(), signal.SIGKILL)
    return code[0]


if __name__ == "__main__":
    serve(sys.argv[1])
