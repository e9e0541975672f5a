"""A session with the backend inside Qt's event loop; nothing here blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from PyQt6 import sip
from PyQt6.QtCore import QObject, QSocketNotifier, QTimer, pyqtSignal

from bridge.wire.link import State
from bridge.wire.messages import Closing, JobChanged, Numbered, Pong, Pushed, QueuePaused, Reply, Request, Welcome
from bridge.wire.pending import Outcome
from contract.errors import Problem

CALL_SECONDS = 20.0


class BackendSession(Protocol):
    """The part of `bridge.wire.session.Session` that is used here."""

    welcome: Welcome | None
    on_state: Callable[[State], None]
    on_push: Callable[[Pushed], None]
    on_pong: Callable[[Pong], None]
    on_fd: Callable[[int | None], None]

    @property
    def state(self) -> State: ...

    @property
    def problem(self) -> Problem | None: ...

    @property
    def fd(self) -> int | None: ...

    def next_due(self) -> float: ...

    def send(self, request: Request, timeout_seconds: float, on_reply: Callable[[Outcome], None]) -> int: ...

    def follow_job(
        self,
        job: str,
        first: int,
        on_event: Callable[[Numbered], None],
        on_problem: Callable[[Problem], None],
    ) -> object: ...

    def unfollow_job(self, job: str) -> None: ...

    def step(self, timeout_ms: int = 0) -> None: ...

    def close(self) -> None: ...


class BackendConnection(QObject):
    """Steps a session whenever its descriptor is readable or it is due."""

    stateChanged = pyqtSignal(str)
    jobChanged = pyqtSignal(object)
    pongReceived = pyqtSignal(object)
    queuePaused = pyqtSignal(bool)
    closing = pyqtSignal()

    def __init__(self, session: BackendSession, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._notifier: QSocketNotifier | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._step)
        self._open = True
        session.on_state = self.stateChanged.emit
        session.on_push = self._pushed
        session.on_pong = self.pongReceived.emit
        session.on_fd = self._watch
        self._watch(session.fd)
        self._timer.start(0)

    def call(
        self,
        request: Request,
        done: Callable[[Reply], None],
        failed: Callable[[Problem], None],
        seconds: float = CALL_SECONDS,
    ) -> None:
        """Send a request; `done` or `failed` is called later, in this thread."""

        def answered(outcome: Outcome) -> None:
            if self._open:
                failed(outcome) if isinstance(outcome, Problem) else done(outcome)

        self.session.send(request, seconds, answered)
        self._timer.start(0)

    def follow(
        self, job: str, first: int, on_event: Callable[[Numbered], None], failed: Callable[[Problem], None]
    ) -> None:
        """Get every event of a job from number `first` on."""
        self.session.follow_job(job, first, on_event, failed)
        self._timer.start(0)

    def unfollow(self, job: str) -> None:
        """Get no more events of a job."""
        self.session.unfollow_job(job)

    def close(self) -> None:
        """End the session."""
        self._open = False
        self._timer.stop()
        self._watch(None)
        self.session.close()

    def _pushed(self, push: Pushed) -> None:
        if isinstance(push, JobChanged):
            self.jobChanged.emit(push.job)
        elif isinstance(push, QueuePaused):
            self.queuePaused.emit(push.on)
        elif isinstance(push, Closing):
            self.closing.emit()

    def _watch(self, fd: int | None) -> None:
        if self._notifier is not None:
            self._notifier.setEnabled(False)
            self._notifier.deleteLater()
            self._notifier = None
        if fd is not None:
            socket = cast(sip.voidptr, fd)  # the stubs know only pointers; Qt takes the descriptor's number
            self._notifier = QSocketNotifier(socket, QSocketNotifier.Type.Read, self)
            self._notifier.activated.connect(self._step)

    def _step(self) -> None:
        if not self._open:
            return
        self.session.step(0)
        if self._open:
            # ZeroMQ's descriptor signals each change only once, so the due time is read again after every step.
            self._timer.start(int(self.session.next_due() * 1000))
