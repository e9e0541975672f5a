"""Projects in the double, and takes on the disk, for the tests."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plugin.resolve.agent_journal import AgentJournal
from plugin.resolve.edition import read_edition
from plugin.resolve.placing import media_pool as bins
from plugin.resolve.timeline.current_timeline import CurrentTimeline
from tests.plugin.resolve.double import World
from tests.plugin.resolve.double.appending import new_timeline
from tests.plugin.resolve.double.state import Item, PoolItem, Project, Timeline, Track, bins_below, rate_of

START = 86400


class Film:
    """A project with one timeline in a running Resolve, its media on the disk."""

    def __init__(self, folder: Path, world: World | None = None, rate: str = "24") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.world = world or World()
        self.world.probe = self._probe
        self.world.project.settings["timelineFrameRate"] = rate
        self.timeline: Timeline = new_timeline(self.world, self.world.project, "Cut 1")
        self.journal = AgentJournal(str(folder / "memory"))
        self._takes: dict[str, tuple[int, str, int, bool]] = {}
        self.world.save()

    @property
    def start(self) -> int:
        return self.timeline.start

    def tracks(self, video: int, audio: int = 1) -> None:
        self.timeline.tracks["video"] = [Track() for _ in range(video)]
        self.timeline.tracks["audio"] = [Track() for _ in range(audio)]

    @property
    def rate(self) -> str:
        return self.timeline.settings["timelineFrameRate"]

    def media(
        self, name: str, frames: int = 100, rate: str | None = None, start: int = 0, audio: bool = True
    ) -> PoolItem:
        path = self.folder / name
        path.write_bytes(b"media")
        clip = PoolItem(self.world.uid("media"), name, str(path), frames, rate or self.rate, start, audio)
        self.world.project.root.clips.append(clip)
        return clip

    def clip(
        self,
        name: str = "street.mov",
        at: int = 0,
        frames: int = 24,
        first: int = 2,
        track: int = 1,
        media: PoolItem | None = None,
        **more: Any,
    ) -> Item:
        """A clip on a video track, `at` frames after the timeline's start."""
        source = media or self.media(name, max(100, first + frames + 5))
        item = Item(self.world.uid("item"), name, source.uid, self.start + at, frames, first, **more)
        lane = self.timeline.tracks["video"][track - 1]
        lane.items.append(item)
        lane.items.sort(key=lambda each: each.start)
        self.world.save()
        return item

    def take(
        self, name: str = "a", frames: int = 24, rate: str | None = None, sequence: bool = False
    ) -> dict[str, Any]:
        exact = rate_of(rate or self.timeline.settings["timelineFrameRate"])
        path = self.folder / f"take {name}.mov"
        reply: dict[str, Any] = {
            "id": f"take-{name}", "label": f"balloon {name}", "path": str(path), "sequence": None,
            "frame_count": frames, "rate": [exact.numerator, exact.denominator], "start_frame": 0,
            "width": 1920, "height": 1080, "instruction": "add a red balloon", "model": "tiny", "seed": 1,
        }  # fmt: skip
        if sequence:
            parts = {"folder": str(self.folder), "prefix": f"{name}.", "suffix": ".png", "first": 1001, "padding": 4}
            reply["sequence"] = {**parts, "count": frames}
            path = self.folder / f"{name}.1001.png"
            reply["path"] = str(path)
        path.write_bytes(b"take")
        self._takes[str(path)] = (frames, rate or self.rate, 0, False)
        return reply

    def _probe(self, path: str) -> tuple[int, str, int, bool] | None:
        if "%" in path:
            return 0, self.rate, 0, False
        return self._takes.get(path)

    def current(self) -> CurrentTimeline:
        return CurrentTimeline(self.world.resolve, read_edition(self.world.resolve))


def finish(steps: Iterator[Any]) -> Any:
    """Run a generator to its end; returns its result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def without_ours(project: Project, placed: set[str]) -> Project:
    """The project without the placed items (given by uid), the tracks that contain only them, and DynVFX's bin."""
    clean = copy.deepcopy(project)
    for timeline in clean.timelines:
        for kind, tracks in timeline.tracks.items():
            emptied = []
            for track in tracks:
                ours = [item for item in track.items if item.uid in placed]
                track.items = [item for item in track.items if item.uid not in placed]
                emptied += [track] if ours and not track.items else []
            timeline.tracks[kind] = [track for track in tracks if all(track is not each for each in emptied)]
    for each in bins_below(clean.root):
        each.bins = [child for child in each.bins if child.name != bins.BIN]
    return clean
