import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import pytest

from bridge.files.chunks import chunk_digest
from bridge.files.content_store import ContentStore
from bridge.files.downloads import describe, serve_chunk
from bridge.files.errors import ContentMismatch, DamagedChunk, FileChanged, NoSuchFile, TransferCancelled
from bridge.files.file_hashes import FileHashes
from bridge.files.transfer import download, upload
from bridge.wire import messages as wire
from bridge.wire.messages import DownloadBegin, DownloadChunk, Reply, Request, UploadBegin, UploadChunk
from contract.errors import BadUsage, OutOfDisk, Problem, Refusal, TooLarge, Unreachable
from tests.content import noise

CHUNK = 1000


class Service:
    """Answers calls as a service does, refusals included; `spoil` may change replies or raise."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.offered = folder, folder / "offered"
        self.offered.mkdir()
        self.asked: list[Request] = []
        self.spoil: Callable[[Request, Reply], Reply] = lambda request, reply: reply
        self.intercept: Callable[[Request], Request] = lambda request: request
        self.store = self.start()

    def start(self, **options: object) -> ContentStore:
        return ContentStore(self.folder / "store", limit_bytes=1 << 30, open_transfers=4, **options)

    def call(self, request: Request, timeout: float = 10.0) -> Reply:
        self.asked.append(request)
        try:
            reply = self._reply(self.intercept(request))
        except Problem as problem:
            raise Refusal(problem.kind, problem.what, problem.why, problem.remedy) from problem
        return self.spoil(request, reply)

    def call_many(self, requests: Iterable[Request], timeout: float = 10.0) -> Iterator[Reply]:
        for request in requests:
            yield self.call(request)

    def count(self, kind: type) -> int:
        return sum(isinstance(request, kind) for request in self.asked)

    def _reply(self, request: Request) -> Reply:
        match request:
            case UploadBegin(sha256=sha256, bytes=size):
                return self.store.begin("ann", sha256, size)
            case UploadChunk():
                return self.store.write("ann", request)
            case DownloadBegin(path=path):
                return describe(self.offered / path)
            case DownloadChunk(path=path):
                return serve_chunk(self.offered / path, request)
        raise AssertionError(request)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    service.store.close()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mov"
    path.write_bytes(noise(10 * CHUNK + 500))
    return path


def sha_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def spoil_once(spoil: Callable[[Request, Reply], Reply], kind: type, at: int) -> Callable[[Request, Reply], Reply]:
    seen = 0

    def spoiling(request: Request, reply: Reply) -> Reply:
        nonlocal seen
        seen += isinstance(request, kind)
        return spoil(request, reply) if isinstance(request, kind) and seen == at else reply

    return spoiling


def unreachable(*_: object) -> Reply:
    raise Unreachable("There is no answer.")


# Up -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [False, True])
def test_a_file_goes_up_once(service: Service, clip: Path, many: bool) -> None:
    reported: list[tuple[int, int]] = []
    read: list[tuple[int, int]] = []
    options = {"chunk_bytes": CHUNK, "call_many": service.call_many if many else None}
    assert upload(
        service.call, clip, progress=lambda *at: reported.append(at), reading=lambda *at: read.append(at), **options
    )
    assert service.store.path(sha_of(clip)).read_bytes() == clip.read_bytes()
    assert service.count(UploadChunk) == 11
    assert reported[0] == (CHUNK, 10500) and reported[-1] == (10500, 10500) and reported == sorted(reported)
    assert read[-1] == (10500, 10500)
    assert upload(service.call, clip, **options) == sha_of(clip)
    assert service.count(UploadChunk) == 11


def test_an_empty_file_goes_up_and_down(service: Service, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (service.offered / "empty").write_bytes(b"")
    assert upload(service.call, tmp_path / "empty") == sha_of(tmp_path / "empty")
    assert download(service.call, "job", "empty", tmp_path / "down") == sha_of(tmp_path / "down")


def test_an_upload_goes_on_where_it_broke_off(service: Service, clip: Path) -> None:
    service.spoil = spoil_once(unreachable, UploadChunk, 6)
    with pytest.raises(Unreachable):
        upload(service.call, clip, chunk_bytes=CHUNK)
    service.store.close()
    service.store = service.start()
    assert upload(service.call, clip, chunk_bytes=CHUNK) == sha_of(clip)
    assert service.count(UploadChunk) == 11


def test_a_restarted_service_is_asked_how_far_it_is(service: Service, clip: Path) -> None:
    def restart(request: Request, reply: Reply) -> Reply:
        service.store.close()
        service.store = service.start()
        return reply

    service.spoil = spoil_once(restart, UploadChunk, 4)
    assert upload(service.call, clip, chunk_bytes=CHUNK) == sha_of(clip)
    assert service.count(UploadBegin) == 2 and service.count(UploadChunk) == 12


@pytest.mark.parametrize("times", [2, 9])
def test_a_damaged_chunk_is_sent_again_but_not_for_ever(service: Service, clip: Path, times: int) -> None:
    left = times

    def damage(request: Request) -> Request:
        nonlocal left
        if isinstance(request, UploadChunk) and request.offset == 3 * CHUNK and left:
            left -= 1
            return msgspec.structs.replace(request, data=bytes([request.data[0] ^ 1]) + request.data[1:])
        return request

    service.intercept = damage
    if times == 2:
        assert upload(service.call, clip, chunk_bytes=CHUNK) == sha_of(clip)
    else:
        with pytest.raises(Refusal) as caught:
            upload(service.call, clip, chunk_bytes=CHUNK)
        assert caught.value.kind == "damaged_chunk"


def test_a_slow_check_is_waited_for(service: Service, clip: Path) -> None:
    pauses: list[float] = []
    checking = 3

    def not_yet(request: Request, reply: Reply) -> Reply:
        nonlocal checking
        if reply.have == 10500 and checking:
            checking -= 1
            return msgspec.structs.replace(reply, complete=False)
        return reply

    service.spoil = not_yet
    assert upload(service.call, clip, chunk_bytes=CHUNK, sleep=pauses.append) == sha_of(clip)
    assert pauses == [0.02, 0.04, 0.08]


def test_what_arrived_wrong_is_sent_anew(service: Service, clip: Path) -> None:
    """The service's disk damaged what an earlier attempt left."""
    service.spoil = spoil_once(unreachable, UploadChunk, 6)
    with pytest.raises(Unreachable):
        upload(service.call, clip, chunk_bytes=CHUNK)
    service.store.close()
    [partial] = service.folder.glob("store/clients/*/*")
    partial.write_bytes(b"?" * 6000)
    service.store = service.start(settle_seconds=60.0)
    assert upload(service.call, clip, chunk_bytes=CHUNK) == sha_of(clip)
    assert service.count(UploadChunk) == 6 + 5 + 11


