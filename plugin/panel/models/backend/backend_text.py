"""What a backend is doing, in one line."""

from __future__ import annotations

from bridge.wire.messages import Pong, Welcome
from plugin.panel.models.number_text import duration_text


def described(where: str, welcome: Welcome | None, pong: Pong | None, paused: bool) -> tuple[str, str]:
    """Headline and detail of a connected backend."""
    headline = f"Ready on {where}"
    detail = f"Version {welcome.version}" if welcome else ""
    if pong is None:
        return headline, detail
    loading = next((each for each in pong.workers if each.state == "loading"), None)
    starting = next((each for each in pong.workers if each.state == "starting"), None)
    devices = ", ".join(each.device for each in pong.workers)
    if pong.state == "stopping":
        headline = "Shutting down"
    elif paused:
        headline = "Queue paused"
    elif loading is not None:
        headline = f"Loading the model, {duration_text(loading.since)}"
    elif starting is not None and (pong.queued or pong.running):
        headline = f"Starting the worker, {duration_text(starting.since)}"
    elif pong.running:
        headline = f"Working: {pong.running} running, {pong.queued} queued"
    elif any(each.state == "stopped" for each in pong.workers):
        headline = "A worker stopped; it restarts with the next job"
    return headline, f"{devices} · {detail}" if devices else detail
