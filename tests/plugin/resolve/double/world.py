"""One running Resolve: version and edition, projects, their saved states, and the call at which it is killed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal

from tests.plugin.resolve.double.handles import Handle, Killed
from tests.plugin.resolve.double.item_calls import TimelineItemCalls
from tests.plugin.resolve.double.pool_calls import FolderCalls, MediaPoolCalls, MediaPoolItemCalls
from tests.plugin.resolve.double.project_calls import ProjectCalls, ProjectManagerCalls, ResolveCalls
from tests.plugin.resolve.double.state import Bin, Project, Timeline, bins_below, items_of, pool_items
from tests.plugin.resolve.double.switches import Switches, Version
from tests.plugin.resolve.double.timeline_calls import TimelineCalls

_BEHAVIOUR = {
    "Resolve": ResolveCalls,
    "ProjectManager": ProjectManagerCalls,
    "Project": ProjectCalls,
    "MediaPool": MediaPoolCalls,
    "Folder": FolderCalls,
    "MediaPoolItem": MediaPoolItemCalls,
    "Timeline": TimelineCalls,
    "TimelineItem": TimelineItemCalls,
}


class World:
    """A double of Resolve.

    answers: overrides calls. {"Timeline.AddMarker": False} is a call that returns False and does nothing, with True it
        returns True and does nothing; a function is called with the world and the arguments.
    probe: returns the facts of an imported file: path -> (frames, rate, start, audio), None for one that Resolve cannot
        read.
    """

    def __init__(
        self,
        version: Version = (21, 0, 4),
        edition: Literal["studio", "free"] = "studio",
        switches: Switches | None = None,
    ) -> None:
        self.version, self.edition, self.switches = version, edition, switches or Switches()
        self.calls: list[str] = []
        self.answers: dict[str, Any] = {}
        self.probe: Callable[[str], tuple[int, str, int, bool] | None] = lambda path: (24, "24", 0, False)
        self.selected: list[str] = []
        self.page = "edit"
        self.gone = False
        self.agent_is_dead = False
        self._uids = 0
        self._death: tuple[int, str, str] | None = None
        self.projects: dict[str, Project] = {}
        self.current = self.add_project("Film").uid
        self.save()

    def refuse(self, key: str, times: int) -> None:
        """Let the next `times` calls of `key` ("Timeline.DeleteClips") return False and do nothing."""
        left = [times]

        def refusal(world: World, *given: Any) -> bool:
            left[0] -= 1
            if left[0] == 0:
                del self.answers[key]
            return False

        self.answers[key] = refusal

    # Holding on -------------------------------------------------------------------------------------------------------

    @property
    def resolve(self) -> Handle:
        """The object that a script gets as `resolve`."""
        return Handle(self, "Resolve", "resolve")

    @property
    def project(self) -> Project:
        return self.projects[self.current]

    @property
    def timeline(self) -> Timeline:
        return next(each for each in self.project.timelines if each.uid == self.project.current_timeline)

    def uid(self, kind: str) -> str:
        self._uids += 1
        return f"{kind}-{self._uids:05d}"

    def add_project(self, name: str) -> Project:
        uid = self.uid("project")
        root = Bin(self.uid("bin"), "Master")
        settings = {"timelineFrameRate": "24", "timelineResolutionWidth": "1920", "timelineResolutionHeight": "1080"}
        self.projects[uid] = Project(uid, name, settings, root, current_bin=root.uid)
        return self.projects[uid]

    def handle(self, kind: str, uid: str) -> Handle:
        return Handle(self, kind, uid)

    def behaviour(self, kind: str, name: str) -> Callable | None:
        return getattr(_BEHAVIOUR[kind], name, None)

    def find(self, kind: str, uid: str) -> Any:
        """The object of a handle; None when it no longer exists."""
        if kind in ("Resolve", "ProjectManager"):
            return self
        if kind == "Project":
            return self.projects.get(uid)
        if kind == "MediaPool":
            return self.project if uid == self.current else None
        if kind == "Folder":
            return next((each for each in bins_below(self.project.root) if each.uid == uid), None)
        if kind == "MediaPoolItem":
            return next((each for each in pool_items(self.project) if each.uid == uid), None)
        if kind == "Timeline":
            return next((each for each in self.project.timelines if each.uid == uid), None)
        return next((found for found in self.everything() if found[3].uid == uid), None)

    def everything(self) -> list[tuple]:
        """(timeline, track type, track index, item) of the open project."""
        return [(timeline, *found) for timeline in self.project.timelines for found in items_of(timeline)]

    # Saving and dying -------------------------------------------------------------------------------------------------

    def save(self) -> None:
        self._saved = copy.deepcopy(self.projects)

    def snapshot(self) -> Project:
        """A copy of the open project, for a later comparison."""
        return copy.deepcopy(self.project)

    def kill(self, number: int, moment: Literal["before", "after"], who: Literal["agent", "resolve"]) -> None:
        """Kill the agent or Resolve at call `number`, counted from now; without Resolve all calls return None."""
        self._death = (len(self.calls) + number, moment, who)

    def dies(self, moment: str) -> bool:
        return self._death is not None and self._death[:2] == (len(self.calls), moment)

    def die(self) -> None:
        assert self._death is not None
        if self._death[2] == "agent":
            self.agent_is_dead = True  # no clean-up code may run
            raise Killed
        self.gone = True

    def restart(self) -> None:
        """Continue: a new Resolve opens what the killed one had saved; one that was not killed keeps its state."""
        if self.gone:
            self.projects = copy.deepcopy(self._saved)
            self.gone = False
        self.agent_is_dead = False
        self._death = None
        self.calls.clear()
