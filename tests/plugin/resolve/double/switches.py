"""Switches for the behaviour in which real Resolves differ, or which was never published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Version = tuple[int, int, int]

# The first version with each call, according to release notes and public repositories.
SINCE: dict[str, Version] = {
    "Timeline.GetSelectedClips": (21, 0, 4),
    "TimelineItem.GetTrackTypeAndIndex": (19, 0, 0),
    "TimelineItem.GetSourceStartFrame": (19, 0, 2),
    "TimelineItem.GetSourceEndFrame": (19, 0, 2),
    "TimelineItem.GetSourceStartTime": (19, 0, 2),
    "TimelineItem.GetSourceEndTime": (19, 0, 2),
    "TimelineItem.SetName": (20, 0, 0),
}
TRACK_OPTIONS_SINCE: Version = (19, 0, 0)
SUBFRAMES_SINCE: Version = (19, 0, 2)
FREE_SCRIPTS_UNTIL: Version = (21, 1, 0)


@dataclass(frozen=True)
class Switches:
    """The default of every field follows the newest published reports."""

    end_frame: Literal["exclusive", "inclusive"] = "exclusive"
    past_end: Literal["clamps", "refuses", "freezes"] = "clamps"
    frame_base: Literal["zero", "media"] = "zero"
    add_track: Literal["shifts", "appends"] = "shifts"
    alpha: Literal["sets", "refuses", "forgets"] = "sets"
    language: Literal["en", "ja"] = "en"
    otio: bool = True
    otio_since: Version = (18, 5, 0)
    otio_clip: Literal[2, 1] = 2
    fractional_starts: bool = False
    takes: bool = True
    take_keeps_marker: bool = True
    live_save: bool = False
    new_bin_is_current: bool = True
    sequence_names: Literal["brackets", "first"] = "brackets"
