"""Files of jobs: where they lie when the service is on this machine, else fetched from it, and shots sent to it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from PyQt6.QtCore import QObject

from bridge import transfer
from bridge.errors import BadAnswer, Problem, Refusal
from bridge.messages import Job, TakeEntry, Upload
from bridge.relative_paths import checked_parts
from bridge.shot_parcel import TIMELINE, Parcel
from bridge.take import TAKE_FILE, read_take, write_take
from plugin.panel.models.backend import BackendModel, Endpoint, Runs, Services

Failed = Callable[[Problem], None]


class JobFiles(QObject):
    """Answers in the window's thread; what has to travel does so in another one, by a connection of its own.

    `folder` is where fetched files go, below the job's id.
    """

    def __init__(
        self,
        backend: BackendModel,
        services: Services,
        folder: Callable[[], Path],
        background: Runs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._backend, self._services, self._folder, self._background = backend, services, folder, background
        self._coming: set[tuple[str, str]] = set()

    def send(self, parcel: Parcel, done: Callable[[tuple[Upload, ...]], None], failed: Failed) -> None:
        """Bring a shot to the service, as far as it has not got it."""
        endpoint, services = self._backend.endpoint, self._services
        self._background.run(lambda: _send(services, endpoint, parcel), done, failed)

    def picture(self, job: Job, path: str, done: Callable[[str], None]) -> None:
        """The place here of a picture that the service may replace or take away; no answer when it has."""
        if self._backend.local:
            done(path)
            return
        key = (job.id, path)
        if key in self._coming:
            return  # the next event brings a newer one
        self._coming.add(key)
        endpoint, services, target = self._backend.endpoint, self._services, self._folder() / job.id

        def came(found: str) -> None:
            self._coming.discard(key)
            if found:
                done(found)

        def fetch() -> str:
            return _fetch_picture(services, endpoint, job, path, target)

        self._background.run(fetch, came, lambda problem: self._coming.discard(key))

    def take(self, job: Job, entry: TakeEntry, done: Callable[[TakeEntry], None], failed: Failed) -> None:
        """A take whose folder is here."""
        if self._backend.local:
            done(entry)
            return
        key = (job.id, entry.folder)
        if key in self._coming:
            return
        folder = self._folder() / job.id / "takes" / f"{entry.number:02d}"
        if _is_here(folder, entry):
            done(_at(entry, folder))
            return
        self._coming.add(key)
        endpoint, services = self._backend.endpoint, self._services

        def came(found: TakeEntry) -> None:
            self._coming.discard(key)
            done(found)

        def missed(problem: Problem) -> None:
            self._coming.discard(key)
            failed(problem)

        self._background.run(lambda: _fetch_take(services, endpoint, job, entry, folder), came, missed)


def _send(services: Services, endpoint: Endpoint, parcel: Parcel) -> tuple[Upload, ...]:
    with tempfile.TemporaryDirectory() as place, contextlib.closing(services.client(endpoint)) as client:
        timeline = Path(place) / TIMELINE
        timeline.write_bytes(parcel.timeline)
        chunk = client.welcome.limits.chunk_bytes
        sent = []
        for name, path in ((TIMELINE, timeline), *parcel.files):
            digest = transfer.upload(client.call, path, chunk_bytes=chunk, call_many=client.call_many)
            sent.append(Upload(path=name, sha256=digest))
        return tuple(sent)


def _fetch_picture(services: Services, endpoint: Endpoint, job: Job, path: str, folder: Path) -> str:
    name = _below(job, path)
    target = folder / name
    with contextlib.closing(services.client(endpoint)) as client, contextlib.suppress(Refusal):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        transfer.download(client.call, job.id, name, target, call_many=client.call_many)
        return str(target)
    return ""


def _fetch_take(services: Services, endpoint: Endpoint, job: Job, entry: TakeEntry, folder: Path) -> TakeEntry:
    """All files of a take; its record comes last, so that a folder with one is whole."""
    name = _below(job, entry.folder)
    with contextlib.closing(services.client(endpoint)) as client:
        chunk = client.welcome.limits.chunk_bytes
        for each in entry.take.media:
            checked_parts(each.path)
            target = folder / each.path
            target.parent.mkdir(parents=True, exist_ok=True)
            transfer.download(
                client.call, job.id, f"{name}/{each.path}", target, chunk_bytes=chunk, call_many=client.call_many
            )
    write_take(folder, entry.take)
    return _at(entry, folder)


def _is_here(folder: Path, entry: TakeEntry) -> bool:
    return (folder / TAKE_FILE).is_file() and read_take(folder).id == entry.take.id


def _at(entry: TakeEntry, folder: Path) -> TakeEntry:
    return TakeEntry(job=entry.job, number=entry.number, folder=str(folder), take=entry.take)


def _below(job: Job, path: str) -> str:
    """A path there, counted from the job's folder there. Raises BadAnswer when it is not in it."""
    kind = PurePosixPath if job.output.startswith("/") else PureWindowsPath
    try:
        name = kind(path).relative_to(kind(job.output)).as_posix()
        checked_parts(name)
    except (ValueError, Problem) as error:
        raise BadAnswer(f"The service named {path}, which is not in the job's folder.") from error
    return name