def test_a_file_that_changes_while_it_is_sent_is_reported(service: Service, clip: Path) -> None:
    def change(request: Request, reply: Reply) -> Reply:
        clip.write_bytes(noise(10500, 2))
        return reply

    service.store.close()
    service.store = service.start(settle_seconds=60.0)
    service.spoil = spoil_once(change, UploadChunk, 5)
    with pytest.raises(FileChanged) as caught:
        upload(service.call, clip, chunk_bytes=CHUNK)
    assert str(clip) in caught.value.what and caught.value.remedy


def test_a_file_that_shrinks_while_it_is_sent_is_reported(service: Service, clip: Path) -> None:
    def shrink(request: Request, reply: Reply) -> Reply:
        os.truncate(clip, 2000)
        return reply

    service.spoil = spoil_once(shrink, UploadChunk, 5)
    with pytest.raises(FileChanged):
        upload(service.call, clip, chunk_bytes=CHUNK)


def test_cancelling_an_upload_leaves_what_arrived(service: Service, clip: Path) -> None:
    with pytest.raises(TransferCancelled) as caught:
        upload(service.call, clip, chunk_bytes=CHUNK, cancelled=lambda: service.count(UploadChunk) == 3)
    assert caught.value.kind == "cancelled"
    assert service.store.begin("ann", sha_of(clip), 10500).have == 3 * CHUNK
    with pytest.raises(TransferCancelled):
        upload(service.call, clip, cancelled=lambda: True)
    assert service.count(UploadBegin) == 1


