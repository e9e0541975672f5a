import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.files.chunks import chunk_digest
from bridge.files.content_store import ContentStore
from bridge.files.errors import (
    BadName,
    BadTransfer,
    ChunkGap,
    ContentMismatch,
    DamagedChunk,
    NotUploaded,
    StoreFull,
    TooManyTransfers,
)
from bridge.wire.messages import UploadChunk, UploadState
from contract.errors import OutOfDisk, Problem, TooLarge
from contract.job import InputFile
from tests.content import noise

ANN, BOB = "A" * 40, "b$/:{}<>" * 5
CONTENT = bytes(range(256)) * 40
SHA = hashlib.sha256(CONTENT).hexdigest()


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., ContentStore]]:
    """Opens stores over one folder, each one in the place of the one before, as a restarted service does."""
    stores = []

    def opening(**options: object) -> ContentStore:
        for store in stores:
            store.close()
        wanted = {"limit_bytes": 1 << 20, "open_transfers": 4, "settle_seconds": 60.0, "clock": clock}
        stores.append(ContentStore(tmp_path / "store", **wanted | options))
        return stores[-1]

    yield opening
    for store in stores:
        store.close()


def sha_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def chunk(content: bytes, start: int, end: int | None = None, *, sha256: str | None = None) -> UploadChunk:
    data = content[start:end]
    return UploadChunk(sha256=sha256 or sha_of(content), offset=start, data=data, digest=chunk_digest(data))


def send(store: ContentStore, content: bytes, client: str = ANN) -> UploadState:
    state = store.begin(client, sha_of(content), len(content))
    return state if state.complete else store.write(client, chunk(content, state.have))


def test_a_file_in_three_chunks(opened: Callable[..., ContentStore]) -> None:
    store = opened()
    assert store.begin(ANN, SHA, len(CONTENT)) == UploadState(sha256=SHA, have=0, complete=False)
    assert store.path(SHA) is None
    assert store.write(ANN, chunk(CONTENT, 0, 4000)).have == 4000
    assert store.write(ANN, chunk(CONTENT, 4000, 8000)).have == 8000
    assert store.write(ANN, chunk(CONTENT, 8000)) == UploadState(sha256=SHA, have=len(CONTENT), complete=True)
    assert store.path(SHA).read_bytes() == CONTENT
    assert store.begin(ANN, SHA, len(CONTENT)).complete
    assert store.write(ANN, chunk(CONTENT, 4000, 8000)).complete
    assert store.used_bytes() == len(CONTENT)


def test_an_empty_file(opened: Callable[..., ContentStore]) -> None:
    store = opened()
    assert store.begin(ANN, sha_of(b""), 0).complete
    assert store.path(sha_of(b"")).read_bytes() == b""


def test_chunks_again_and_overlapping_do_no_harm(opened: Callable[..., ContentStore]) -> None:
    store = opened()
    store.begin(ANN, SHA, len(CONTENT))
    for start, end, have in ((0, 500, 500), (0, 500, 500), (100, 300, 500), (300, 900, 900), (0, 0, 900)):
        assert store.write(ANN, chunk(CONTENT, start, end, sha256=SHA)).have == have
    assert store.write(ANN, chunk(CONTENT, 0)).complete
    assert store.path(SHA).read_bytes() == CONTENT


