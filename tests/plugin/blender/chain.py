"""Blender's agent with the real panel process and the real backend: from a strip to the placed take."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.local.service_file import read_service_file
from tests.plugin.blender.blenders import Blender

PATIENCE = 1800.0
"""Seconds that a step may take on a busy machine."""
SEEDED_PANEL = Path(__file__).resolve().parents[1] / "seeded_panel.py"
INSTRUCTION = "add a red balloon on the left"


@dataclass(frozen=True)
class PlacedLayer:
    """A placed take, as read from Blender; `pictures` are its layer's files, in order."""

    take: str
    start: int
    count: int
    track: int
    pictures: tuple[Path, ...]


def panel_command(home: Path, seed: str = "") -> dict[str, Any]:
    """The command that starts the real panel with the state folder `home`; `seed` is the takes' seed."""
    environment = {"DYNVFX_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    environment["CUDA_VISIBLE_DEVICES"] = ""
    environment["DYNVFX_TEST_SEED"] = seed
    return {"command": [sys.executable, str(SEEDED_PANEL), "--agent"], "environment": environment}


class Chain:
    """Blender's sequencer with the add-on switched on; the first request starts the panel."""

    def __init__(self, blender: Blender, home: Path, seed: str) -> None:
        self.blender, self.home = blender, home
        started = panel_command(home, seed)
        blender.call("agent_link_calls.set_command", started["command"], started["environment"])
        blender.call("agent_link_calls.register")

    def reply(self) -> dict[str, Any]:
        """The state that the panel sends to the sidebar, after one round of the timer."""
        return self.blender.call("agent_link_calls.reply", 0.5)

    def until(self, condition: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE) -> dict[str, Any]:
        """Serve the panel until its state meets the condition."""
        ends = time.monotonic() + seconds
        while not condition(reply := self.reply()):
            assert reply["trouble"] is None and time.monotonic() < ends, reply
        return reply

    def order(self, *names: str) -> dict[str, str]:
        """Generate for strips and wait for their takes: take by name of the strip."""
        before = {each["id"] for each in self.reply().get("takes", ())}
        uids = self.blender.call("agent_link_calls.order", names, INSTRUCTION)

        def new(reply: dict[str, Any]) -> dict[str, str]:
            failed = [each["problem"] for each in reply.get("jobs", ()) if each["problem"]]
            assert not failed, failed
            return {
                each["uid"]: each["id"]
                for each in reply.get("takes", ())
                if each["uid"] in uids and each["id"] not in before
            }

        takes = new(self.until(lambda reply: set(new(reply)) == set(uids)))
        return {name: takes[uid] for name, uid in zip(names, uids, strict=True)}

    def place(self, take: str) -> PlacedLayer:
        """Approve and place a take; returns its facts, as read from Blender."""
        self.blender.call("agent_link_calls.ask", "place_take", {"take": take})
        self.until(lambda reply: any(each["id"] == take and each["placed"] for each in reply["takes"]))
        return self.placed()[take]

    def placed(self) -> dict[str, PlacedLayer]:
        """The placed takes of the open file, by id."""
        found = {}
        for each in self.blender.call("agent_link_calls.placements"):
            first = Path(each["media_path"])
            pictures = tuple(sorted(first.parent.glob("*.png")))
            assert pictures and pictures[0] == first
            layer = PlacedLayer(
                each["take"], each["record_start"], each["record_frames"], each["track_number"], pictures
            )
            found[layer.take] = layer
        return found

    def close(self) -> None:
        """Switch the add-on off; the panel ends with it."""
        self.blender.call("agent_link_calls.unregister")


@contextmanager
def users_service(home: Path) -> Iterator[Path]:
    """A state folder whose panel starts the backend; the backend is ended afterwards."""
    home.mkdir(mode=0o700, parents=True)
    try:
        yield home
    finally:
        running = read_service_file(home)
        if running is not None:
            os.kill(running.pid, signal.SIGTERM)
