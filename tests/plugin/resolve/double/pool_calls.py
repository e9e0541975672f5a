"""MediaPool, Folder and MediaPoolItem."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from tests.plugin.resolve.double.appending import append, new_timeline
from tests.plugin.resolve.double.handles import Handle
from tests.plugin.resolve.double.state import Bin, PoolItem, Project, bins_below, items_of, pool_items

if TYPE_CHECKING:
    from tests.plugin.resolve.double.world import World

_ALPHA = {"en": ("None", "Premultiplied", "Straight"), "ja": ("なし", "プリマルチプライ", "ストレート")}
_KINDS = {"en": ("Video", "Video + Audio", "Timeline"), "ja": ("ビデオ", "ビデオ + オーディオ", "タイムライン")}
_METADATA = {"Description", "Comments", "Keywords", "Shot", "Scene", "Take", "Angle"}


def uid_of(handle: Handle) -> str:
    return handle.__dict__["_uid"]


def current_bin(project: Project) -> Bin:
    return next((each for each in bins_below(project.root) if each.uid == project.current_bin), project.root)


class MediaPoolCalls:
    def GetUniqueId(world: World, project: Project) -> str:
        return "pool-" + project.uid

    def GetRootFolder(world: World, project: Project) -> Handle:
        return world.handle("Folder", project.root.uid)

    def GetCurrentFolder(world: World, project: Project) -> Handle:
        return world.handle("Folder", current_bin(project).uid)

    def SetCurrentFolder(world: World, project: Project, folder: Handle) -> bool:
        if world.find("Folder", uid_of(folder)) is None:
            return False
        project.current_bin = uid_of(folder)
        return True

    def AddSubFolder(world: World, project: Project, folder: Handle, name: str) -> Handle | None:
        parent = world.find("Folder", uid_of(folder))
        if parent is None or any(each.name == name for each in parent.bins):
            return None
        parent.bins.append(Bin(world.uid("bin"), name))
        if world.switches.new_bin_is_current:
            project.current_bin = parent.bins[-1].uid
        return world.handle("Folder", parent.bins[-1].uid)

    def DeleteFolders(world: World, project: Project, folders: list[Handle]) -> bool:
        gone = {uid_of(each) for each in folders}
        for each in bins_below(project.root):
            each.bins = [child for child in each.bins if child.uid not in gone]
        if project.current_bin not in {each.uid for each in bins_below(project.root)}:
            project.current_bin = project.root.uid
        return True

    def ImportMedia(world: World, project: Project, items: list) -> list[Handle]:
        made = []
        for each in items:
            clip = _imported(world, each)
            if clip is not None:
                current_bin(project).clips.append(clip)
                made.append(world.handle("MediaPoolItem", clip.uid))
        return made

    def DeleteClips(world: World, project: Project, clips: list[Handle]) -> bool:
        gone = {uid_of(each) for each in clips}
        for each in bins_below(project.root):
            each.clips = [clip for clip in each.clips if clip.uid not in gone]
        for timeline in project.timelines:
            # Resolve also removes the items of deleted media from the timelines.
            for tracks in timeline.tracks.values():
                for track in tracks:
                    track.items = [item for item in track.items if item.pool not in gone]
        return True

    def AppendToTimeline(world: World, project: Project, clips: Any, *more: Any) -> list:
        given = clips if isinstance(clips, list) else [clips, *more]
        return [append(world, project, each) for each in given]

    def CreateEmptyTimeline(world: World, project: Project, name: str) -> Handle | None:
        if any(each.name == name for each in project.timelines):
            return None
        timeline = new_timeline(world, project, name)
        current_bin(project).clips.append(
            PoolItem(world.uid("media"), name, "", 0, timeline.settings["timelineFrameRate"], timeline=timeline.uid)
        )
        return world.handle("Timeline", timeline.uid)

    def DeleteTimelines(world: World, project: Project, timelines: list[Handle]) -> bool:
        gone = {uid_of(each) for each in timelines}
        project.timelines = [each for each in project.timelines if each.uid not in gone]
        for each in bins_below(project.root):
            each.clips = [clip for clip in each.clips if clip.timeline not in gone]
        if project.current_timeline in gone:
            project.current_timeline = project.timelines[0].uid if project.timelines else ""
        return True


class FolderCalls:
    def GetName(world: World, folder: Bin) -> str:
        return folder.name

    def GetUniqueId(world: World, folder: Bin) -> str:
        return folder.uid

    def GetClipList(world: World, folder: Bin) -> list[Handle]:
        return [world.handle("MediaPoolItem", each.uid) for each in folder.clips]

    def GetSubFolderList(world: World, folder: Bin) -> list[Handle]:
        return [world.handle("Folder", each.uid) for each in folder.bins]


class MediaPoolItemCalls:
    def GetName(world: World, clip: PoolItem) -> str:
        return clip.name

    def GetUniqueId(world: World, clip: PoolItem) -> str:
        return clip.uid

    def GetClipProperty(world: World, clip: PoolItem, name: str | None = None) -> Any:
        everything = properties(world, clip)
        return everything if not name else everything.get(name, "")

    def SetClipProperty(world: World, clip: PoolItem, name: str, value: str) -> bool:
        if name != "Alpha mode":
            return False
        english, shown = _ALPHA["en"], _ALPHA[world.switches.language]
        if world.switches.alpha == "refuses" or value not in (*english, *shown):
            return False
        if world.switches.alpha == "sets":
            clip.properties[name] = english[(english if value in english else shown).index(value)]
        return True

    def SetMetadata(world: World, clip: PoolItem, key: Any, value: str | None = None) -> bool:
        given = key if isinstance(key, dict) else {key: value}
        if not set(given) <= _METADATA:
            return False
        clip.metadata.update(given)
        return True

    def SetThirdPartyMetadata(world: World, clip: PoolItem, key: Any, value: str | None = None) -> bool:
        clip.third_party.update(key if isinstance(key, dict) else {key: value})
        return True

    def GetThirdPartyMetadata(world: World, clip: PoolItem, key: str | None = None) -> Any:
        return dict(clip.third_party) if key is None else clip.third_party.get(key, "")


def properties(world: World, clip: PoolItem) -> dict[str, str]:
    """The properties of GetClipProperty: names in English, values in the user's language."""
    language = world.switches.language
    kind = _KINDS[language][2 if clip.timeline or not clip.path else int(clip.audio)]
    alpha = _ALPHA[language][_ALPHA["en"].index(clip.properties.get("Alpha mode", "None"))]
    usage = sum(item.pool == clip.uid for each in world.project.timelines for _, _, item in items_of(each))
    sequence = "[" in clip.path or "%" in clip.path
    first = clip.start if sequence else 0
    return {
        "File Path": clip.path,
        "File Name": os.path.basename(clip.path),
        "Clip Name": clip.name,
        "FPS": clip.rate.split()[0],
        "Frames": str(clip.frames),
        "Start": str(first),
        "End": str(first + clip.frames - 1),
        "Type": kind,
        "Resolution": "1920x1080",
        "Alpha mode": alpha,
        "Usage": str(usage),
    }


def _imported(world: World, item: Any) -> PoolItem | None:
    """One file or sequence as a clip of the media pool; None when Resolve cannot read it."""
    path = item["FilePath"] if isinstance(item, dict) else item
    probed = world.probe(path)
    if probed is None:
        return None
    frames, rate, start, audio = probed
    name = os.path.basename(path)
    if isinstance(item, dict):
        first, last = item["StartIndex"], item["EndIndex"]
        width = int(match[1]) if (match := re.search(r"%0?(\d*)d", name)) else 1
        number = f"[{first:0{width}d}-{last:0{width}d}]"
        if world.switches.sequence_names == "first":
            number = f"{first:0{width}d}"
        name = re.sub(r"%0?\d*d", number, name)
        path, frames, start = os.path.join(os.path.dirname(path), name), last - first + 1, first
    return PoolItem(world.uid("media"), name, path, frames, rate, start, audio, {"Alpha mode": "Premultiplied"})


def find_pool_item(project: Project, uid: str | None) -> PoolItem | None:
    return next((each for each in pool_items(project) if each.uid == uid), None)
