"""Files to and from a real service: uploaded clips, downloaded takes, and paths that it must not touch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.files.transfer import download, upload
from bridge.wire.client import Client
from bridge.wire.messages import DownloadBegin, Estimate, Submit
from contract.errors import Refusal
from contract.job import InputFile
from tests.backend.service.running import RunningService, job, running, script, submit, to_the_end
from tests.content import noise


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("files")
    (folder / "media").mkdir()
    with running(folder / "home", "--media-root", str(folder / "media")) as service:
        yield service


@pytest.fixture
def client(service: RunningService) -> Iterator[Client]:
    with service.client() as client:
        yield client


@pytest.fixture
def media(service: RunningService) -> Path:
    return service.home.parent / "media"


def refused(client: Client, request: object) -> str:
    with pytest.raises(Refusal) as caught:
        client.call(request)
    return caught.value.kind


def test_a_clip_travels_and_its_take_comes_back(client: Client, service: RunningService, tmp_path: Path):
    clip = tmp_path / "clip.mov"
    clip.write_bytes(noise(3_000_000))
    digest = upload(client.call, clip, chunk_bytes=client.welcome.limits.chunk_bytes)
    spec = script("", source="plate/clip.mov", uploads=(InputFile(path="plate/clip.mov", sha256=digest, bytes=1),))
    name = submit(client, spec).id
    to_the_end(client, name)
    there = service.home / "media" / name / "clip" / "plate" / "clip.mov"
    assert hashlib.sha256(there.read_bytes()).hexdigest() == digest
    output = Path(job(client, name).output)
    assert output == service.home / "jobs" / name
    got = tmp_path / "take.json"
    download(client.call, name, "takes/01/take.json", got, chunk_bytes=1000)
    assert got.read_bytes() == (output / "takes/01/take.json").read_bytes()
    # Events name files by their full path.
    download(client.call, name, str(output / "takes/01/take.json"), tmp_path / "again.json", chunk_bytes=1000)


def test_what_was_not_uploaded_cannot_be_worked_on(client: Client):
    uploads = (InputFile(path="clip.mov", sha256="0" * 64, bytes=1),)
    spec = script("", source="clip.mov", uploads=uploads)
    assert refused(client, Submit(token="a", spec=spec)) == "not_uploaded"


@pytest.mark.parametrize("name", ["../clip.mov", "/etc/clip.mov", "a/../../b", "con", ""])
def test_uploads_keep_to_the_jobs_folder(client: Client, tmp_path: Path, name: str):
    (tmp_path / "clip").write_bytes(b"pictures")
    digest = upload(client.call, tmp_path / "clip", chunk_bytes=1000)
    spec = script("", source=name, uploads=(InputFile(path=name, sha256=digest, bytes=1),))
    assert refused(client, Submit(token="b", spec=spec)) == "bad_name"


def test_another_clients_upload_is_not_given_out(client: Client, service: RunningService, tmp_path: Path):
    (tmp_path / "clip").write_bytes(b"secret pictures")
    digest = upload(client.call, tmp_path / "clip", chunk_bytes=1000)
    spec = script("", source="clip", uploads=(InputFile(path="clip", sha256=digest, bytes=1),))
    with service.client(service.stranger("Eve")) as stranger:
        assert refused(stranger, Submit(token="c", spec=spec)) == "not_uploaded"


def test_media_lies_below_a_root(client: Client, media: Path, tmp_path: Path):
    inside, outside = media / "clip.mov", tmp_path / "clip.mov"
    inside.write_bytes(b"")
    outside.write_bytes(b"")
    link, pipe = media / "link.mov", media / "pipe.mov"
    link.symlink_to(outside)
    os.mkfifo(pipe)
    for source in (outside, media / ".." / "home" / "ledger.db", link, pipe, Path("/dev/zero"), Path("clip.mov")):
        assert refused(client, Submit(token="d", spec=script("", source=str(source)))) == "outside_media_roots", source
    for name in ("output", "media_folders", "model", "segmenter"):
        changes = {name: (str(tmp_path),) if name == "media_folders" else str(tmp_path)}
        spec = script("", source=str(inside), **changes)
        assert refused(client, Submit(token="d", spec=spec)) == "outside_media_roots", changes
    looked_at = Estimate(model=str(tmp_path), quality="draft", takes=1, width=640, height=360, frames=24, rate="24")
    assert refused(client, looked_at) == "outside_media_roots"
    to_the_end(client, submit(client, script("", source=str(inside), output=str(media / "out"))).id)
    assert (media / "out" / "takes" / "01" / "take.json").exists()


@pytest.mark.parametrize("name", ["../../keys/client.key", "/etc/hostname", "takes", "nothing.mov", "out", ""])
def test_only_the_jobs_files_can_be_downloaded(client: Client, name: str):
    finished = submit(client, script("", source=str(media_file(client)))).id
    to_the_end(client, finished)
    (Path(job(client, finished).output) / "out").symlink_to("/etc/hostname")
    assert refused(client, DownloadBegin(job=finished, path=name)) == "no_such_file"


def media_file(client: Client) -> Path:
    path = Path(client.welcome.media_roots[0]) / "plain.mov"
    path.write_bytes(b"")
    return path


def test_a_strangers_job_has_nothing_to_download(client: Client, service: RunningService):
    name = submit(client, script("", source=str(media_file(client)))).id
    to_the_end(client, name)
    with service.client(service.stranger("Mallory")) as stranger:
        assert refused(stranger, DownloadBegin(job=name, path="takes/01/take.json")) == "not_found"
