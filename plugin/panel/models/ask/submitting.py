"""From a question to a job: the shot's way to the service, and the order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject

from bridge.editorial.clip_list import Shot
from bridge.editorial.shot_bundle import TIMELINE
from bridge.wire.messages import AddSpec, Job, Upload
from contract.errors import OutOfDisk, Problem
from contract.plan import Plan
from plugin.hosts.base import Host, IdentifiesClips, ShotSource
from plugin.panel.models.ask.ask import Asked
from plugin.panel.models.ask.orders import OrderPlaces, add_spec, token_for
from plugin.panel.models.backend.backend import BackendModel
from plugin.panel.models.jobs.jobs import JobsModel
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.models.transfers.job_files import JobFiles


class Submitting(QObject):
    """Orders takes of a shot; a service on another machine is sent the shot first."""

    def __init__(
        self,
        host: Host,
        settings: SettingsStore,
        backend: BackendModel,
        files: JobFiles,
        jobs: JobsModel,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._host, self._settings, self._backend, self._files, self._jobs = host, settings, backend, files, jobs
        self._orders = OrderPlaces(host, settings)

    def fetched_folder(self) -> Path:
        """Where takes go that come from another machine."""
        chosen = self._settings.get("takes_folder", "")
        return Path(chosen) if chosen else self._host.output_folder() or self._settings.folder / "takes"

    def submit(
        self,
        asked: Asked,
        shot: Shot,
        key: str,
        plan: Plan | None,
        hold: bool,
        done: Callable[[Job], None],
        failed: Callable[[Problem], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> str:
        """Queue a job for a shot whose key is `key`; nothing is ordered when it is not `wanted` any more.

        With `hold` it waits for approval when its plan is there; `plan` is one that was made before. The key of the
        transfer that brings the shot to another machine, "" for none.
        """
        settings, layer = self._settings, self._host.layer
        if isinstance(self._host, IdentifiesClips):
            self._host.remember_key(key, shot)

        def order(spec: AddSpec) -> None:
            if wanted():
                self._jobs.submit(token_for(key), spec, hold, done, failed)

        def sent(uploads: tuple[Upload, ...]) -> None:
            try:
                spec = add_spec(asked, ShotSource(TIMELINE, None), shot, settings, None, plan, uploads, layer)
            except Problem as problem:
                failed(problem)
                return
            order(spec)

        try:
            self._backend.require_limits(asked.region is not None)
            if not self._backend.local:
                return self._files.send(shot.name, self._host.bundle_of(shot), sent, failed)
            output = self._orders.next_folder(asked.instruction)
            spec = add_spec(asked, self._host.source_of(shot), shot, settings, output, plan, layer=layer)
        except Problem as problem:
            failed(problem)
            return ""
        except OSError as error:
            what = "The takes folder cannot be read."
            failed(OutOfDisk(what, str(error), "Choose another folder in the settings."))
            return ""
        order(spec)
        return ""
