"""The panel's latest state message, which the sidebar shows: jobs, takes and the backend."""

from __future__ import annotations

import os
from typing import Any

import bpy.utils.previews

from ..agent_link import AgentProblem

_ENDED = frozenset({"done", "failed", "cancelled"})


class PanelState:
    """The latest `state` message, with the takes' thumbnails loaded; empty while no panel is connected."""

    def __init__(self) -> None:
        self.problem: AgentProblem | None = None
        """The add-on's own latest problem."""
        self.log = ""
        self.clips: dict[str, dict[str, Any]] = {}
        self.latest: dict[str, Any] = {}
        self._pictures: Any = None

    def update(self, state: dict[str, Any]) -> None:
        """Replace the state with a new `state` message."""
        self.latest = state
        for take in state.get("takes", ()):
            self._load_picture(take.get("thumbnail") or "")

    def clear(self) -> None:
        """Discard the state: the panel has disconnected."""
        self.latest, self.clips = {}, {}
        if self._pictures is not None:
            bpy.utils.previews.remove(self._pictures)
            self._pictures = None

    @property
    def backend(self) -> dict[str, str]:
        """`state` and `text` of the backend."""
        return self.latest.get("backend") or {"state": "", "text": ""}

    @property
    def panel_problem(self) -> dict[str, str] | None:
        """The problem that the panel reports, if any."""
        return self.latest.get("problem")

    @property
    def takes_listed(self) -> bool:
        """Whether the panel has read all finished takes from the backend."""
        return bool(self.latest.get("takes_listed"))

    def jobs(self, uid: str) -> list[dict[str, Any]]:
        """Jobs of a clip, the newest last, without those that are done: their takes are listed."""
        return [each for each in self.latest.get("jobs", ()) if each["uid"] == uid and each["state"] != "done"]

    def takes(self, uid: str) -> list[dict[str, Any]]:
        """Takes of a clip."""
        return [each for each in self.latest.get("takes", ()) if each["uid"] == uid]

    def others_running(self, uid: str) -> int:
        """Number of unfinished jobs of other clips."""
        jobs = self.latest.get("jobs", ())
        return sum(1 for each in jobs if each["uid"] != uid and each["state"] not in _ENDED)

    def picture(self, take: dict[str, Any]) -> int:
        """Icon id of a take's thumbnail, 0 without one."""
        path = take.get("thumbnail") or ""
        return self._pictures[path].icon_id if self._pictures is not None and path in self._pictures else 0

    def _load_picture(self, path: str) -> None:
        if not path or not os.path.isfile(path):
            return
        if self._pictures is None:
            self._pictures = bpy.utils.previews.new()
        if path not in self._pictures:
            self._pictures.load(path, path, "IMAGE")
