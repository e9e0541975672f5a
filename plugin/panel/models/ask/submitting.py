"""Submits jobs for shots, and uploads the shot first where the backend is on another machine."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from PyQt6.QtCore import QObject

from bridge.editorial.clip_list import Shot
from bridge.editorial.shot_bundle import TIMELINE
from bridge.wire.messages import Job
from contract.errors import OutOfDisk, Problem
from contract.job import AfterPlan, InputFile, JobSpec
from contract.plan import Plan
from plugin.hosts.base import Host, IdentifiesClips, ShotSource
from plugin.panel.models.ask.placed_jobs import ResultFolders, of_clip, token_for
from plugin.panel.models.backend.backend import BackendModel
from plugin.panel.models.jobs.jobs import JobsModel
from plugin.panel.models.settings_store import SettingsStore
from plugin.panel.models.transfers.job_files import JobFiles


class Submitting(QObject):
    """Submits jobs for takes of a shot; a backend on another machine gets the shot first."""

    def __init__(
        self,
        host: Host,
        settings: SettingsStore,
        backend: BackendModel,
        files: JobFiles,
        jobs: JobsModel,
        folders: ResultFolders,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._host, self._settings, self._backend, self._files, self._jobs = host, settings, backend, files, jobs
        self._folders = folders

    def submit(
        self,
        asked: JobSpec,
        shot: Shot,
        key: str,
        plan: Plan | None,
        after_plan: AfterPlan,
        done: Callable[[Job], None],
        failed: Callable[[Problem], None],
        wanted: Callable[[], bool] = lambda: True,
    ) -> str:
        """Queue a job for a shot; returns the key of the transfer that uploads the shot, "" when there is none.

        asked: the settings of the job
        key: the shot's key
        plan: a plan that was made before
        done, failed: called with the job or the Problem, now or later
        wanted: asked before submitting; the job is dropped when it returns False
        """
        settings, layer = self._settings, self._host.layer
        if isinstance(self._host, IdentifiesClips):
            self._host.remember_key(key, shot)

        def order(spec: JobSpec) -> None:
            if wanted():
                self._jobs.submit(token_for(key), msgspec.structs.replace(spec, after_plan=after_plan), done, failed)

        def sent(uploads: tuple[InputFile, ...]) -> None:
            try:
                spec = of_clip(asked, ShotSource(TIMELINE, None), shot, settings, None, plan, uploads, layer)
            except Problem as problem:
                failed(problem)
                return
            order(spec)

        try:
            if not self._backend.local:
                return self._files.send(shot.name, self._host.bundle_of(shot), sent, failed)
            output = self._folders.next_folder(asked.instruction)
            spec = of_clip(asked, self._host.source_of(shot), shot, settings, output, plan, layer=layer)
        except Problem as problem:
            failed(problem)
            return ""
        except OSError as error:
            what = "The takes folder cannot be read."
            failed(OutOfDisk(what, str(error), "Choose another folder in the settings."))
            return ""
        order(spec)
        return ""
