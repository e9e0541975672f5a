"""Backend, panel and Blender are killed at random moments: the take is in the timeline whole or not at all.

The killed process restarts by itself or when the user opens it again, and the take can then be placed.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from bridge.local.service_file import read_service_file
from tests.plugin.blender.blenders import SYSTEM, Blender
from tests.plugin.blender.chain import Chain, PlacedLayer, users_service
from tests.plugin.blender.conftest import Media

LENGTH = 8
DEATHS = 3
ENDS_WITHIN = 120.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with users_service(tmp_path / "user") as home:
        yield home


class Edit:
    """A Blender with a saved file; after a crash another one opens the same file."""

    def __init__(self, home: Path, folder: Path) -> None:
        self.home, self.folder = home, folder
        self.file = str(folder / "cut.blend")
        self._number = 0
        self.open()

    def open(self) -> None:
        self._number += 1
        own = self.folder / f"blender {self._number}"
        own.mkdir()
        self.blender = Blender(SYSTEM, own)
        if Path(self.file).exists():
            self.blender.call("scenes.open_file", self.file)
        self.chain = Chain(self.blender, self.home, own.name)

    def panel(self) -> psutil.Process:
        return psutil.Process(self.blender.call("agent_link_calls.panel_pid"))

    def find_take(self, take: str) -> None:
        """Open the panel as the user does, and wait for the take in the sidebar."""
        self.blender.call("agent_link_calls.ask", "show", {})
        self.chain.until(lambda reply: any(each["id"] == take for each in reply.get("takes", ())))

    def take_away(self) -> None:
        """The timeline without any take."""
        for name in strips(self):
            if name != "clip":
                self.blender.call("scenes.remove", name)

    def close(self) -> None:
        self.chain.close()
        self.blender.close()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_the_take_is_there_whole_or_not_at_all(home: Path, media: Media, tmp_path: Path) -> None:
    edit, chance = Edit(home, tmp_path), random.Random(20)
    try:
        edit.blender.call("scenes.fresh")
        clip = edit.blender.call("scenes.add_movie", str(media.h264), "clip", 1, 10, (4, 36 - LENGTH))
        edit.blender.call("scenes.save", edit.file)
        take = take_of_a_killed_service(edit)
        seconds = taken(lambda: place_and_save(edit, take))
        edit.chain.until(lambda reply: reply["takes"][0]["status"] == "approved")
        # The panel is killed while the take is placed; Blender continues.
        for part in range(DEATHS):
            edit.take_away()
            edit.blender.call("agent_link_calls.ask", "place_take", {"take": take})
            edit.blender.call("agent_link_calls.reply", moment(seconds, part, chance))
            edit.panel().kill()
            edit.chain.until(lambda reply: not reply["connected"])
            whole_or_not(edit, take, clip)
            edit.find_take(take)
        edit.take_away()
        edit.blender.call("scenes.save", edit.file)
        clean = Path(edit.file).read_bytes()
        # Blender is killed while the take is placed and the file is saved.
        for part in range(DEATHS):
            edit.take_away()
            Path(edit.file).write_bytes(clean)
            panel = edit.panel()
            placing = threading.Thread(target=place_until_killed, args=(edit, take))
            placing.start()
            time.sleep(2 * moment(seconds, part, chance))  # a panel that has just started is slower
            edit.blender.kill()
            placing.join()
            panel.wait(ENDS_WITHIN)
            edit.open()
            whole_or_not(edit, take, clip)
            edit.find_take(take)
        whole(edit.chain.placed().get(take) or edit.chain.place(take), clip)
        assert len(strips(edit)) == 2
    finally:
        edit.close()


def take_of_a_killed_service(edit: Edit) -> str:
    """Request a take and kill the backend while it runs: another backend is started, and continues the take."""
    edit.blender.call("agent_link_calls.order", ["clip"], "add a red balloon on the left")
    edit.chain.until(lambda reply: any((each["fraction"] or 0) > 0.2 for each in reply.get("jobs", ())))
    first = read_service_file(edit.home)
    os.kill(first.pid, signal.SIGKILL)
    reply = edit.chain.until(lambda reply: bool(reply.get("takes")))
    assert read_service_file(edit.home).pid != first.pid
    assert len(reply["takes"]) == 1
    return reply["takes"][0]["id"]


def moment(seconds: float, part: int, chance: random.Random) -> float:
    """Seconds after which to kill: a random moment in part `part` of DEATHS equal parts of 1.5 times the work."""
    return 1.5 * seconds * (part + chance.random()) / DEATHS


def taken(work: Callable[[], None]) -> float:
    """Seconds that `work` takes when nothing is killed."""
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def place_and_save(edit: Edit, take: str) -> None:
    edit.blender.call("agent_link_calls.place_and_save", take, edit.file)


def place_until_killed(edit: Edit, take: str) -> None:
    with contextlib.suppress(AssertionError, BrokenPipeError):
        place_and_save(edit, take)


def strips(edit: Edit) -> list[str]:
    return list(edit.blender.call("scenes.describe")["scenes"]["Scene"]["strips"])


def whole_or_not(edit: Edit, take: str, clip: dict) -> None:
    placed = edit.chain.placed()
    assert set(placed) <= {take}
    assert len(strips(edit)) == 1 + len(placed)
    if placed:
        whole(placed[take], clip)


def whole(layer: PlacedLayer, clip: dict) -> None:
    assert (layer.start, layer.count, layer.track) == (clip["start"], LENGTH, 2)
    assert len(layer.pictures) == LENGTH
