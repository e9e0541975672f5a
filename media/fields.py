"""Which field of an interlaced clip is shown first."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import av
from av.filter import Graph

FieldOrder = Literal["progressive", "tff", "bff"]
"""Whole pictures, or two fields with the top or the bottom one first."""

# AVFieldOrder of a track: which field is stored first, and which one is shown first.
_OF_TRACK: dict[int, FieldOrder] = {2: "tff", 3: "bff", 4: "tff", 5: "bff"}


def field_order_of(frame: av.VideoFrame, stream: av.VideoStream) -> FieldOrder:
    """A decoded picture's field order; the track's own where the codec cannot say it (PNG, some HEVC)."""
    if not frame.interlaced_frame:
        return _OF_TRACK.get(int(stream.codec_context.field_order), "progressive")
    # PyAV shows that a picture is interlaced, not in which order; a filter's expression can see it.
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 25)
    )
    chosen, end = graph.add("select", "eq(interlace_type,TOPFIRST)"), graph.add("buffersink")
    source.link_to(chosen)
    chosen.link_to(end)
    graph.configure()
    graph.push(frame)
    try:
        graph.pull()
    except (av.error.BlockingIOError, av.error.EOFError):
        return "bff"
    return "tff"
