"""Files of jobs: used in place from a backend on this machine, else downloaded; and uploads of shots."""

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
    """Transfers run in another thread over a connection of their own; callbacks are called in the window's thread.

    `folder` gives the folder of downloaded files, which holds one folder for each job; `transfers` lists the running
    transfers.
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
        """Upload the files of a shot that the backend does not have; returns the transfer's key."""
        connect, hashes = self._connector(), self._hashes
        key = self.transfers.new_key("shot")
        transfer = Transfer(key, name, upload=True, total=file_transfer.bundle_bytes(bundle))
        self.transfers.begin(
            transfer, lambda control: file_transfer.send(connect, bundle, hashes, control), done, failed
        )
        return key

    def send_mask(self, png: bytes, done: Callable[[tuple[InputFile, ...]], None], failed: Failed) -> None:
        """Upload a painted mask, also to a backend on this machine: jobs name their inputs by content hash."""
        connect = self._connector()
        self._background.run(lambda: file_transfer.send_mask(connect, png), done, failed)

    def picture(self, job: Job, path: str, done: Callable[[str], None]) -> None:
        """Call `done` with the local path of a picture; not at all when the backend has replaced or removed it."""
        if self._backend.local:
            done(path)
            return
        key = (job.id, path)
        if key in self._coming:
            return  # the next event announces a newer one
        self._coming.add(key)
        connect, target = self._connector(), self._folder() / job.id

        def fetched(found: str) -> None:
            self._coming.discard(key)
            if found:
                done(found)

        self._background.run(
            lambda: file_transfer.fetch_picture(connect, job, path, target),
            fetched,
            lambda problem: self._coming.discard(key),
        )

    def take_here(self, job: Job, entry: TakeEntry) -> TakeEntry | None:
        """The take where its folder is on this machine already, else None."""
        if self._backend.local:
            return entry
        folder = self._take_folder(job, entry)
        return file_transfer.at(entry, folder) if file_transfer.is_here(folder, entry) else None

    def fetch_take(self, job: Job, entry: TakeEntry, name: str, done: Callable[[TakeEntry], None]) -> None:
        """Download a take, unless its transfer was stopped; errors are shown in `transfers`."""
        folder, connect = self._take_folder(job, entry), self._connector()
        key = f"take:{job.id}:{entry.number}"
        if self.transfers.is_held(key):
            return
        total = sum(each.bytes for each in entry.take.media)
        self.transfers.begin(
            Transfer(key, name, upload=False, total=total),
            lambda control: file_transfer.fetch_take(connect, job, entry, folder, control),
            done,
            _shown,
        )

    def keep_record(self, entry: TakeEntry) -> None:
        """Update the record file of a downloaded take; a backend on this machine does so itself. Raises OutOfDisk."""
        if not self._backend.local and entry.folder:
            file_transfer.keep_record(entry)

    def _connector(self) -> Callable[[], Client]:
        """A function that connects to the current backend, to be called in another thread."""
        services, endpoint = self._services, self._backend.endpoint

        def connect() -> Client:
            if endpoint is None:
                raise Problem("No backend is connected.", "", "Start it, then try again.")
            return services.client(endpoint)

        return connect

    def _take_folder(self, job: Job, entry: TakeEntry) -> Path:
        return self._folder() / job.id / "takes" / f"{entry.number:02d}"


def _shown(problem: Problem) -> None:
    """Nothing to do: the transfer's row shows it."""