@settings(max_examples=40, deadline=None)
@given(pieces=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 400), st.booleans()), max_size=12))
def test_in_whatever_order_chunks_come(pieces: list, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Gaps are refused, restarts lose nothing, and what is complete is the announced content."""
    content = noise(1000)
    folder = tmp_path_factory.mktemp("store")
    store = ContentStore(folder, limit_bytes=9999, open_transfers=1)
    have = store.begin(ANN, sha_of(content), 1000).have
    for start, length, restart in pieces:
        if restart:
            store.close()
            store = ContentStore(folder, limit_bytes=9999, open_transfers=1)
            assert store.begin(ANN, sha_of(content), 1000).have == have
        piece = chunk(content, start, start + length, sha256=sha_of(content))
        if start > have < 1000:
            with pytest.raises(ChunkGap):
                store.write(ANN, piece)
        else:
            have = max(have, start + len(piece.data))
            assert store.write(ANN, piece).have == have
    state = send(store, content)
    while not state.complete:
        state = store.begin(ANN, sha_of(content), 1000)
    assert store.path(sha_of(content)).read_bytes() == content
    store.close()


def test_partial_files_survive_a_restart(opened: Callable[..., ContentStore]) -> None:
    store = opened()
    store.begin(ANN, SHA, len(CONTENT))
    store.write(ANN, chunk(CONTENT, 0, 4001))
    store = opened()
    with pytest.raises(ChunkGap):
        store.write(ANN, chunk(CONTENT, 4001))
    assert store.used_bytes() == 4001
    assert store.begin(ANN, SHA, len(CONTENT)).have == 4001
    assert store.used_bytes() == 4001
    assert store.write(ANN, chunk(CONTENT, 4001)).complete
    assert opened().begin(ANN, SHA, len(CONTENT)).complete


def test_a_restart_before_the_check_ended(opened: Callable[..., ContentStore], tmp_path: Path) -> None:
    store = opened()
    store.begin(ANN, SHA, len(CONTENT))
    store.write(ANN, chunk(CONTENT, 0, 100))
    store.close()
    [partial] = tmp_path.glob("store/clients/*/*")
    partial.write_bytes(CONTENT)
    store = opened()
    assert store.begin(ANN, SHA, len(CONTENT)).complete
    assert not partial.exists()


def test_wrong_content_begins_anew_and_is_reported_once(opened: Callable[..., ContentStore]) -> None:
    store = opened()
    other = CONTENT[:-1] + b"!"
    store.begin(ANN, SHA, len(CONTENT))
    with pytest.raises(ContentMismatch) as caught:
        store.write(ANN, chunk(other, 0, sha256=SHA))
    assert caught.value.kind == "content_mismatch" and caught.value.remedy
    assert store.path(SHA) is None
    assert store.begin(ANN, SHA, len(CONTENT)).have == 0
    assert store.write(ANN, chunk(CONTENT, 0)).complete


def test_wrong_content_is_reported_by_begin_when_the_check_took_long(opened: Callable[..., ContentStore]) -> None:
    store = opened(settle_seconds=0.0)
    store.begin(ANN, SHA, len(CONTENT))
    with pytest.raises(ContentMismatch):
        store.write(ANN, chunk(CONTENT[:-1] + b"!", 0, sha256=SHA))
        while store.begin(ANN, SHA, len(CONTENT)).have:
            pass
    assert store.begin(ANN, SHA, len(CONTENT)).have == 0


def partial_of(tmp_path: Path, size: int) -> Path:
    return next(path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size == size)


@pytest.mark.parametrize(
    "disturb",
    [
        lambda path: os.truncate(path, 100),
        lambda path: path.write_bytes(b"x" * path.stat().st_size),
        lambda path: path.write_bytes(path.read_bytes() + b"more"),
    ],
    ids=["cut", "rewritten", "longer"],
)
def test_what_changes_after_the_check_is_not_published(
    opened: Callable[..., ContentStore],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    disturb: Callable[[Path], None],
) -> None:
    store, content = opened(), numbered(1)
    real = os.fsync

    def fsync_and_disturb(handle: int) -> None:
        real(handle)
        path = partial_of(tmp_path, len(content))
        before = path.stat().st_mtime_ns
        monkeypatch.setattr("bridge.files.partial_upload.os.fsync", real)
        disturb(path)
        os.utime(path, ns=(before, before + 1_000_000_000))

    monkeypatch.setattr("bridge.files.partial_upload.os.fsync", fsync_and_disturb)
    with pytest.raises(ContentMismatch):
        send(store, content)
    assert store.path(sha_of(content)) is None
    assert send(store, content).complete
    assert store.path(sha_of(content)).read_bytes() == content


def test_a_new_time_alone_harms_nothing(
    opened: Callable[..., ContentStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, content = opened(), numbered(1)
    real = os.fsync

    def fsync_and_touch(handle: int) -> None:
        real(handle)
        monkeypatch.setattr("bridge.files.partial_upload.os.fsync", real)
        os.utime(partial_of(tmp_path, len(content)), ns=(1, 1))

    monkeypatch.setattr("bridge.files.partial_upload.os.fsync", fsync_and_touch)
    assert send(store, content).complete


def test_a_cut_between_two_chunks_is_noticed(opened: Callable[..., ContentStore], tmp_path: Path) -> None:
    store, content = opened(), numbered(1)
    store.begin(ANN, sha_of(content), len(content))
    store.write(ANN, chunk(content, 0, 600))
    os.truncate(partial_of(tmp_path, 600), 10)
    # It is reported with this chunk or with the next call, by whether the first one was checked when it was cut.
    with pytest.raises((ContentMismatch, ChunkGap)) as caught:
        store.write(ANN, chunk(content, 600))
    if caught.type is ChunkGap:
        with pytest.raises(ContentMismatch):
            store.begin(ANN, sha_of(content), len(content))
    assert send(store, content).complete
    assert store.path(sha_of(content)).read_bytes() == content


def test_damaged_gap_and_too_long(opened: Callable[..., ContentStore]) -> None:
    store = opened()
    store.begin(ANN, SHA, len(CONTENT))
    good = chunk(CONTENT, 0, 100)
    with pytest.raises(DamagedChunk):
        store.write(ANN, UploadChunk(sha256=SHA, offset=0, data=b"x" + good.data[1:], digest=good.digest))
    with pytest.raises(ChunkGap):
        store.write(ANN, chunk(CONTENT, 1, 100))
    with pytest.raises(TooLarge):
        store.write(ANN, chunk(CONTENT + b"x", 0, sha256=SHA))
    with pytest.raises(ChunkGap):
        store.write(BOB, good)
    assert store.begin(ANN, SHA, len(CONTENT)).have == 0


@pytest.mark.parametrize(
    ("sha256", "size"),
    [("", 1), (SHA.upper(), 1), ("../" + SHA[3:], 1), (SHA + "\n", 1)]
    + [(SHA, -1), (SHA, 0), (sha_of(b""), 1), (SHA, 1 << 63)],
)
def test_what_no_file_has_is_refused(opened: Callable[..., ContentStore], sha256: str, size: int) -> None:
    with pytest.raises(BadTransfer):
        opened().begin(ANN, sha256, size)


def test_another_size_than_before_is_refused(opened: Callable[..., ContentStore]) -> None:
    store = opened()
    store.begin(ANN, SHA, len(CONTENT))
    with pytest.raises(BadTransfer):
        store.begin(ANN, SHA, len(CONTENT) - 1)


def test_knowing_a_hash_gives_nothing(opened: Callable[..., ContentStore], tmp_path: Path) -> None:
    store = opened()
    send(store, CONTENT)
    wanted = [InputFile(path="clip.mov", sha256=SHA, bytes=1)]
    assert store.begin(BOB, SHA, len(CONTENT)).have == 0
    assert store.path(SHA, client=BOB) is None and store.path(SHA, client=ANN) is not None
    with pytest.raises(NotUploaded):
        store.materialise(wanted, tmp_path / "bob", client=BOB)
    assert store.write(BOB, chunk(CONTENT, 0)).complete
    assert store.used_bytes() == len(CONTENT)
    store = opened()
    store.materialise(wanted, tmp_path / "bob", client=BOB)
    store.materialise(wanted, tmp_path / "ann", client=ANN)
    assert os.path.samefile(tmp_path / "bob" / "clip.mov", tmp_path / "ann" / "clip.mov")


def test_a_shared_store_asks_for_nothing_twice(opened: Callable[..., ContentStore]) -> None:
    store = opened(shared=True)
    send(store, CONTENT)
    assert store.begin(BOB, SHA, len(CONTENT)).complete


def test_files_are_private(opened: Callable[..., ContentStore], tmp_path: Path) -> None:
    send(opened(), CONTENT)
    if os.name != "nt":
        for folder in tmp_path.glob("store/**/"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700


# Limits ---------------------------------------------------------------------------------------------------------------


def numbered(number: int, size: int = 1000) -> bytes:
    return bytes([number]) * size


def test_open_transfers_are_counted_for_each_client(opened: Callable[..., ContentStore], clock: Clock) -> None:
    store = opened(open_transfers=2)
    for number in (1, 2):
        store.begin(ANN, sha_of(numbered(number)), 1000)
    with pytest.raises(TooManyTransfers) as caught:
        store.begin(ANN, sha_of(numbered(3)), 1000)
    assert caught.value.kind == "too_many_transfers" and caught.value.remedy
    store.begin(ANN, sha_of(numbered(2)), 1000)
    store.begin(BOB, sha_of(numbered(3)), 1000)
    assert send(store, numbered(1)).complete
    store.begin(ANN, sha_of(numbered(3)), 1000)


def test_a_silent_upload_makes_way_and_can_be_resumed(opened: Callable[..., ContentStore], clock: Clock) -> None:
    store = opened(open_transfers=1)
    store.begin(ANN, sha_of(numbered(1)), 1000)
    store.write(ANN, chunk(numbered(1), 0, 600))
    clock.now += 61
    assert send(store, numbered(2)).complete
    assert store.begin(ANN, sha_of(numbered(1)), 1000).have == 600


def test_a_released_client_leaves_what_it_sent(opened: Callable[..., ContentStore]) -> None:
    store = opened(open_transfers=1)
    store.begin(ANN, sha_of(numbered(1)), 1000)
    store.write(ANN, chunk(numbered(1), 0, 600))
    store.begin(BOB, sha_of(numbered(1)), 1000)
    store.release(ANN)
    assert send(store, numbered(2)).complete
    assert store.begin(ANN, sha_of(numbered(1)), 1000).have == 600
    with pytest.raises(TooManyTransfers):
        store.begin(BOB, sha_of(numbered(2)), 1000)


def test_a_file_above_the_limit_is_refused(opened: Callable[..., ContentStore]) -> None:
    with pytest.raises(TooLarge) as caught:
        opened(limit_bytes=999).begin(ANN, sha_of(numbered(1)), 1000)
    assert "1,000" in str(caught.value) and "999" in str(caught.value)


def test_what_was_used_longest_ago_makes_way(opened: Callable[..., ContentStore], clock: Clock) -> None:
    store = opened(limit_bytes=3000)
    for number in (1, 2, 3):
        send(store, numbered(number))
        clock.now += 10
    store.path(sha_of(numbered(1)))
    with pytest.raises(StoreFull) as caught:
        store.begin(ANN, sha_of(numbered(4)), 1000)
    assert isinstance(caught.value, OutOfDisk) and "1,000" in str(caught.value)
    clock.now += 4000
    store = opened(limit_bytes=3000)
    assert send(store, numbered(4)).complete
    there = [number for number in (1, 2, 3, 4) if store.path(sha_of(numbered(number)))]
    assert there == [1, 3, 4]


def test_sweeping_spares_what_is_kept_and_under_way(opened: Callable[..., ContentStore], clock: Clock) -> None:
    store = opened(limit_bytes=2600)
    send(store, numbered(1))
    store.begin(ANN, sha_of(numbered(2)), 1000)
    store.write(ANN, chunk(numbered(2), 0, 600))
    store.release(ANN)
    clock.now += 4000
    store.begin(ANN, sha_of(numbered(3)), 1000)
    store.write(ANN, chunk(numbered(3), 0, 600))
    assert store.sweep({sha_of(numbered(1))}) == 0
    assert store.used_bytes() == 2200
    assert store.sweep({sha_of(numbered(1))}, room=2000) == 600
    assert store.path(sha_of(numbered(1))) and store.begin(ANN, sha_of(numbered(3)), 1000).have == 600
    store.release(ANN)
    clock.now += 4000
    assert store.begin(ANN, sha_of(numbered(2)), 1000).have == 0


def test_a_client_that_went_away_holds_no_space(opened: Callable[..., ContentStore], clock: Clock) -> None:
    store = opened(limit_bytes=1500)
    store.begin(ANN, sha_of(numbered(1)), 1000)
    with pytest.raises(StoreFull):
        store.begin(BOB, sha_of(numbered(2)), 1000)
    clock.now += 61
    assert send(store, numbered(2), BOB).complete


def test_a_marker_of_an_evicted_file_goes_with_it(opened: Callable[..., ContentStore], clock: Clock) -> None:
    store = opened(limit_bytes=1000)
    send(store, numbered(1))
    clock.now += 4000
    send(store, numbered(2))
    assert [path.name for path in store.folder.glob("clients/*/*")] == [sha_of(numbered(2))]


# Into a job's folder --------------------------------------------------------------------------------------------------


def test_uploads_stand_under_their_names(opened: Callable[..., ContentStore], tmp_path: Path) -> None:
    store = opened()
    send(store, CONTENT)
    send(store, b"one")
    uploads = [
        InputFile(path="clip.mov", sha256=SHA, bytes=1),
        InputFile(path="plate/0001.exr", sha256=sha_of(b"one"), bytes=1),
        InputFile(path="plate/0002.exr", sha256=sha_of(b"one"), bytes=1),
    ]
    job = store.materialise(uploads, tmp_path / "jobs" / "1")
    assert (job / "clip.mov").read_bytes() == CONTENT
    assert os.path.samefile(job / "plate" / "0001.exr", job / "plate" / "0002.exr")
    before = {path: path.stat().st_ino for path in job.rglob("*")}
    assert store.materialise(uploads, job) == job
    assert {path: path.stat().st_ino for path in job.rglob("*")} == before


def test_a_job_keeps_its_media_when_the_store_does_not(
    opened: Callable[..., ContentStore], tmp_path: Path, clock: Clock
) -> None:
    store = opened(limit_bytes=1000)
    send(store, numbered(1))
    uploads = [InputFile(path="clip.mov", sha256=sha_of(numbered(1)), bytes=1)]
    job = store.materialise(uploads, tmp_path / "job")
    times = (job / "clip.mov").stat().st_mtime_ns
    clock.now += 4000
    send(store, numbered(2))
    assert store.path(sha_of(numbered(1))) is None
    assert store.materialise(uploads, job) == job
    # Jobs know by the time of change whether their media was replaced: the same content always has the same.
    clock.now += 4000
    send(store, numbered(1))
    assert (store.materialise(uploads, job) / "clip.mov").stat().st_mtime_ns == times
    (job / "clip.mov").unlink()
    (job / "clip.mov").write_bytes(numbered(9))
    assert (store.materialise(uploads, job) / "clip.mov").read_bytes() == numbered(1)


def test_copies_where_there_are_no_hard_links(
    opened: Callable[..., ContentStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError("not on this disk")

    store = opened()
    send(store, CONTENT)
    monkeypatch.setattr(os, "link", no_links)
    job = store.materialise([InputFile(path="clip.mov", sha256=SHA, bytes=1)], tmp_path / "job")
    assert (job / "clip.mov").read_bytes() == CONTENT
    assert (job / "clip.mov").stat().st_mtime_ns == store.path(SHA).stat().st_mtime_ns
    assert [path.name for path in job.iterdir()] == ["clip.mov"]


def test_missing_uploads_are_named(opened: Callable[..., ContentStore], tmp_path: Path) -> None:
    with pytest.raises(NotUploaded) as caught:
        opened().materialise([InputFile(path="clip.mov", sha256=SHA, bytes=1)], tmp_path / "job")
    assert "clip.mov" in caught.value.what and caught.value.remedy


@pytest.mark.parametrize("name", ["../clip.mov", "/etc/clip.mov", "a/../../b", "C:/x", "NUL", "a\\b", ""])
def test_names_that_lead_out_are_refused(opened: Callable[..., ContentStore], tmp_path: Path, name: str) -> None:
    store = opened()
    send(store, CONTENT)
    with pytest.raises(BadName):
        store.materialise(
            [InputFile(path="fine.mov", sha256=SHA, bytes=1), InputFile(path=name, sha256=SHA, bytes=1)],
            tmp_path / "job",
        )
    assert not (tmp_path / "job").exists()


@pytest.mark.skipif(os.name == "nt", reason="links need an administrator on Windows")
def test_links_that_lead_out_are_not_followed(opened: Callable[..., ContentStore], tmp_path: Path) -> None:
    store = opened()
    send(store, CONTENT)
    (tmp_path / "job").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_bytes(b"mine")
    (tmp_path / "job" / "plate").symlink_to(tmp_path / "secret")
    (tmp_path / "job" / "clip.mov").symlink_to(tmp_path / "secret" / "file")
    with pytest.raises(BadName):
        store.materialise([InputFile(path="plate/file", sha256=SHA, bytes=1)], tmp_path / "job")
    store.materialise([InputFile(path="clip.mov", sha256=SHA, bytes=1)], tmp_path / "job")
    assert (tmp_path / "secret" / "file").read_bytes() == b"mine"
    assert (tmp_path / "job" / "clip.mov").read_bytes() == CONTENT


# A full disk ----------------------------------------------------------------------------------------------------------


def test_a_disk_that_is_too_small_is_reported_beforehand(
    opened: Callable[..., ContentStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened()
    usage = type("Usage", (), {"free": 240})
    monkeypatch.setattr("bridge.files.content_store.shutil.disk_usage", lambda path: usage)
    with pytest.raises(OutOfDisk) as caught:
        store.begin(ANN, SHA, len(CONTENT))
    assert f"{len(CONTENT) - 240:,}" in caught.value.why and str(store.folder) in caught.value.what
    usage.free = 1 << 30
    assert send(store, CONTENT).complete


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit on a process's files")
def test_a_disk_that_fills_up_while_the_file_arrives(opened: Callable[..., ContentStore]) -> None:
    import resource

    store = opened()
    store.begin(ANN, SHA, len(CONTENT))
    store.write(ANN, chunk(CONTENT, 0, 4000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(OutOfDisk) as caught:
            store.write(ANN, chunk(CONTENT, 4000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"{len(CONTENT) - 5000:,}" in caught.value.why and SHA in caught.value.what
    assert store.begin(ANN, SHA, len(CONTENT)).have == 5000
    assert store.write(ANN, chunk(CONTENT, 5000)).complete


def test_every_refusal_of_a_store_has_a_kind_of_its_own() -> None:
    kinds = [problem.kind for problem in (BadName, BadTransfer, ChunkGap, ContentMismatch, DamagedChunk, NotUploaded)]
    kinds += [problem.kind for problem in (StoreFull, TooManyTransfers, TooLarge, OutOfDisk, Problem)]
    assert len(set(kinds)) == len(kinds)
