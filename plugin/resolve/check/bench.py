"""The check's workspace: a separate timeline, with clips to append."""

from typing import Any, Dict, List

from ..calls import call, to_int
from ..timeline.current_timeline import items_on, uid_of


class Bench:
    """The check's own timeline and the clip that it works with."""

    def __init__(self, resolve: Any, project: Any, folder: str) -> None:
        self.resolve, self.project, self.folder = resolve, project, folder
        self.pool = call(project, "GetMediaPool")
        self.timeline = call(self.pool, "CreateEmptyTimeline", "DynVFX check")
        self.start = to_int(call(self.timeline, "GetStartFrame"))
        self.clip = None  # type: Any
        self.base, self.extra = 0, 0
        self.exported_clips: List[Dict[str, Any]] = []

    def append(self, track: int, at: int, frames: int, **more: Any) -> List[Any]:
        """Append `frames` frames, with the frame numbering found so far; returns the new items of the track."""
        before = {uid_of(item) for item in items_on(self.timeline, "video", track)}
        order = {"mediaPoolItem": self.clip, "startFrame": self.base, "endFrame": self.base + frames + self.extra}
        order.update({"mediaType": 1, "trackIndex": track, "recordFrame": self.start + at})
        order.update(more)
        self.answer = call(self.pool, "AppendToTimeline", [order])
        return [item for item in items_on(self.timeline, "video", track) if uid_of(item) not in before]
