"""Exports the selected clip from the host: at once where its media can be used, on request where it is rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PyQt6.QtCore import QObject

from bridge.editorial.clip_list import ListedClip, Shot
from contract.errors import Cancelled, Problem
from plugin.hosts.base import ExportsClips, Host
from plugin.panel.models.observable import Field, Observable


@dataclass(frozen=True)
class ClipExport:
    """A clip that has no shot yet. `reason` is why the host has to render it; `total` is 0 when unknown."""

    index: int
    reason: str
    running: bool = False
    done: int = 0
    total: int = 0
    text: str = ""


class ExportModel(Observable):
    """Runs one export at a time, the selected clip's."""

    now: Field[ClipExport | None] = Field(None)

    def __init__(self, host: Host, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._waiting: list[tuple[Callable[[Shot], None], Callable[[Problem], None]]] = []
        self._stop: Callable[[], None] = _nothing
        self._run = 0

    def follow(self, chosen: ListedClip | None, done: Callable[[Shot], None], failed: Callable) -> bool:
        """React to the selected clip; returns whether its export was started here because it needs no rendering."""
        host, now = self._host, self.now
        if now is not None and now.running:
            if chosen is not None and chosen.index == now.index:
                return False
            self.cancel()
        if not isinstance(host, ExportsClips) or chosen is None or chosen.shot is not None or chosen.problem:
            self.now = None
            return False
        reason = host.export_reason(chosen.index)
        self.now = ClipExport(chosen.index, reason)
        if reason:
            return False
        self.start(chosen.index, done, failed)
        return True

    def start(self, index: int, done: Callable[[Shot], None], failed: Callable[[Problem], None]) -> None:
        """Export a clip; joins a running export of the same clip."""
        host = self._host
        if not isinstance(host, ExportsClips):
            return
        if self.now is not None and self.now.running and self.now.index == index:
            self._waiting.append((done, failed))
            return
        self.cancel()
        self._run += 1
        run = self._run
        self._waiting = [(done, failed)]
        try:
            self.now = ClipExport(index, host.export_reason(index), running=True)
        except Problem as problem:
            self._ended(run, None, problem)
            return
        stop = host.export(
            index,
            lambda shot: self._ended(run, shot, None),
            lambda problem: self._ended(run, None, problem),
            lambda *steps: self._progressed(run, *steps),
        )
        if run == self._run:
            self._stop = stop

    def cancel(self) -> None:
        """Cancel the running export; its `failed` callbacks get Cancelled."""
        now = self.now
        if now is None or not now.running:
            return
        stop, self._stop = self._stop, _nothing
        problem = Cancelled("The export was cancelled.")
        self._ended(self._run, None, problem)
        stop()

    def _progressed(self, run: int, done: int, total: int, text: str) -> None:
        if run == self._run and self.now is not None:
            self.now = replace(self.now, done=done, total=total, text=text)

    def _ended(self, run: int, shot: Shot | None, problem: Problem | None) -> None:
        if run != self._run:
            return
        self._run += 1
        waiting, self._waiting = self._waiting, []
        now = self.now
        self.now = ClipExport(now.index, now.reason) if now is not None and problem is not None else None
        for done, failed in waiting:
            if problem is not None:
                failed(problem)
            elif shot is not None:
                done(shot)


def _nothing() -> None:
    """No export is running."""
