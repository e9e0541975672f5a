"""Timeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.plugin.resolve.double import otio_export, timecodes
from tests.plugin.resolve.double.handles import Handle
from tests.plugin.resolve.double.marking import MarkerCalls
from tests.plugin.resolve.double.state import Timeline, Track, items_of, rate_of

if TYPE_CHECKING:
    from tests.plugin.resolve.double.world import World


def _track(timeline: Timeline, kind: str, index: int) -> Track | None:
    tracks = timeline.tracks[kind]
    return tracks[index - 1] if 1 <= index <= len(tracks) else None


class TimelineCalls(MarkerCalls):
    def GetName(world: World, timeline: Timeline) -> str:
        return timeline.name

    def GetUniqueId(world: World, timeline: Timeline) -> str:
        return timeline.uid

    def GetStartFrame(world: World, timeline: Timeline) -> int:
        return timeline.start

    def GetEndFrame(world: World, timeline: Timeline) -> int:
        return max((item.end for _, _, item in items_of(timeline)), default=timeline.start)

    def GetStartTimecode(world: World, timeline: Timeline) -> str:
        return timecodes.text(timeline.start, timeline.settings["timelineFrameRate"])

    def GetCurrentTimecode(world: World, timeline: Timeline) -> str:
        return timecodes.text(timeline.playhead, timeline.settings["timelineFrameRate"])

    def SetCurrentTimecode(world: World, timeline: Timeline, timecode: str) -> bool:
        if world.page not in ("cut", "edit", "color", "fairlight", "deliver"):
            return False
        timeline.playhead = timecodes.frames(timecode, timeline.settings["timelineFrameRate"])
        return True

    def GetSetting(world: World, timeline: Timeline, name: str) -> str:
        return timeline.settings.get(name, "")

    def GetTrackCount(world: World, timeline: Timeline, kind: str) -> int:
        return len(timeline.tracks[kind])

    def GetTrackName(world: World, timeline: Timeline, kind: str, index: int) -> str | None:
        track = _track(timeline, kind, index)
        # The default name of a track contains its number.
        return (track.name or f"{kind.capitalize()} {index}") if track else None

    def SetTrackName(world: World, timeline: Timeline, kind: str, index: int, name: str) -> bool:
        track = _track(timeline, kind, index)
        if track is None:
            return False
        track.name = name
        return True

    def AddTrack(world: World, timeline: Timeline, kind: str, options: Any = None) -> bool:
        tracks = timeline.tracks[kind]
        index = options.get("index", 0) if isinstance(options, dict) else 0
        if world.switches.add_track == "appends" or not 1 <= index <= len(tracks):
            index = len(tracks) + 1
        tracks.insert(index - 1, Track())
        return True

    def DeleteTrack(world: World, timeline: Timeline, kind: str, index: int) -> bool:
        if _track(timeline, kind, index) is None or len(timeline.tracks[kind]) == 1:
            return False
        del timeline.tracks[kind][index - 1]
        return True

    def GetIsTrackLocked(world: World, timeline: Timeline, kind: str, index: int) -> bool | None:
        track = _track(timeline, kind, index)
        return track.locked if track else None

    def SetTrackLock(world: World, timeline: Timeline, kind: str, index: int, locked: bool) -> bool:
        track = _track(timeline, kind, index)
        if track is None:
            return False
        track.locked = locked
        return True

    def GetIsTrackEnabled(world: World, timeline: Timeline, kind: str, index: int) -> bool | None:
        track = _track(timeline, kind, index)
        # Reported from Studio 21.1.1: of a timeline that is not the current one, every track reads as disabled.
        return track.enabled and timeline.uid == world.project.current_timeline if track else None

    def GetItemListInTrack(world: World, timeline: Timeline, kind: str, index: int) -> list[Handle] | None:
        track = _track(timeline, kind, index)
        return [world.handle("TimelineItem", item.uid) for item in track.items] if track else None

    def DeleteClips(world: World, timeline: Timeline, items: list[Handle], ripple: bool = False) -> bool:
        gone = {each.__dict__["_uid"] for each in items}
        tracks = [track for each in timeline.tracks.values() for track in each]
        if timeline.uid != world.project.current_timeline:
            return False
        for track in tracks:
            if not track.locked:
                track.items = [item for item in track.items if item.uid not in gone]
        assert not ripple, "the agent must never move the user's clips"
        return True

    def GetCurrentVideoItem(world: World, timeline: Timeline) -> Handle | None:
        under = [
            item
            for _, index, item in items_of(timeline, "video")
            if item.start <= timeline.playhead < item.end and timeline.tracks["video"][index - 1].enabled
        ]
        return world.handle("TimelineItem", under[-1].uid) if under else None

    def GetSelectedClips(world: World, timeline: Timeline) -> list[Handle]:
        return [world.handle("TimelineItem", uid) for uid in world.selected]

    def Export(world: World, timeline: Timeline, path: str, kind: str, subkind: str) -> bool:
        if kind != "<EXPORT_OTIO>" or not Path(path).parent.is_dir():
            return False
        otio_export.write(world, timeline, Path(path))
        return True


def frame_rate(timeline: Timeline) -> float:
    return float(rate_of(timeline.settings["timelineFrameRate"]))
