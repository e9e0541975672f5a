"""The backend as the artist sees it: ready, starting, busy or missing, and the button that fixes it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from bridge.local.backend_packages import BackendNotInstalled
from bridge.wire.client import Client
from bridge.wire.messages import Closing, Follow, ListModels, Model, Models, PauseQueue, Pong, Request, Welcome
from contract.errors import BadUsage, Problem
from plugin.background_runner import BackgroundRunner
from plugin.panel.models.backend.backend_connection import BackendConnection, BackendSession
from plugin.panel.models.backend.backend_text import described
from plugin.panel.models.observable import Field, Observable

State = Literal["looking", "starting", "connecting", "ready", "silent", "refused", "missing"]
Fix = Literal["", "start", "retry", "settings"]

RESTARTS, RESTARTS_WITHIN = 3, 120.0
"""A backend that died is restarted automatically this often within so many seconds; then the artist decides."""
GONE_AFTER_MS = 1500


@dataclass(frozen=True)
class Endpoint:
    """Where a backend is. `local` means that it runs on this machine, with the same files."""

    address: str
    key: str
    local: bool


class Services(Protocol):
    """Finds, starts and opens backends; `find` and `start` may take seconds and are called in another thread."""

    def find(self) -> Endpoint | None:
        """The remote backend of the settings, or the one on this machine; None when none runs. Raises Problem."""

    def start(self) -> Endpoint:
        """Start one on this machine. Raises Problem with its error output."""

    def open(self, endpoint: Endpoint) -> BackendSession:
        """Open a session with it. Raises Problem."""

    def client(self, endpoint: Endpoint) -> Client:
        """Open a separate connection for file transfers, whose calls block. Raises Problem."""


class BackendModel(Observable):
    """Keeps a connection to the backend and describes its state in one line.

    `readied` is emitted whenever the backend becomes ready (again): lists have to be requested again then.
    """

    readied = pyqtSignal()
    jobChanged = pyqtSignal(object)
    problemFound = pyqtSignal(object)

    state: Field[State] = Field("looking")
    headline: Field[str] = Field("")
    detail: Field[str] = Field("")
    fix: Field[Fix] = Field("")
    paused: Field[bool] = Field(False)
    models: Field[tuple[Model, ...]] = Field(())

    def __init__(
        self,
        services: Services,
        background: BackgroundRunner,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._services, self._background, self._clock = services, background, clock
        self._link: BackendConnection | None = None
        self._endpoint: Endpoint | None = None
        self._restarts: list[float] = []
        self._gone = QTimer(self)
        self._gone.setSingleShot(True)
        self._gone.timeout.connect(self._look_after_it)
        self._pong: Pong | None = None

    # State and requests -----------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether it can be called."""
        return self.state == "ready"

    @property
    def local(self) -> bool:
        """Whether it runs on this machine, with the same files."""
        return self._endpoint is not None and self._endpoint.local

    @property
    def warming(self) -> bool:
        """Whether a worker is starting, which queued jobs wait for."""
        return self._pong is not None and any(each.state == "starting" for each in self._pong.workers)

    @property
    def working(self) -> bool:
        """Whether a job is running."""
        return self._pong is not None and self._pong.running > 0

    @property
    def endpoint(self) -> Endpoint | None:
        """Where it is; None until it is found."""
        return self._endpoint

    @property
    def welcome(self) -> Welcome | None:
        """Its answer to our hello; None until it is connected."""
        return self._link.session.welcome if self._link else None

    @property
    def link(self) -> BackendConnection | None:
        """The connection, for following jobs; None while there is none."""
        return self._link

    def begin(self) -> None:
        """Find the backend or start one, and connect."""
        self._disconnect()
        self._say("looking", "Looking for the backend…")
        self._background.run(self._services.find, self._found, self._not_there)

    def fix_now(self) -> None:
        """Find or start it again: the action of the banner's button."""
        self._restarts.clear()
        self.begin()

    def call(self, request: Request, done: Callable, failed: Callable[[Problem], None], seconds: float = 20.0) -> None:
        """Send a request; without a connection `failed` is called at once."""
        if self._link is None:
            failed(Problem("No backend is connected.", self.headline, "Start it, then try again."))
            return
        self._link.call(request, done, failed, seconds)

    def list_models(self) -> None:
        """Request the list of models again."""
        self.call(ListModels(), self._listed, self._trouble)

    def pause_queue(self, on: bool) -> None:
        """Pause the queue, or resume it."""

        def refused(problem: Problem) -> None:
            self.changed.emit("paused")  # so that the button shows the real state
            self.problemFound.emit(problem)

        self.call(PauseQueue(on=on), _nothing, refused)

    def close(self) -> None:
        """Disconnect; the backend continues its jobs."""
        self._disconnect()

    # Finding and connecting -------------------------------------------------------------------------------------------

    def _found(self, endpoint: Endpoint | None) -> None:
        if endpoint is not None:
            self._connect(endpoint)
            return
        self._say("starting", "Starting the backend…")
        self._background.run(self._services.start, self._connect, self._not_there)

    def _not_there(self, problem: Problem) -> None:
        # Neither a missing backend nor a wrong address is mended by another start.
        fix: Fix = "settings" if isinstance(problem, BackendNotInstalled | BadUsage) else "start"
        self._say("missing", problem.what, _rest(problem), fix)

    def _connect(self, endpoint: Endpoint) -> None:
        self._disconnect()
        try:
            session = self._services.open(endpoint)
        except Problem as problem:
            self._say("refused", problem.what, _rest(problem), "settings")
            return
        self._endpoint = endpoint
        self._link = BackendConnection(session, self)
        self._link.stateChanged.connect(self._session_changed)
        self._link.jobChanged.connect(self.jobChanged)
        self._link.queuePaused.connect(self._queue_paused)
        self._link.pongReceived.connect(self._ponged)
        self._link.closing.connect(self._closing)
        self._say("connecting", "Connecting to the backend…")
        if session.state == "ready":
            self._session_changed("ready")

    def _disconnect(self) -> None:
        self._gone.stop()
        if self._link is not None:
            self._link.close()
            self._link.deleteLater()
            self._link = None

    # Events of the session --------------------------------------------------------------------------------------------

    def _session_changed(self, state: str) -> None:
        if self._link is None:
            return
        session = self._link.session
        if state == "ready":
            self._gone.stop()
            self._pong = None
            self.state, self.paused = "ready", session.welcome is not None and session.welcome.paused
            self._describe()
            self.call(Follow(), _nothing, self._trouble)
            self.list_models()
            self.readied.emit()
        elif state == "refused" and session.problem is not None:
            self._say("refused", session.problem.what, _rest(session.problem), "settings")
        elif state == "silent" or self.local:
            # A local backend whose connection breaks has died or was stopped: restart it without the artist.
            self._say(
                "silent",
                "The backend does not answer.",
                "Reconnecting. Finished work is safe.",
                "retry",
            )
            if self.local and not self._gone.isActive():
                self._gone.start(GONE_AFTER_MS)
        else:
            self._say("connecting", "Connection lost. Reconnecting…")

    def _look_after_it(self) -> None:
        """A local backend is still silent: reconnect or start another one, a few times."""
        if self.state == "ready":
            return
        now = self._clock()
        self._restarts = [each for each in self._restarts if now - each < RESTARTS_WITHIN]
        if len(self._restarts) >= RESTARTS:
            self._disconnect()
            self._say(
                "missing",
                "The backend keeps stopping.",
                f"It was started {RESTARTS} times within two minutes.",
                "start",
            )
            return
        self._restarts.append(now)
        self.begin()

    def _closing(self) -> None:
        self._say("silent", "The backend is shutting down.", "Queued jobs are kept.", "start")

    def _ponged(self, pong: Pong) -> None:
        self._pong = pong
        self.paused = pong.paused
        if self.state == "ready":
            self._describe()

    def _queue_paused(self, on: bool) -> None:
        self.paused = on
        self._describe()

    def _listed(self, reply: Models) -> None:
        self.models = reply.models

    def _trouble(self, problem: Problem) -> None:
        self.detail = str(problem)

    def _describe(self) -> None:
        """Set the headline to what it is doing."""
        remote = self._endpoint if not self.local else None
        where = remote.address.removeprefix("tcp://") if remote is not None else "this machine"
        self._say("ready", *described(where, self.welcome, self._pong, self.paused))

    def _say(self, state: State, headline: str, detail: str = "", fix: Fix = "") -> None:
        self.headline, self.detail, self.fix = headline, detail, fix
        self.state = state


def _rest(problem: Problem) -> str:
    return " ".join(part for part in (problem.why, problem.remedy) if part)


def _nothing(reply: object) -> None:
    """The reply carries nothing further."""


__all__ = ["BackendModel", "Closing", "Endpoint", "Services"]
