"""Starts the fake editing application and controls it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio

from bridge.editorial.rates import as_time
from tests.plugin.movies import write_movie

SCRIPT = Path(__file__).with_name("fake_agent.py")


class AgentProcess:
    """The application in its process; `messages` are those that it has written so far."""

    def __init__(self, project: Path, python: str = sys.executable) -> None:
        self.project_file = project
        self.process = subprocess.Popen(
            [python, str(SCRIPT), str(project)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        self.messages: list[dict[str, Any]] = []
        self._unread = ""
        begun = self.wait(lambda: next((each for each in self.messages if "port" in each), None))
        self.address, self.token = f"127.0.0.1:{begun['port']}", begun["token"]

    def do(self, what: str, **facts: Any) -> None:
        """Have the application do something."""
        self.process.stdin.write(json.dumps({"do": what, **facts}) + "\n")
        self.process.stdin.flush()

    def set(self, **facts: Any) -> None:
        """Change the application's behaviour."""
        self.do("set", **facts)
        self.report()

    def read(self) -> list[dict[str, Any]]:
        """Read its new messages; returns all of them."""
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self.process.stdout.fileno(), 1 << 16):
                self._unread += chunk.decode()
        *lines, self._unread = self._unread.split("\n")
        self.messages += [json.loads(line) for line in lines]
        return self.messages

    def wait(self, condition: Callable[[], Any], seconds: float = 20.0) -> Any:
        """Read until `condition` is true; returns its value."""
        end = time.monotonic() + seconds
        while True:
            self.read()
            found = condition()
            if found:
                return found
            assert time.monotonic() < end, f"It did not happen; the last messages: {self.messages[-3:]}"
            time.sleep(0.005)

    def last(self, name: str) -> Any:
        """The value of `name` in the last message that has it."""
        return next((each[name] for each in reversed(self.read()) if name in each), None)

    def report(self) -> dict[str, Any]:
        """Its current project and the calls that it has received."""
        count = len(self.messages)
        self.do("report")
        return self.wait(lambda: next((each for each in self.messages[count:] if "project" in each), None))

    def saved(self) -> dict[str, Any]:
        """The project as it is on the disk."""
        return json.loads(self.project_file.read_text())

    def kill(self) -> None:
        """End the process like a crash."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it."""
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process.stdout.close()


def write_project(folder: Path, names: tuple[str, ...] = ("street",), **facts: Any) -> Path:
    """A project of one or more clips of 18 frames after a gap of 12 frames, from frame 86400 on at 24 fps."""
    folder.mkdir(parents=True, exist_ok=True)
    clips, exports, start = [], {}, 86400 + 12
    for number, name in enumerate(names, start=1):
        movie = write_movie(folder / f"{name}.mov", 24, Fraction(24))
        uid = f"strip-{number}"
        clips.append(
            {"uid": uid, "name": name, "track": 1, "record_start": start, "record_frames": 18, "media": str(movie)}
        )
        exports[uid] = {"otio": exported(movie, start)}
        start += 18
    project = {
        "id": "scene",
        "title": "Scene",
        "project": str(folder / "cut.blend"),
        "rate": [24, 1],
        "start": 86400,
        "width": 64,
        "height": 48,
        "playhead": 86412,
        "selected": ["strip-1"],
        "clips": clips,
        "exports": exports,
        **facts,
    }
    path = folder / "project.json"
    path.write_text(json.dumps(project))
    return path


def exported(movie: Path, start: int, frames: int = 18) -> str:
    """The timeline file that an agent writes for a clip, which begins at frame 2 of the movie."""
    rate = Fraction(24)
    timeline = otio.schema.Timeline("Scene", global_start_time=as_time(86400, rate))
    whole = otio.opentime.TimeRange(as_time(0, rate), as_time(24, rate))
    shown = otio.opentime.TimeRange(as_time(2, rate), as_time(frames, rate))
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    track.append(otio.schema.Gap(duration=as_time(start - 86400, rate)))
    track.append(otio.schema.Clip(movie.stem, otio.schema.ExternalReference(str(movie), whole), shown))
    timeline.tracks.append(track)
    return otio.adapters.write_to_string(timeline, "otio_json")
