"""Delays requests until the backend and the timeline are ready: the first may come while the panel still starts."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QObject, QTimer

from contract.errors import Problem
from plugin.hosts.agent_host import AgentHost
from plugin.panel.models.backend.backend import BackendModel

LONGEST_MS = {"connecting": 10_000}
"""How long to wait in a state of the backend before the requests fail; STARTING_MS for the other states."""
STARTING_MS = 90_000
"""A backend that starts on a slow disk needs a minute."""
_ON_ITS_WAY = ("looking", "starting", "connecting")


class ReadyGate(QObject):
    """Calls back when the backend is ready and the host's timeline has been read, or when that fails."""

    def __init__(self, backend: BackendModel, host: AgentHost, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._backend, self._host = backend, host
        self._waiting: list[tuple[Callable[[], None], Callable[[Problem], None]]] = []
        self._seen = ""
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._answer)
        backend.changed.connect(self._look)
        host.on_change(self._look)

    @property
    def waits(self) -> bool:
        """Whether a request is waiting."""
        return bool(self._waiting)

    def when_ready(self, then: Callable[[], None], failed: Callable[[Problem], None]) -> None:
        """Call `then` when jobs can be submitted, `failed` with the reason when they cannot."""
        self._waiting.append((then, failed))
        self._look()

    def _look(self, *_: object) -> None:
        if not self._waiting:
            return
        if not self._still_begins():
            self._answer()
        elif self._backend.state != self._seen:
            self._seen = self._backend.state
            self._patience.start(LONGEST_MS.get(self._seen, STARTING_MS))

    def _still_begins(self) -> bool:
        restarted = self._backend.state == "silent" and self._backend.local
        unread = self._host.timeline is None and self._host.problem is None
        return unread or restarted or self._backend.state in _ON_ITS_WAY

    def _answer(self) -> None:
        self._patience.stop()
        self._seen = ""
        waiting, self._waiting = self._waiting, []
        for then, failed in waiting:
            if self._backend.ready:
                then()
            else:
                failed(Problem("The backend is not ready.", self._backend.headline, self._backend.detail))