def test_no_file_to_send(service: Service, tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(NoSuchFile):
            upload(service.call, path)
    assert not service.asked


def test_a_refusal_is_not_argued_with(service: Service, clip: Path) -> None:
    service.store.limit_bytes = 10
    with pytest.raises(Refusal) as caught:
        upload(service.call, clip)
    assert caught.value.kind == "too_large" and len(service.asked) == 1


# Down -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def master(service: Service) -> Path:
    path = service.offered / "master.mov"
    path.write_bytes(noise(10 * CHUNK + 500, 3))
    return path


@pytest.fixture
def down(tmp_path: Path) -> Path:
    return tmp_path / "takes" / "01" / "master.mov"


def fetch(service: Service, dest: Path, **options: object) -> str:
    return download(service.call, "job", "master.mov", dest, chunk_bytes=CHUNK, **options)


@pytest.mark.parametrize("many", [False, True])
def test_a_file_comes_down_once(service: Service, master: Path, down: Path, many: bool) -> None:
    reported: list[tuple[int, int]] = []
    call_many = service.call_many if many else None
    assert fetch(service, down, progress=lambda *at: reported.append(at), call_many=call_many) == sha_of(master)
    assert down.read_bytes() == master.read_bytes()
    assert [path.name for path in down.parent.iterdir()] == ["master.mov"]
    assert reported[-1] == (10500, 10500) and reported == sorted(reported)
    assert fetch(service, down, call_many=call_many) == sha_of(master)
    assert service.count(DownloadChunk) == 11


def test_a_download_goes_on_where_it_broke_off(service: Service, master: Path, down: Path) -> None:
    down.parent.mkdir(parents=True)
    down.write_bytes(b"the take of yesterday")
    service.spoil = spoil_once(unreachable, DownloadChunk, 6)
    with pytest.raises(Unreachable):
        fetch(service, down)
    assert down.read_bytes() == b"the take of yesterday"
    [partial] = down.parent.glob(".*.part")
    assert partial.stat().st_size == 5 * CHUNK and sha_of(master) in partial.name
    os.truncate(partial, 4321)
    assert fetch(service, down) == sha_of(master)
    assert [request.offset for request in service.asked[-7:]] == [4321 + number * CHUNK for number in range(7)]
    assert down.read_bytes() == master.read_bytes() and not partial.exists()


def test_another_version_of_the_file_begins_anew(service: Service, master: Path, down: Path) -> None:
    service.spoil = spoil_once(unreachable, DownloadChunk, 6)
    with pytest.raises(Unreachable):
        fetch(service, down)
    master.write_bytes(noise(10600, 4))
    assert fetch(service, down) == sha_of(master)
    assert [path.name for path in down.parent.iterdir()] == ["master.mov"]


def test_a_file_that_changes_while_it_comes_is_fetched_anew(service: Service, master: Path, down: Path) -> None:
    def change(request: Request, reply: Reply) -> Reply:
        master.write_bytes(noise(10600, 5))
        return reply

    service.spoil = spoil_once(change, DownloadChunk, 4)
    assert fetch(service, down) == sha_of(master)
    assert down.read_bytes() == master.read_bytes()


@pytest.mark.parametrize("times", [2, 9])
def test_a_chunk_damaged_on_the_way_is_asked_for_again(service: Service, master: Path, down: Path, times: int) -> None:
    left = times

    def damage(request: Request, reply: Reply) -> Reply:
        nonlocal left
        if isinstance(request, DownloadChunk) and request.offset == 3 * CHUNK and left:
            left -= 1
            return msgspec.structs.replace(reply, data=bytes([reply.data[0] ^ 1]) + reply.data[1:])
        return reply

    service.spoil = damage
    if times == 2:
        assert fetch(service, down) == sha_of(master)
    else:
        with pytest.raises(DamagedChunk):
            fetch(service, down)
        assert not down.exists()


def test_a_service_that_lies_gets_nothing_written(service: Service, master: Path, down: Path) -> None:
    """Right digests, wrong content."""

    def lie(request: Request, reply: Reply) -> Reply:
        if not isinstance(request, DownloadChunk):
            return reply
        data = b"?" * len(reply.data)
        return msgspec.structs.replace(reply, data=data, digest=chunk_digest(data))

    service.spoil = lie
    with pytest.raises(ContentMismatch):
        fetch(service, down)
    assert not down.exists()
    service.spoil = lambda request, reply: msgspec.structs.replace(reply, sha256="../../" + "a" * 64)
    with pytest.raises(ContentMismatch):
        fetch(service, down)


def test_what_is_damaged_of_an_earlier_attempt_is_fetched_anew(service: Service, master: Path, down: Path) -> None:
    service.spoil = spoil_once(unreachable, DownloadChunk, 6)
    with pytest.raises(Unreachable):
        fetch(service, down)
    [partial] = down.parent.glob(".*.part")
    partial.write_bytes(b"?" * 20000)
    assert fetch(service, down) == sha_of(master)
    partial.write_bytes(b"?" * 5000)
    down.unlink()
    assert fetch(service, down) == sha_of(master)
    assert down.read_bytes() == master.read_bytes()


def test_cancelling_a_download_leaves_what_arrived(service: Service, master: Path, down: Path) -> None:
    with pytest.raises(TransferCancelled):
        fetch(service, down, cancelled=lambda: service.count(DownloadChunk) == 3)
    [partial] = down.parent.glob(".*.part")
    assert partial.stat().st_size == 3 * CHUNK


def test_a_hash_that_takes_long_is_waited_for(service: Service, master: Path, down: Path) -> None:
    pauses: list[float] = []
    hashing = 2

    def not_yet(request: Request, reply: Reply) -> Reply:
        nonlocal hashing
        if isinstance(request, DownloadBegin) and hashing:
            hashing -= 1
            return msgspec.structs.replace(reply, sha256="", ready=False)
        return reply

    service.spoil = not_yet
    assert fetch(service, down, sleep=pauses.append) == sha_of(master)
    assert pauses == [0.02, 0.04]


def test_a_restarted_service_describes_the_file_again(
    service: Service, master: Path, down: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def restart(request: Request, reply: Reply) -> Reply:
        monkeypatch.setattr("bridge.files.downloads._OFFERED", FileHashes())
        return reply

    service.spoil = spoil_once(restart, DownloadChunk, 4)
    assert fetch(service, down) == sha_of(master)
    assert service.count(DownloadBegin) >= 2 and service.count(DownloadChunk) == 12


def test_nowhere_to_write(service: Service, master: Path, down: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    down.mkdir(parents=True)
    with pytest.raises(BadUsage):
        fetch(service, down)
    (down.parent / "file").write_bytes(b"")
    with pytest.raises(OutOfDisk):
        fetch(service, down.parent / "file" / "master.mov")
    monkeypatch.setattr(
        "bridge.files.partial_download.shutil.disk_usage", lambda path: type("Usage", (), {"free": 240})
    )
    with pytest.raises(OutOfDisk) as caught:
        fetch(service, down / "master.mov")
    assert "10,260" in caught.value.why and service.count(DownloadChunk) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit on a process's files")
def test_a_disk_that_fills_up_while_the_file_comes(service: Service, master: Path, down: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4321, before[1]))
    try:
        with pytest.raises(OutOfDisk) as caught:
            fetch(service, down)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"{10500 - 4321:,}" in caught.value.why and str(down) in caught.value.what
    assert fetch(service, down) == sha_of(master)
    assert service.count(DownloadChunk) == 5 + 7


def test_what_is_offered_is_read_as_described(service: Service, master: Path) -> None:
    sha256 = sha_of(master)

    def ask(offset: int, length: int) -> wire.Chunk:
        return serve_chunk(master, DownloadChunk(job="j", path="p", sha256=sha256, offset=offset, length=length))

    with pytest.raises(FileChanged):
        ask(0, 10)
    assert describe(master, wait=60.0) == wire.DownloadState(sha256=sha256, bytes=10500)
    assert ask(10490, 100).data == master.read_bytes()[10490:]
    for offset, length in ((-1, 10), (10500, 10), (0, 0), (0, -1), (0, 1 << 40)):
        with pytest.raises(TooLarge):
            ask(offset, length)
    master.write_bytes(noise(10600, 6))
    with pytest.raises(FileChanged):
        ask(0, 10)
    master.unlink()
    with pytest.raises(NoSuchFile):
        ask(0, 10)
    with pytest.raises(NoSuchFile):
        describe(master)


def test_a_file_is_hashed_once_for_each_state(tmp_path: Path) -> None:
    path, hashes, blocks = tmp_path / "file", FileHashes(), []
    path.write_bytes(b"one")
    for content in (b"one", b"one", b"three", b"three"):
        if path.read_bytes() != content:
            path.write_bytes(content)
        assert hashes.compute(path, lambda *at: blocks.append(at)) == hashlib.sha256(content).hexdigest()
    assert len(blocks) == 2
    with pytest.raises(FileChanged):
        path.write_bytes(b"seventeen")
        hashes.compute(path, lambda *_: os.truncate(path, 1))
