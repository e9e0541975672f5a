"""Files of jobs: where they lie when the service is on this machine, else fetched from it, and shots sent to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject

from bridge.editorial.shot_bundle import ShotBundle
from bridge.files.file_hashes import FileHashes
from bridge.wire.client import Client
from bridge.wire.messages import Job, TakeEntry
from contract.errors import Problem
from contract.job import InputFile
from plugin.background_runner import BackgroundRunner
from plugin.panel.models.backend.backend import BackendModel, Services
from plugin.panel.models.transfers import file_transfer
from plugin.panel.models.transfers.transfers import Transfer, TransfersModel

Failed = Callable[[Problem], None]


class JobFiles(QObject):
    """Answers in the window's thread; what has to travel does so in another one, by a connection of its own.

    `folder` is where fetched files go, below the job's id; `transfers` shows what is on its way.
    """

    def __init__(
        self,
        backend: BackendModel,
        services: Services,
        folder: Callable[[], Path],
        background: BackgroundRunner,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._backend, self._services, self._folder, self._background = backend, services, folder, background
        self.transfers = TransfersModel(background, self)
        self._coming: set[tuple[str, str]] = set()
        self._hashes = FileHashes()

    def send(self, name: str, bundle: ShotBundle, done: Callable[[tuple[InputFile, ...]], None], failed: Failed) -> str:
        """Bring a shot to the service, as far as it has not got it; the transfer's key."""
        connect, hashes = self._connector(), self._hashes
        key = self.transfers.new_key("shot")
        transfer = Transfer(key, name, upload=True, total=file_transfer.bundle_bytes(bundle))
        self.transfers.begin(transfer, lambda way: file_transfer.send(connect, bundle, hashes, way), done, failed)
        return key

    def send_mask(self, png: bytes, done: Callable[[tuple[InputFile, ...]], None], failed: Failed) -> None:
        """Bring a painted mask to the backend, this machine's own too: a job names its inputs by content."""
        connect = self._connector()
        self._background.run(lambda: file_transfer.send_mask(connect, png), done, failed)

    def picture(self, job: Job, path: str, done: Callable[[str], None]) -> None:
        """The place here of a picture that the service may replace or take away; no answer when it has."""
        if self._backend.local:
            done(path)
            return
        key = (job.id, path)
        if key in self._coming:
            return  # the next event brings a newer one
        self._coming.add(key)
        connect, target = self._connector(), self._folder() / job.id

        def came(found: str) -> None:
            self._coming.discard(key)
            if found:
                done(found)

        self._background.run(
            lambda: file_transfer.fetch_picture(connect, job, path, target),
            came,
            lambda problem: self._coming.discard(key),
        )

    def take_here(self, job: Job, entry: TakeEntry) -> TakeEntry | None:
        """A take whose folder is here already, None when it is not."""
        if self._backend.local:
            return entry
        folder = self._take_folder(job, entry)
        return file_transfer.at(entry, folder) if file_transfer.is_here(folder, entry) else None

    def fetch_take(self, job: Job, entry: TakeEntry, name: str, done: Callable[[TakeEntry], None]) -> None:
        """Bring a take here, unless somebody stopped that; what goes wrong stands in `transfers`."""
        folder, connect = self._take_folder(job, entry), self._connector()
        key = f"take:{job.id}:{entry.number}"
        if self.transfers.is_held(key):
            return
        total = sum(each.bytes for each in entry.take.media)
        self.transfers.begin(
            Transfer(key, name, upload=False, total=total),
            lambda way: file_transfer.fetch_take(connect, job, entry, folder, way),
            done,
            _shown,
        )

    def keep_record(self, entry: TakeEntry) -> None:
        """Let a fetched take's file say what was said about it; the service does so where its files are this machine's.

        Raises OutOfDisk.
        """
        if not self._backend.local and entry.folder:
            file_transfer.keep_record(entry)

    def _connector(self) -> Callable[[], Client]:
        """Connects with the backend that is in use now, for a thread to call."""
        services, endpoint = self._services, self._backend.endpoint

        def connect() -> Client:
            if endpoint is None:
                raise Problem("No backend is connected.", "", "Start it, then try again.")
            return services.client(endpoint)

        return connect

    def _take_folder(self, job: Job, entry: TakeEntry) -> Path:
        return self._folder() / job.id / "takes" / f"{entry.number:02d}"


def _shown(problem: Problem) -> None:
    """The row of the transfer says it."""
