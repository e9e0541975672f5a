"""AppendToTimeline with its silent failures, and new timelines."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.plugin.resolve.double.handles import Handle
from tests.plugin.resolve.double.state import Item, PoolItem, Project, Timeline, Track, pool_items, rate_of

if TYPE_CHECKING:
    from tests.plugin.resolve.double.world import World


def append(world: World, project: Project, given: Any) -> Handle:
    """Place one clip on the current timeline.

    The returned handle is always truthy; when nothing was placed, it has no object.
    """
    nothing = world.handle("TimelineItem", "nothing")
    timeline = next((each for each in project.timelines if each.uid == project.current_timeline), None)
    info = given if isinstance(given, dict) else {"mediaPoolItem": given}
    clip = next((each for each in pool_items(project) if each.uid == info["mediaPoolItem"].__dict__["_uid"]), None)
    if timeline is None or clip is None:
        return nothing
    span = _span(world, clip, info)
    if span is None:
        return nothing
    first, count = span
    kinds = {1: ("video",), 2: ("audio",)}.get(
        info.get("mediaType", 0), ("video", "audio") if clip.audio else ("video",)
    )
    made = [item for kind in kinds if (item := _put(world, timeline, clip, kind, info, first, count)) is not None]
    return world.handle("TimelineItem", made[0].uid) if made else nothing


def _span(world: World, clip: PoolItem, info: dict) -> tuple[int, int] | None:
    """First media frame and number of frames; None when the range is refused."""
    if "startFrame" not in info:
        return 0, clip.frames
    sequence = "[" in clip.path
    base = clip.start if world.switches.frame_base == "media" and sequence else 0
    first = int(info["startFrame"]) - base
    end = int(info["endFrame"]) - base + (world.switches.end_frame == "inclusive")
    if first < 0 or end <= first:
        return None
    if end > clip.frames:
        if world.switches.past_end == "refuses":
            return None
        if world.switches.past_end == "clamps":
            end = clip.frames
    return (first, end - first) if end > first else None


def _put(
    world: World, timeline: Timeline, clip: PoolItem, kind: str, info: dict, first: int, count: int
) -> Item | None:
    tracks = timeline.tracks[kind]
    index = info.get("trackIndex", 1)
    if kind == "audio":
        index = 1
        if not tracks:
            tracks.append(Track())
    if not 1 <= index <= len(tracks):
        return None
    track = tracks[index - 1]
    ends = [item.end for item in track.items]
    start = int(info.get("recordFrame", max(ends, default=timeline.start)))
    ratio = rate_of(timeline.settings["timelineFrameRate"]) / rate_of(clip.rate)
    length = max(1, round(Fraction(count) * ratio))
    if track.locked or any(item.start < start + length and start < item.end for item in track.items):
        return None
    item = Item(world.uid("item"), clip.name, clip.uid, start, length, first)
    track.items.append(item)
    track.items.sort(key=lambda each: each.start)
    return item


def new_timeline(world: World, project: Project, name: str) -> Timeline:
    """An empty timeline in the project's format from 01:00:00:00 on, which becomes the current one."""
    settings = dict(project.settings)
    start = 3600 * round(rate_of(settings["timelineFrameRate"]))
    tracks: dict[str, list[Track]] = {"video": [Track()], "audio": [Track()], "subtitle": []}
    timeline = Timeline(world.uid("timeline"), name, start, settings, tracks, playhead=start)
    project.timelines.append(timeline)
    project.current_timeline = timeline.uid
    return timeline
