"""Resolve, ProjectManager and Project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.plugin.resolve.double.handles import Handle
from tests.plugin.resolve.double.state import Project

if TYPE_CHECKING:
    from tests.plugin.resolve.double.world import World


class ResolveCalls:
    def GetProductName(world: World, _: World) -> str:
        return "DaVinci Resolve Studio" if world.edition == "studio" else "DaVinci Resolve"

    def GetVersion(world: World, _: World) -> list:
        return [*world.version, 14, ""]

    def GetVersionString(world: World, _: World) -> str:
        return ".".join(map(str, world.version)) + ".14"

    def GetProjectManager(world: World, _: World) -> Handle:
        return world.handle("ProjectManager", "manager")

    def GetCurrentPage(world: World, _: World) -> str:
        return world.page

    def OpenPage(world: World, _: World, page: str) -> bool:
        world.page = page
        return True


class ProjectManagerCalls:
    def GetCurrentProject(world: World, _: World) -> Handle | None:
        return world.handle("Project", world.current) if world.current in world.projects else None

    def SaveProject(world: World, _: World) -> bool:
        world.save()
        return True

    def CreateProject(world: World, _: World, name: str, place: str | None = None) -> Handle | None:
        if any(each.name == name for each in world.projects.values()):
            return None
        world.current = world.add_project(name).uid
        return world.handle("Project", world.current)

    def LoadProject(world: World, _: World, name: str) -> Handle | None:
        found = next((each for each in world.projects.values() if each.name == name), None)
        if found is None:
            return None
        world.current = found.uid
        return world.handle("Project", found.uid)

    def DeleteProject(world: World, _: World, name: str) -> bool:
        found = next((each for each in world.projects.values() if each.name == name), None)
        if found is None or found.uid == world.current:
            return False
        del world.projects[found.uid]
        return True

    def GetProjectListInCurrentFolder(world: World, _: World) -> list[str]:
        return [each.name for each in world.projects.values()]

    def CloseProject(world: World, _: World, project: Handle) -> bool:
        return True


class ProjectCalls:
    def GetName(world: World, project: Project) -> str:
        return project.name

    def GetUniqueId(world: World, project: Project) -> str:
        return project.uid

    def GetMediaPool(world: World, project: Project) -> Handle:
        return world.handle("MediaPool", project.uid)

    def GetTimelineCount(world: World, project: Project) -> int:
        return len(project.timelines)

    def GetTimelineByIndex(world: World, project: Project, index: int) -> Handle | None:
        if not 1 <= index <= len(project.timelines):
            return None
        return world.handle("Timeline", project.timelines[index - 1].uid)

    def GetCurrentTimeline(world: World, project: Project) -> Handle | None:
        return world.handle("Timeline", project.current_timeline) if project.current_timeline else None

    def SetCurrentTimeline(world: World, project: Project, timeline: Handle) -> bool:
        project.current_timeline = timeline.__dict__["_uid"]
        return True

    def GetSetting(world: World, project: Project, name: str) -> str:
        return project.settings.get(name, "")

    def SetSetting(world: World, project: Project, name: str, value: str) -> bool:
        if name not in project.settings:
            return False
        project.settings[name] = value
        return True

    def GetRenderJobList(world: World, project: Project) -> list:
        return list(project.jobs)
