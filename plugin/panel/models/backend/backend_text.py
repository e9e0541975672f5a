"""What a service is doing, in one line."""

from __future__ import annotations

from PyQt6.QtCore import QCoreApplication

from bridge.wire.messages import Pong, Welcome
from plugin.panel.wording import duration_text


def described(where: str, welcome: Welcome | None, pong: Pong | None) -> tuple[str, str]:
    """Headline and detail of a service that answers."""
    headline = _tr("Ready on {0}").format(where)
    detail = _tr("Version {0}").format(welcome.version) if welcome else ""
    if pong is None:
        return headline, detail
    loading = next((each for each in pong.workers if each.state == "loading"), None)
    starting = next((each for each in pong.workers if each.state == "starting"), None)
    devices = ", ".join(each.device for each in pong.workers)
    if pong.state == "stopping":
        headline = _tr("Shutting down")
    elif pong.paused:
        headline = _tr("Queue paused")
    elif loading is not None:
        headline = _tr("Loading the model, {0}").format(duration_text(loading.since))
    elif starting is not None and (pong.queued or pong.running):
        headline = _tr("Starting the worker, {0}").format(duration_text(starting.since))
    elif pong.running:
        headline = _tr("Working: {0} running, {1} waiting").format(pong.running, pong.queued)
    elif any(each.state == "stopped" for each in pong.workers):
        headline = _tr("A worker has ended; it starts again with the next job")
    return headline, f"{devices} · {detail}" if devices else detail


def _tr(text: str) -> str:
    return QCoreApplication.translate("backend_words", text)
