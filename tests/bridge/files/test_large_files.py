"""Large files over the real wire, with a service that is killed, as large as clips are, in little memory."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bridge.files.chunks import CHUNK_BYTES
from bridge.files.transfer import download, upload
from bridge.wire.client import Client
from bridge.wire.keys import KeyFolder
from contract.errors import OutOfDisk, Problem
from tests.content import noise

MEBIBYTE = 1 << 20
MEMORY = 48 * MEBIBYTE
"""What a transfer may need beyond the process itself, whatever the file's size: windows of chunks and their copies."""


class ServiceProcess:
    """`file_service` in a process of its own, at the same address after a kill."""

    def __init__(self, home: Path, offered: Path) -> None:
        self._home, self._offered = home, offered
        self.address = "tcp://127.0.0.1:*"
        self.largest = self.smallest = 0
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.bridge.files.file_service", self._home, self._offered, self.address]
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        self._memory = psutil.Process(self.process.pid)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def memory(self) -> int:
        """Bytes of real memory."""
        return self._memory.memory_info().rss

    def client(self) -> Client:
        keys = KeyFolder(self._home / "keys")
        return Client(
            self.address, keys.service_pair().public, keys.client_pair(), program="test", version="1", wait=60.0
        )


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceProcess]:
    (tmp_path / "offered").mkdir()
    service = ServiceProcess(tmp_path / "home", tmp_path / "offered")
    yield service
    service.kill()


class Watch:
    """Called with a transfer's progress: measures memory on both sides, and does something once at `at` bytes."""

    def __init__(self, service: ServiceProcess, at: int = -1, act: object = None) -> None:
        self._service, self._at, self._act = service, at, act
        self._own = psutil.Process()
        self._before: tuple[int, int] | None = None
        self.first: int | None = None
        self.grown = [0, 0]

    def __call__(self, done: int, total: int) -> None:
        if self.first is None:
            self.first = done
        if self._act is not None and done >= self._at:
            act, self._act = self._act, None
            act()
            self._before = None
        now = (self._own.memory_info().rss, self._service.memory())
        if self._before is None:
            self._before = now
        self.grown = [
            max(most, here - before) for most, here, before in zip(self.grown, now, self._before, strict=True)
        ]


def sparse(path: Path, size: int) -> Path:
    """A file of holes with a few bytes in between."""
    with path.open("wb") as file:
        file.truncate(size)
        for place in range(0, size - 64, size // 7):
            file.seek(place)
            file.write(b"frame at %d" % place)
    return path


def hash_of(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def there_and_back(service: ServiceProcess, tmp_path: Path, size: int, seed: int) -> None:
    """Up with the service killed in the middle, then down with the transfer broken off, and memory watched."""
    chance = random.Random(seed)
    source = sparse(tmp_path / "clip.mov", size)
    expected = hash_of(source)

    def restart() -> None:
        service.kill()
        [partial] = tmp_path.glob("home/store/clients/*/*")
        # A kill at any byte: of the last chunk only a part may have reached the file.
        os.truncate(partial, max(0, partial.stat().st_size - chance.randrange(CHUNK_BYTES)))
        service.start()

    with service.client() as client:
        watch = Watch(service, chance.randrange(size // 4, size), restart)
        assert upload(client.call, source, call_many=client.call_many, progress=watch) == expected
        assert max(watch.grown) < MEMORY, watch.grown
    [kept] = tmp_path.glob(f"home/store/whole/*/{expected}")
    assert kept.stat().st_size == size

    os.replace(source, tmp_path / "offered" / "master.mov")
    kept.unlink()
    dest = tmp_path / "take" / "master.mov"
    with service.client() as client:

        def fetch(watch: Watch) -> str:
            return download(client.call, "job", "master.mov", dest, call_many=client.call_many, progress=watch)

        broken = Watch(service, chance.randrange(size // 4, size), interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(broken)
        [partial] = dest.parent.glob(".*.part")
        left = partial.stat().st_size - chance.randrange(CHUNK_BYTES)
        os.truncate(partial, left)
        watch = Watch(service)
        assert fetch(watch) == expected
        assert left < watch.first <= left + CHUNK_BYTES
        assert max(*watch.grown, *broken.grown) < MEMORY, (broken.grown, watch.grown)
    assert dest.stat().st_size == size and hash_of(dest) == expected


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_a_random_byte(service: ServiceProcess, tmp_path: Path, seed: int) -> None:
    there_and_back(service, tmp_path, 24 * MEBIBYTE + 12345, seed)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_four_gigabytes_with_constant_memory(service: ServiceProcess, tmp_path: Path) -> None:
    there_and_back(service, tmp_path, 4_000_000_001, 3)


def small_disk(folder: Path) -> bool:
    """Mount a disk of 4 MiB at the folder, where this user may."""
    folder.mkdir()
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_a_disk_without_space_on_either_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real small disk where one can be mounted, else one that the operating system reports as small."""
    disk, offered = tmp_path / "disk", tmp_path / "offered"
    offered.mkdir()
    mounted = small_disk(disk)
    ballast = disk / "ballast"
    try:
        ballast.write_bytes(bytes(3 * MEBIBYTE))
        source = tmp_path / "clip.mov"
        source.write_bytes(noise(2 * MEBIBYTE))
        shutil.copy(source, offered / "master.mov")
        service = ServiceProcess(disk / "home" if mounted else tmp_path / "home", offered)
        try:
            with service.client() as client:
                if mounted:
                    with pytest.raises(Problem) as caught:
                        upload(client.call, source)
                    assert caught.value.kind == "out_of_disk" and str(disk) in caught.value.what
                else:
                    small = type("Usage", (), {"free": MEBIBYTE})
                    monkeypatch.setattr("bridge.files.partial_download.shutil.disk_usage", lambda path: small)
                with pytest.raises(OutOfDisk) as full:
                    download(client.call, "job", "master.mov", disk / "master.mov")
                assert str(disk / "master.mov") in full.value.what and "bytes are needed" in full.value.why
                ballast.unlink()
                monkeypatch.undo()
                assert upload(client.call, source) == hash_of(source)
                next(tmp_path.glob("**/store/whole/*/*")).unlink()
                assert download(client.call, "job", "master.mov", disk / "master.mov") == hash_of(source)
        finally:
            service.kill()
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(disk)], check=True)
