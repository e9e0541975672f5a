"""Carries out the requests of the host's own small panel with this panel's models, and reports the state to it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, Protocol

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from bridge.editorial.clip_list import Shot, part_of
from bridge.wire.messages import Job, TakeEntry
from contract.errors import BadUsage, Problem
from contract.job import QUALITIES, SCOPES, Add, JobSpec
from contract.take import Status
from media.probe import MediaInfo, probe
from plugin.background_runner import BackgroundRunner
from plugin.hosts.agent_host import AgentHost, ClipGone
from plugin.hosts.agent_session import Responder
from plugin.panel.models.agent.agent_state import agent_state
from plugin.panel.models.ask.ask import NO_CLIP, ROLLED_SEEDS
from plugin.panel.models.ask.length_check import check_length
from plugin.panel.models.ask.ready_gate import ReadyGate
from plugin.panel.models.panel.panel_model import PanelModel

STATE_EVERY_MS = 200
_STATUSES: tuple[Status, ...] = ("pending", "approved", "rejected", "retake")


class StillWriter(Protocol):
    """`plugin.panel.thumbnails.stills.StillWriter`: pictures of takes as small PNG files."""

    def path_of(self, movie: str) -> str:
        """The path of the PNG, "" while there is none."""


class AgentRequests(QObject):
    """Answers the agent's requests and sends it `state`. `showRequested` asks for the window."""

    showRequested = pyqtSignal()

    def __init__(
        self,
        panel: PanelModel,
        host: AgentHost,
        stills: StillWriter,
        background: BackgroundRunner,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._panel, self._host, self._stills, self._background = panel, host, stills, background
        self._gate = ReadyGate(panel.backend, host, self)
        self._sent: dict[str, Any] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(STATE_EVERY_MS)
        self._soon.timeout.connect(self._send)
        host.session.asked.connect(self._asked)
        for changed in (panel.backend.changed, panel.changed, panel.placements.changed, panel.takes.takesChanged):
            changed.connect(self.schedule_state)
        for changed in (panel.takes.dataChanged, panel.takes.rowsInserted, panel.takes.rowsRemoved):
            changed.connect(self.schedule_state)
        self.schedule_state()

    @property
    def waits(self) -> bool:
        """Whether a request waits for the backend to be ready."""
        return self._gate.waits

    def schedule_state(self, *_: object) -> None:
        """Send the state to the agent soon, if it has changed."""
        if not self._soon.isActive():
            self._soon.start()

    def _send(self) -> None:
        state = agent_state(self._panel, self._host, self._stills.path_of)
        if state != self._sent:
            self._sent = state
            self._host.session.notify("state", state)

    # Requests ---------------------------------------------------------------------------------------------------------

    def _asked(self, method: str, params: dict[str, Any], responder: Responder) -> None:
        handle = {
            "show": self._show,
            "generate": self._generate,
            "cancel": self._cancel,
            "retry": self._retry,
            "dismiss": self._dismiss,
            "place_take": self._place,
            "set_status": self._set_status,
        }.get(method)
        try:
            if handle is None:
                raise BadUsage(f"The panel does not know {method!r}.", "", "Reinstall DynVFX.")
            handle(params, responder)
        except Problem as problem:
            responder.reject(problem)

    def _show(self, params: dict[str, Any], responder: Responder) -> None:
        self.showRequested.emit()
        responder.reply()

    def _cancel(self, params: dict[str, Any], responder: Responder) -> None:
        self._panel.jobs.cancel(self._job(params))
        responder.reply()

    def _retry(self, params: dict[str, Any], responder: Responder) -> None:
        self._panel.jobs.retry(self._job(params))
        responder.reply()

    def _dismiss(self, params: dict[str, Any], responder: Responder) -> None:
        self._panel.jobs.dismiss(self._job(params))
        self.schedule_state()  # the panel's own list does not show every ended job
        responder.reply()

    def _set_status(self, params: dict[str, Any], responder: Responder) -> None:
        status = params.get("status")
        if status not in _STATUSES:
            raise BadUsage(f"{status!r} is not a take status.", "", f"Use one of {', '.join(_STATUSES)}.")
        self._panel.decisions.set_status(self._take(params).take.id, status)
        responder.reply()

    def _place(self, params: dict[str, Any], responder: Responder) -> None:
        entry = self._take(params)
        key = self._panel.takes.shots.get(entry.job, "")

        def placed() -> None:
            self._panel.decisions.set_status(entry.take.id, "approved")
            responder.reply()

        def above(shot: Shot, media_info: MediaInfo) -> None:
            self._panel.placements.place(entry, placed, responder.reject, (shot, media_info))

        def exported(whole: Shot) -> None:
            shot = self._shot_of(entry, whole, key)
            if shot is None:
                responder.reject(
                    ClipGone("The take was made for a different clip.", "", "Generate a take of the clip as it is now.")
                )
                return
            rate = shot.frame_rate if shot.sequence is not None else None
            self._background.run(lambda: probe(shot.media_path, rate), lambda read: above(shot, read), responder.reject)

        def read() -> None:
            try:
                self._export(self._host.uid_of(key), exported, responder.reject)
            except Problem as problem:
                responder.reject(problem)

        self._host.when_read(read)

    def _shot_of(self, entry: TakeEntry, whole: Shot, key: str) -> Shot | None:
        """The clip or the part of it that a take was made from; None when the clip shows other frames now."""
        key_of, first = self._panel.shot.key_of, entry.take.first_number - whole.source_start
        if key_of(whole) == key:
            return whole
        try:
            part = part_of(whole, (first, first + entry.take.frame_count - 1))
        except Problem:
            return None
        return part if key_of(part) == key else None

    def _generate(self, params: dict[str, Any], responder: Responder) -> None:
        self._asked_for(params)  # reports bad parameters at once
        if not params.get("uids"):
            raise BadUsage("No clip is named.", "", "Select a clip first.")

        def ordered() -> None:
            # The clip may have been added so recently that the timeline was not read again yet.
            self._host.when_read(lambda: self._order(params, responder))

        self._gate.when_ready(ordered, responder.reject)

    def _order(self, params: dict[str, Any], responder: Responder) -> None:
        panel = self._panel
        uids = [str(each) for each in params["uids"]]
        jobs: list[str] = []

        def failed(problem: Problem) -> None:
            if jobs:
                problem.why = f"{problem.why} {len(jobs)} of the clips are queued already.".strip()
            responder.reject(problem)

        def next_one(job: Job | None = None) -> None:
            """Submit the next clip; an application renders one at a time."""
            if job is not None:
                jobs.append(job.id)
            if not uids:
                responder.reply({"jobs": jobs})
                return
            try:
                self._export(uids.pop(0), order, failed)
            except Problem as problem:
                failed(problem)

        def measured(left: list[str]) -> None:
            """Check the length of every clip before the first one is exported."""
            if not left:
                panel.history.add(asked.instruction)
                next_one()
                return
            try:
                index = self._host.index_of(left[0])
            except Problem as problem:
                failed(problem)
                return
            model = asked.model or panel.ask.model_name
            check_length(panel.backend, self._host, index, model, lambda: measured(left[1:]), failed)

        def order(shot: Shot) -> None:
            panel.submitting.submit(asked, shot, panel.shot.key_of(shot), None, "generate", next_one, failed)

        try:
            asked = self._asked_for(params)
        except Problem as problem:
            responder.reject(problem)
            return
        measured(list(uids))

    # What requests name -----------------------------------------------------------------------------------------------

    def _asked_for(self, params: dict[str, Any]) -> JobSpec:
        instruction = str(params.get("instruction") or "").strip()
        quality, scope = params.get("quality", "standard"), params.get("scope")
        if not instruction:
            raise BadUsage("There is no instruction.", "", "Describe what to add.")
        if quality not in QUALITIES or scope not in (None, *SCOPES):
            raise BadUsage("Unknown quality or scope.", f"{quality}, {scope}", "Reinstall DynVFX.")
        ask = self._panel.ask
        if not ask.chosen_model_installed:
            what = f"The model {ask.model_name} is not installed on the backend."
            raise BadUsage(what, "", "Allow its download in the panel, or choose another model there.")
        seed = ask.seed if ask.seed_locked else secrets.randbelow(ROLLED_SEEDS)
        return JobSpec(
            start=NO_CLIP,
            edit=Add(instruction=instruction, scope=scope),
            seed=seed,
            quality=quality,
            model=ask.model or None,
        )

    def _export(self, uid: str, done: Callable[[Shot], None], failed: Callable[[Problem], None]) -> None:
        panel, host = self._panel, self._host
        index = host.index_of(uid)
        if panel.shot.current == index:
            panel.shot.exports.start(index, done, failed)  # shown, and joined when it is under way
        else:
            host.export(index, done, failed, lambda *steps: None)

    def _job(self, params: dict[str, Any]) -> str:
        job = str(params.get("job") or "")
        if job not in self._panel.takes.jobs:
            raise BadUsage("There is no such job.", "", "Refresh the list.")
        return job

    def _take(self, params: dict[str, Any]) -> TakeEntry:
        entry = self._panel.decisions.entry(str(params.get("take") or ""))
        if entry is None:
            raise BadUsage("There is no such take.", "", "Refresh the list.")
        return entry
