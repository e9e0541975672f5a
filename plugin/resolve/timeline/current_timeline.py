"""The project and timeline that are open at this moment."""

from fractions import Fraction
from typing import Any, Iterator, List, Optional, Tuple

from ..calls import ask, ask_if, has, listed, whole
from ..edition import Edition
from ..errors import ResolveProblem
from .rates import exact_rate


class Opened:
    """Handles of what is open. They are asked anew for every request: handles outlive what they stand for."""

    def __init__(self, resolve: Any, edition: Edition) -> None:
        self.resolve, self.edition = resolve, edition
        self.manager = ask(resolve, "GetProjectManager")
        self.project = ask(self.manager, "GetCurrentProject")
        if self.project is None:
            raise ResolveProblem("no_selection", "No project is open in Resolve.", "", "Open one.")
        self.project_id = str(ask(self.project, "GetUniqueId"))
        self.timeline = ask(self.project, "GetCurrentTimeline")
        if self.timeline is None:
            raise ResolveProblem("no_selection", "No timeline is open in Resolve.", "", "Open one on the Edit page.")
        self.timeline_id = str(ask(self.timeline, "GetUniqueId"))

    @property
    def pool(self) -> Any:
        """The media pool."""
        return ask(self.project, "GetMediaPool")

    @property
    def rate(self) -> Fraction:
        """Exact frames a second of the timeline."""
        return exact_rate(self.setting("timelineFrameRate"))

    @property
    def drop(self) -> bool:
        """Whether the timeline counts in drop frame timecode."""
        return "DF" in str(self.setting("timelineFrameRate")) or ";" in str(ask(self.timeline, "GetStartTimecode"))

    def setting(self, name: str) -> Any:
        """A setting of the timeline, the project's where the timeline has none of its own."""
        return ask(self.timeline, "GetSetting", name) or ask(self.project, "GetSetting", name)

    def still_current(self) -> bool:
        """Whether the user is still on this timeline."""
        return self.current_id() == self.timeline_id

    def current_id(self) -> str:
        """Identity of the timeline that is open now, "" when none is."""
        now = ask_if(self.project, "GetCurrentTimeline")
        return str(ask(now, "GetUniqueId")) if now is not None else ""

    def timelines(self) -> Iterator[Any]:
        """All timelines of the project."""
        for index in range(1, whole(ask(self.project, "GetTimelineCount")) + 1):
            found = ask(self.project, "GetTimelineByIndex", index)
            if found is not None:
                yield found


def track_count(timeline: Any, kind: str = "video") -> int:
    """How many tracks of a kind there are."""
    return whole(ask(timeline, "GetTrackCount", kind))


def items_on(timeline: Any, kind: str, index: int) -> List[Any]:
    """The items of a track."""
    return listed(ask(timeline, "GetItemListInTrack", kind, index))


def uid_of(thing: Any) -> str:
    """Identity of a timeline, item, bin or clip."""
    return str(ask(thing, "GetUniqueId"))


def uids_on_tracks(timeline: Any, kind: str = "video") -> List[List[str]]:
    """Identities of all items, track by track."""
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
    return whole(ask(item, "GetStart")), whole(ask(item, "GetDuration"))


def media_path(item: Any) -> str:
    """Path of an item's media as Resolve spells it, "" for what has no file."""
    clip = ask(item, "GetMediaPoolItem")
    return clip_path(clip) if clip is not None else ""


def clip_path(clip: Any) -> str:
    """Path of a clip of the media pool, "" for timelines and other things without a file."""
    return str(ask(clip, "GetClipProperty", "File Path") or "")


def has_takes(item: Any) -> bool:
    """Whether this Resolve has a take selector."""
    return has(item, "AddTake") and has(item, "SelectTakeByIndex") and has(item, "GetTakeByIndex")
