"""What the panel has to know of a movie or an image sequence before anything is made from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import opentimelineio as otio

from contract.errors import BadMedia
from contract.rates import snap_rate

_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273
_LONGEST_SCAN = 20_000
"""Packets whose times are read to count frames and to find a variable rate."""


@dataclass(frozen=True)
class Footage:
    """A clip's media. `width` x `height` are upright, square pixels; `rate` is frames a second.

    `hdr` names the transfer ("PQ", "HLG") or is empty; `start_timecode` is in frames of `rate`, None without one.
    """

    path: str
    width: int
    height: int
    rate: Fraction
    frame_count: int
    start_timecode: int | None = None
    hdr: str = ""
    variable_rate: bool = False
    has_audio: bool = False


def read_footage(path: str, rate: Fraction | None = None) -> Footage:
    """Facts of a movie, or of the image sequence that `path` is one picture of (then `rate` is the sequence's).

    Raises BadMedia when it is missing or is no movie.
    """
    if not Path(path).is_file():
        raise BadMedia(f"There is no movie at {path}.", "The file is not there.", "Check its path, or relink the clip.")
    try:
        with av.open(path) as container:
            if not container.streams.video:
                raise BadMedia(f"{Path(path).name} has no picture.", "It holds sound only.", "Choose a movie.")
            return _facts(path, container, container.streams.video[0], rate)
    except (av.FFmpegError, ValueError, StopIteration) as error:
        raise BadMedia(
            f"{Path(path).name} cannot be read as a movie.", str(error), "Convert it to ProRes or H.264."
        ) from error


def start_timecode(path: str) -> int:
    """A movie's start timecode in frames of its own rate, 0 without one. Raises BadMedia."""
    return read_footage(path).start_timecode or 0


def _facts(path: str, container: av.container.InputContainer, stream: av.VideoStream, rate: Fraction | None) -> Footage:
    times, step = _times(container, stream)
    found = rate or snap_rate(float(stream.average_rate or stream.guessed_rate or 24))
    variable = step is not None and _uneven(times, step)
    count = len(times)
    if variable and times:
        # The presentation grid: as many frames as fit into the time that is shown.
        found = rate or snap_rate(float(stream.guessed_rate or found))
        count = max(1, round((times[-1] - times[0] + step) * stream.time_base * found))
    if count in (0, _LONGEST_SCAN):
        length = stream.duration * stream.time_base if stream.duration else Fraction(container.duration or 0, 1_000_000)
        count = max(1, stream.frames or round(length * found))
    container.seek(0)
    frame = next(container.decode(stream))
    width, height = _upright(frame, stream)
    return Footage(
        path=path,
        width=width,
        height=height,
        rate=found,
        frame_count=count,
        start_timecode=_timecode(container, stream, found),
        hdr=_HDR_TRANSFERS.get(int(getattr(frame, "color_trc", 0) or 0), ""),
        variable_rate=variable,
        has_audio=bool(container.streams.audio),
    )


def _times(container: av.container.InputContainer, stream: av.VideoStream) -> tuple[list[int], int | None]:
    """Presentation times of the pictures in order, and the commonest step between two."""
    times = []
    for packet in container.demux(stream):
        if packet.pts is not None and packet.pts >= (stream.start_time or 0) and not packet.is_discard:
            times.append(packet.pts)
        if len(times) >= _LONGEST_SCAN:
            break
    times.sort()
    steps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    return times, max(set(steps), key=steps.count) if steps else None


def _uneven(times: list[int], step: int) -> bool:
    """Whether steps differ by more than what rounding to ticks explains."""
    if len(times) < 3:
        return False
    mean = (times[-1] - times[0]) / (len(times) - 1)
    return any(
        abs(later - earlier - mean) > max(2, mean / 50) for earlier, later in zip(times, times[1:], strict=False)
    ) and not math.isclose(mean, step, rel_tol=1e-9)


def _upright(frame: av.VideoFrame, stream: av.VideoStream) -> tuple[int, int]:
    aspect = stream.sample_aspect_ratio or Fraction(1)
    width, height = round(frame.width * aspect), frame.height
    return (height, width) if int(frame.rotation or 0) % 180 == 90 else (width, height)


def _timecode(container: av.container.InputContainer, stream: av.VideoStream, rate: Fraction) -> int | None:
    text = stream.metadata.get("timecode") or container.metadata.get("timecode")
    if text is None:
        text = next((each.metadata["timecode"] for each in container.streams if "timecode" in each.metadata), None)
    if not text:
        return None
    try:
        return round(otio.opentime.from_timecode(text, float(rate)).value)
    except ValueError:
        # A timecode that does not exist at this rate says nothing.
        return None
