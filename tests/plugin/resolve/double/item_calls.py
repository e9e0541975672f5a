"""TimelineItem; `find` returns (timeline, track type, track index, item) for one."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.plugin.resolve.double.handles import Handle
from tests.plugin.resolve.double.marking import MarkerCalls
from tests.plugin.resolve.double.state import Item, Take, Timeline, pool_items, rate_of

if TYPE_CHECKING:
    from tests.plugin.resolve.double.world import World

Found = tuple[Timeline, str, int, Item]
_DEFAULTS: dict[str, Any] = {
    "Pan": 0.0, "Tilt": 0.0, "ZoomX": 1.0, "ZoomY": 1.0, "ZoomGang": True, "RotationAngle": 0.0,
    "AnchorPointX": 0.0, "AnchorPointY": 0.0, "Pitch": 0.0, "Yaw": 0.0, "FlipX": False, "FlipY": False,
    "CropLeft": 0.0, "CropRight": 0.0, "CropTop": 0.0, "CropBottom": 0.0, "CropSoftness": 0.0, "CropRetain": False,
    "DynamicZoomEase": 0, "CompositeMode": 0, "Opacity": 100.0, "Distortion": 0.0, "RetimeProcess": 0,
    "MotionEstimation": 0, "Scaling": 0, "ResizeFilter": 0,
}  # fmt: skip
_SILENT = ("AnchorPointX", "AnchorPointY")


def _media(world: World, item: Item) -> Any:
    return next((each for each in pool_items(world.project) if each.uid == item.pool), None)


def source_frames(world: World, found: Found) -> int:
    """How many frames of its media an item shows."""
    timeline, _, _, item = found
    clip = _media(world, item)
    if clip is None:
        return item.duration
    ratio = rate_of(clip.rate) / rate_of(timeline.settings["timelineFrameRate"])
    return max(1, round(Fraction(item.duration) * ratio * abs(item.speed)))


def _number(value: int, subframes: bool | None) -> int | float:
    return float(value) if subframes else value


class TimelineItemCalls:
    def GetName(world: World, found: Found) -> str:
        return found[3].name

    def SetName(world: World, found: Found, name: str) -> bool:
        found[3].name = name
        return True

    def GetUniqueId(world: World, found: Found) -> str:
        return found[3].uid

    def GetStart(world: World, found: Found, subframes: bool | None = None) -> int | float:
        return _number(found[3].start, subframes)

    def GetEnd(world: World, found: Found, subframes: bool | None = None) -> int | float:
        return _number(found[3].end, subframes)

    def GetDuration(world: World, found: Found, subframes: bool | None = None) -> int | float:
        return _number(found[3].duration, subframes)

    def GetLeftOffset(world: World, found: Found, subframes: bool | None = None) -> int | float:
        return _number(found[3].first, subframes)

    def GetRightOffset(world: World, found: Found, subframes: bool | None = None) -> int | float:
        clip = _media(world, found[3])
        return _number(clip.frames - found[3].first - source_frames(world, found) if clip else 0, subframes)

    def GetSourceStartFrame(world: World, found: Found) -> int:
        first, last = found[3].first, found[3].first + source_frames(world, found) - 1
        return last if found[3].speed < 0 else first

    def GetSourceEndFrame(world: World, found: Found) -> int:
        first, last = found[3].first, found[3].first + source_frames(world, found) - 1
        return first if found[3].speed < 0 else last

    def GetTrackTypeAndIndex(world: World, found: Found) -> list:
        return [found[1], found[2]]

    def GetMediaPoolItem(world: World, found: Found) -> Handle | None:
        return world.handle("MediaPoolItem", found[3].pool) if _media(world, found[3]) else None

    def GetClipColor(world: World, found: Found) -> str:
        return found[3].color

    def SetClipColor(world: World, found: Found, color: str) -> bool:
        found[3].color = color
        return True

    def GetClipEnabled(world: World, found: Found) -> bool:
        return found[3].enabled

    def SetClipEnabled(world: World, found: Found, enabled: bool) -> bool:
        timeline, kind, index, item = found
        if timeline.uid != world.project.current_timeline or timeline.tracks[kind][index - 1].locked:
            return False
        item.enabled = enabled
        return True

    def GetProperty(world: World, found: Found, key: str | None = None) -> Any:
        everything = {**_DEFAULTS, **found[3].properties}
        return everything if not key else everything.get(key)

    def SetProperty(world: World, found: Found, key: str, value: Any) -> bool:
        if key not in _DEFAULTS:
            return False
        found[3].properties[key] = value
        return key not in _SILENT

    def GetFusionCompCount(world: World, found: Found) -> int:
        return 0

    # Takes ------------------------------------------------------------------------------------------------------------

    def AddTake(world: World, found: Found, clip: Handle, first: int | None = None, end: int | None = None) -> bool:
        item = found[3]
        state = next((each for each in pool_items(world.project) if each.uid == clip.__dict__["_uid"]), None)
        if state is None or found[0].tracks[found[1]][found[2] - 1].locked:
            return False
        if not item.takes:
            item.takes = [Take(item.pool or "", item.first, item.duration)]
        item.takes.append(Take(state.uid, first or 0, state.frames))
        item.take = item.take or 1
        return True

    def GetTakesCount(world: World, found: Found) -> int:
        return len(found[3].takes)

    def GetSelectedTakeIndex(world: World, found: Found) -> int:
        return found[3].take

    def GetTakeByIndex(world: World, found: Found, index: int) -> dict | None:
        takes = found[3].takes
        if not 1 <= index <= len(takes):
            return None
        take = takes[index - 1]
        pool = world.handle("MediaPoolItem", take.pool)
        return {"startFrame": take.first, "endFrame": take.first + take.frames - 1, "mediaPoolItem": pool}

    def SelectTakeByIndex(world: World, found: Found, index: int) -> bool:
        item = found[3]
        if not 1 <= index <= len(item.takes) or found[0].tracks[found[1]][found[2] - 1].locked:
            return False
        item.take = index
        item.pool, item.first = item.takes[index - 1].pool, item.takes[index - 1].first
        if not world.switches.take_keeps_marker:
            item.markers.clear()
        return True

    def DeleteTakeByIndex(world: World, found: Found, index: int) -> bool:
        item = found[3]
        if not 1 <= index <= len(item.takes) or index == item.take:
            return False
        del item.takes[index - 1]
        item.take -= index < item.take
        return True


def _on_item(name: str) -> Any:
    call = getattr(MarkerCalls, name)
    return lambda world, found, *given: call(world, found[3], *given)


for _name in [each for each in vars(MarkerCalls) if not each.startswith("_")]:
    setattr(TimelineItemCalls, _name, _on_item(_name))
