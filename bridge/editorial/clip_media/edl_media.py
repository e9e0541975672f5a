"""Whether an edit list and the media behind one of its clips count frames alike."""

from __future__ import annotations

from fractions import Fraction

from bridge.editorial.exchange.reading import CountedMedia
from bridge.editorial.shot import Shot
from contract.errors import BadTimeline
from contract.timecode import frame_of_timecode, timecode

_REMEDY = "Export OpenTimelineIO (.otio) or XML instead, which name the frames themselves."


def check_edl_media(shot: Shot, media: CountedMedia) -> None:
    """Raises BadTimeline when `shot`, of an edit list, may show other frames of its media than its editor did."""
    rate = Fraction(*shot.timeline_rate)
    if round(rate) != round(media.rate):
        raise BadTimeline(
            f'"{shot.name}" has another frame rate than the edit list.',
            f"Its media has {float(media.rate):.5g} frames a second and the list counts {float(rate):.5g}; which of "
            "both numbers its frames is not said.",
            _REMEDY,
        )
    if rate != media.rate:
        raise BadTimeline(
            f'"{shot.name}" has not quite the frame rate that the edit list was read at.',
            f"Its media has {float(media.rate):.5g} frames a second, the list was read at {float(rate):.5g}; "
            "lists count both alike.",
            f"Name the media's rate: --rate {media.rate}",
        )
    drops = bool(shot.metadata.get("cmx_3600", {}).get("drop"))
    if media.start_timecode is not None and media.drop_frame != drops:
        listed = timecode(shot.media_start + shot.source_start, rate, drops)
        plain = listed.replace(";", ":")
        there = plain[:8] + (";" if media.drop_frame else ":") + plain[9:]
        if frame_of_timecode(listed, rate) != frame_of_timecode(there, rate):
            raise BadTimeline(
                f'"{shot.name}" is counted in drop frame by {"the edit list" if drops else "its media"} alone.',
                f"{listed} in the list may be another frame than {there} of the media.",
                _REMEDY,
            )
