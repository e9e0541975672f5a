"""Finished takes: lists them, downloads them from another machine, and sends their statuses and notes."""

from __future__ import annotations

from PyQt6.QtCore import QObject, pyqtSignal

from bridge.wire.messages import ListTakes, SetTake, TakeEntry, Takes
from contract.errors import Problem
from contract.take import Note, Status, Take
from plugin.panel.models.backend.backend import BackendModel
from plugin.panel.models.takes.review_outbox import ReviewOutbox
from plugin.panel.models.takes.takes import TakesModel, changed_take
from plugin.panel.models.transfers.job_files import JobFiles


class FinishedTakes(QObject):
    """Keeps the takes of `takes` as the backend lists them; `problemFound` carries a Problem for the artist.

    From a backend on another machine it downloads takes that just finished and those of the selected shot; takes of
    other shots stay there until their shot is selected.
    """

    problemFound = pyqtSignal(object)

    def __init__(
        self,
        backend: BackendModel,
        takes: TakesModel,
        files: JobFiles,
        outbox: ReviewOutbox,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._backend, self._takes, self._files, self._outbox = backend, takes, files, outbox
        self._there: dict[tuple[str, int], TakeEntry] = {}
        self._shot = ""
        self.listed = False
        """Whether the backend's list of all takes has been read."""

    def reload(self) -> None:
        """Request the list of all takes, and send what is still in the outbox."""
        self._there.clear()
        self._backend.call(ListTakes(), self._listed, self.problemFound.emit)
        self.send_pending()

    def _listed(self, reply: Takes) -> None:
        self.listed = True
        self.update(reply)
        self._takes.takesChanged.emit()

    def look_at_shot(self, shot: str) -> None:
        """Download the takes of the newly selected shot."""
        self._shot = shot
        self._bring()

    def update(self, reply: Takes, just_made: bool = False) -> None:
        """Take over takes as the backend lists them."""
        here = []
        for each in reply.takes:
            entry = changed_take(each, self._outbox.apply(each.job, each.number, each.take))
            progress = self._takes.jobs.get(each.job)
            # An unlisted job has no folder on this machine.
            found = entry if self._backend.local else progress and self._files.take_here(progress.job, entry)
            if found:
                here.append(found)
                self._keep_record(found)
            elif just_made:
                self._fetch(entry)
            else:
                self._there[each.job, each.number] = entry
        if here:
            self._takes.set_takes(tuple(here))
        self._bring()

    def set_take(self, take: Take, status: Status | None = None, notes: tuple[Note, ...] | None = None) -> None:
        """Set a take's status or notes, and send them to the backend when it is ready. Raises OutOfDisk."""
        for (job, number), entry in list(self._takes.entries.items()):
            if entry.take.id == take.id:
                self._outbox.add(job, number, status, notes)
                changed = changed_take(entry, self._outbox.apply(job, number, entry.take))
                self._takes.set_takes((changed,))
                self._keep_record(changed)
        self.send_pending()

    def send_pending(self) -> None:
        """Send the statuses and notes that the backend does not have yet."""
        if self._backend.ready:
            for request in self._outbox.requests():
                self._send(request)

    def _send(self, request: SetTake) -> None:
        self._backend.call(
            request,
            lambda reply: self._outbox.acknowledge(request),
            lambda problem: self._not_sent(request, problem),
        )

    def _bring(self) -> None:
        if self._shot and not self._backend.local:
            for key, entry in list(self._there.items()):
                if self._takes.shots.get(entry.job, "") == self._shot:
                    del self._there[key]
                    self._fetch(entry)

    def _fetch(self, entry: TakeEntry) -> None:
        progress = self._takes.jobs.get(entry.job)
        if progress is not None:
            name = f"take {entry.number} of “{progress.job.instruction}”"
            self._files.fetch_take(progress.job, entry, name, self._fetched)

    def _fetched(self, entry: TakeEntry) -> None:
        """A status or note may have been set while the take was downloaded."""
        entry = changed_take(entry, self._outbox.apply(entry.job, entry.number, entry.take))
        self._takes.set_takes((entry,))
        self._keep_record(entry)

    def _keep_record(self, entry: TakeEntry) -> None:
        try:
            self._files.keep_record(entry)
        except Problem as problem:
            self.problemFound.emit(problem)

    def _not_sent(self, request: SetTake, problem: Problem) -> None:
        if problem.kind not in ("unreachable", "connection_lost"):
            self._outbox.acknowledge(request)
        self.problemFound.emit(problem)
