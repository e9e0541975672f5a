"""The project and timeline that are open at this moment."""

from fractions import Fraction
from typing import Any, Iterator, List, Optional, Tuple

from ..calls import call, call_if_present, has, to_int, to_list
from ..edition import Edition
from ..errors import ResolveProblem
from .rates import exact_rate


class CurrentTimeline:
    """Handles of the open project and timeline, read again for every request: handles outlive their objects."""

    def __init__(self, resolve: Any, edition: Edition) -> None:
        self.resolve, self.edition = resolve, edition
        self.manager = call(resolve, "GetProjectManager")
        self.project = call(self.manager, "GetCurrentProject")
        if self.project is None:
            raise ResolveProblem("no_selection", "No project is open in Resolve.", "", "Open one.")
        self.project_id = str(call(self.project, "GetUniqueId"))
        self.timeline = call(self.project, "GetCurrentTimeline")
        if self.timeline is None:
            raise ResolveProblem("no_selection", "No timeline is open in Resolve.", "", "Open one on the Edit page.")
        self.timeline_id = str(call(self.timeline, "GetUniqueId"))

    @property
    def pool(self) -> Any:
        """The media pool."""
        return call(self.project, "GetMediaPool")

    @property
    def rate(self) -> Fraction:
        """Exact frames per second of the timeline."""
        return exact_rate(self.setting("timelineFrameRate"))

    @property
    def drop(self) -> bool:
        """Whether the timeline counts in drop frame timecode."""
        return "DF" in str(self.setting("timelineFrameRate")) or ";" in str(call(self.timeline, "GetStartTimecode"))

    def setting(self, name: str) -> Any:
        """A setting of the timeline, or of the project if the timeline does not have it."""
        return call(self.timeline, "GetSetting", name) or call(self.project, "GetSetting", name)

    def is_current(self) -> bool:
        """Whether this timeline is still the open one."""
        return self.current_timeline_id() == self.timeline_id

    def current_timeline_id(self) -> str:
        """Id of the timeline that is open now, "" when none is."""
        now = call_if_present(self.project, "GetCurrentTimeline")
        return str(call(now, "GetUniqueId")) if now is not None else ""

    def timelines(self) -> Iterator[Any]:
        """All timelines of the project."""
        for index in range(1, to_int(call(self.project, "GetTimelineCount")) + 1):
            found = call(self.project, "GetTimelineByIndex", index)
            if found is not None:
                yield found


def track_count(timeline: Any, kind: str = "video") -> int:
    """The number of video or audio tracks."""
    return to_int(call(timeline, "GetTrackCount", kind))


def items_on(timeline: Any, kind: str, index: int) -> List[Any]:
    """The items of a track."""
    return to_list(call(timeline, "GetItemListInTrack", kind, index))


def uid_of(thing: Any) -> str:
    """Resolve's unique id of a timeline, item, bin or clip."""
    return str(call(thing, "GetUniqueId"))


def uids_on_tracks(timeline: Any, kind: str = "video") -> List[List[str]]:
    """The uids of all items, track by track."""
    tracks = range(1, track_count(timeline, kind) + 1)
    return [[uid_of(item) for item in items_on(timeline, kind, index)] for index in tracks]


def find_item(timeline: Any, uid: str) -> Optional[Tuple[Any, int]]:
    """A video item and the number of its track; None when it is not on the timeline."""
    for index in range(1, track_count(timeline) + 1):
        for item in items_on(timeline, "video", index):
            if uid_of(item) == uid:
                return item, index
    return None


def span_of(item: Any) -> Tuple[int, int]:
    """Record start and length in frames of the timeline."""
    return to_int(call(item, "GetStart")), to_int(call(item, "GetDuration"))


def media_path(item: Any) -> str:
    """Path of an item's media in Resolve's notation, "" for items without a file."""
    clip = call(item, "GetMediaPoolItem")
    return clip_path(clip) if clip is not None else ""


def clip_path(clip: Any) -> str:
    """Path of a clip in the media pool, "" for timelines and other clips without a file."""
    return str(call(clip, "GetClipProperty", "File Path") or "")


def has_takes(item: Any) -> bool:
    """Whether this Resolve has a take selector."""
    return has(item, "AddTake") and has(item, "SelectTakeByIndex") and has(item, "GetTakeByIndex")
